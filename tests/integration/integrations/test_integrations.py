"""The life of an integration through the API: connect, read, change, disconnect, reconnect, delete."""

import json
from typing import Any

import pytest

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict
from jobsprint.core.redaction import MASK
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected, rows, stored, subscribed
from tests.support.template import ROOT

URL = "https://hooks.example.com/jobsprint"
SEND = {
    "name": "send",
    "description": "Sends a text",
    "parameters": {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string", "description": "What to say"}},
    },
}

pytestmark = pytest.mark.usefixtures("aws")


def published() -> list[str]:
    """The names of the events that were published, in any order."""
    return sorted(
        item["event"]["S"] for item in aws.dynamodb().scan(TableName="EventsTable")["Items"] if "event" in item
    )


def statuses(integration_id: str) -> dict[str, Any]:
    return dict(call("GET", f"/integrations/{integration_id}").data)


# --- connect ---------------------------------------------------------------------------------------------------------


def test_connect_makes_an_integration_that_get_and_list_show() -> None:
    answer = call(
        "POST",
        "/integrations/custom_webhook/connect",
        body={
            "name": "My endpoint",
            "description": "Says hello",
            "configuration": {"workspace": "Acme Corp"},
            "url": URL,
            "headers": {"Authorization": "Bearer your-token"},
            "secret": "a-signing-secret",
            "actions": [SEND],
        },
    )

    assert answer.status == 201
    shown = call("GET", f"/integrations/{answer.data['id']}").data
    assert shown["configuration"] == {"workspace": "Acme Corp", "url": URL, "headers": {"Authorization": MASK}}
    assert shown["capabilities"] == [
        {
            "name": "send",
            "description": "Sends a text",
            "parameters": [{"name": "text", "type": "string", "required": True, "description": "What to say"}],
        }
    ]
    assert shown["usageStats"] == {"totalCalls": 0, "successfulCalls": 0, "failedCalls": 0, "successRate": 0}
    assert shown["health"] == {"status": "unknown"}
    assert "lastUsed" not in shown
    [listed] = call("GET", "/integrations").data
    assert listed == {key: shown[key] for key in listed if key != "capabilities"} | {"capabilities": ["send"]}


def test_connect_makes_no_call(endpoint: Receiver) -> None:
    connected(endpoint.url)

    assert endpoint.received == []


def test_secrets_stand_in_no_row() -> None:
    secrets = ["hdr-s3cret-value", "a-signing-secret", "0123456789abcdefghijklmn"]
    connected(f"{URL}/{secrets[2]}?token=q-s3cret", headers={"X-Key": secrets[0]}, secret=secrets[1])

    kept = "\n".join(rows())

    assert [secret for secret in [*secrets, "q-s3cret"] if secret in kept] == []


@pytest.mark.parametrize("name", ["Grüße 🎉", "👩‍👩‍👧 family", "می‌خواهم", "日本語", "x" * 100, "🎉" * 100, "a b"])
def test_names_in_any_script(name: str) -> None:
    integration_id = connected(URL, **{"name": name})  # noqa: PIE804 - the name is a field of the body

    assert statuses(integration_id)["name"] == name


@pytest.mark.parametrize(
    ("target", "body", "status", "code"),
    [
        ("zapier_slack", {"authType": "oauth", "redirectUrl": "http://a.example/"}, 422, "invalid_fields"),
        ("n8n_gmail", {"baseUrl": "https://n8n.example", "apiKey": ""}, 422, "invalid_fields"),
        ("mcp_server", {"authType": "none", "serverUrl": "https://mcp.example"}, 502, "upstream_dns"),
        ("zapier_nothing", {}, 404, "application_not_found"),
        ("int_" + "0" * 26, {}, 404, "integration_not_found"),
        ("wh_" + "0" * 26, {}, 404, "webhook_not_found"),
        ("custom_webhook", {"name": "n", "url": URL, "authType": "oauth"}, 422, "invalid_fields"),
    ],
)
def test_what_cannot_be_connected(target: str, body: dict[str, Any], status: int, code: str) -> None:
    answer = call("POST", f"/integrations/{target}/connect", body=body)

    assert (answer.status, answer.error["code"]) == (status, code)
    assert rows() == []


def test_every_wrong_field_of_a_connect_is_listed() -> None:
    answer = call(
        "POST",
        "/integrations/custom_webhook/connect",
        body={
            "description": "d" * 501,
            "configuration": [],
            "headers": {"Host": "x"},
            "secret": "short",
            "actions": [{"name": "two words", "parameters": {"type": "array"}}, {"nome": "x"}],
            "more": 1,
        },
    )

    assert answer.status == 422
    assert {detail["field"] for detail in answer.error["details"]} == {
        "body.name",
        "body.description",
        "body.configuration",
        "body.url",
        "body.headers",
        "body.secret",
        "body.actions[0].name",
        "body.actions[0].parameters",
        "body.actions[1].name",
        "body.actions[1].nome",
        "body.more",
    }
    assert rows() == []


@pytest.mark.parametrize(
    "actions",
    [
        [{"name": "a"}, {"name": "a"}],
        [{"name": f"a{n}"} for n in range(51)],
        [{"name": "jobsprint.ping"}],
        [{"name": ""}],
        [{"name": "x" * 101}],
        [{"name": "a", "description": "d" * 501}],
        [{"name": "a", "parameters": {"type": "object", "$ref": "https://elsewhere.example"}}],
        [{"name": "a", "parameters": {"type": "object", "title": "t" * 66_000}}],
        "send",
        [5],
    ],
)
def test_actions_that_are_refused(actions: Any) -> None:
    answer = call("POST", "/integrations/custom_webhook/connect", body={"name": "n", "url": URL, "actions": actions})

    assert answer.status == 422
    assert rows() == []


# --- list ------------------------------------------------------------------------------------------------------------


def _pages(target: str) -> list[list[str]]:
    pages, cursor = [], ""
    while True:
        answer = call("GET", target + cursor)
        pages.append([item["name"] for item in answer.data])
        if not answer.body["pagination"]["hasMore"]:
            assert "nextCursor" not in answer.body["pagination"]
            return pages
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"


@pytest.mark.parametrize("filters", ["", "&type=zapier", "&status=connected", "&type=zapier&status=connected"])
def test_pages_newest_first_without_gaps(filters: str) -> None:
    for number in range(7):
        stored(name=str(number), made_at=1_000_000 + number)
    stored(kind="n8n", name="other", status="disconnected", made_at=1)
    expected = ["6", "5", "4", "3", "2", "1", "0", *([] if filters else ["other"])]

    for limit in (1, 2, 3, 7, 8, 100):
        pages = _pages(f"/integrations?limit={limit}{filters}")
        assert [name for names in pages for name in names] == expected
        assert all(len(names) <= limit for names in pages)
        assert pages[-1] != []


def test_a_page_is_twenty_by_default() -> None:
    for number in range(21):
        stored(name=str(number), made_at=number)

    answer = call("GET", "/integrations")

    assert (len(answer.data), answer.body["pagination"]["hasMore"]) == (20, True)


def test_an_empty_list() -> None:
    assert call("GET", "/integrations").body == {"success": True, "data": [], "pagination": {"hasMore": False}}


def test_webhooks_are_among_the_integrations() -> None:
    made = subscribed()

    [listed] = call("GET", "/integrations?type=webhook&status=connected").data
    detail = statuses(made["id"])

    assert (listed["id"], listed["capabilities"]) == (made["id"], ["workflow.executed"])
    assert (detail["type"], detail["connectedAt"]) == ("webhook", made["createdAt"])
    assert detail["capabilities"] == [{"name": "workflow.executed", "parameters": []}]


def test_search_pages_through_everything_once() -> None:
    every = call("GET", "/integrations/available?category=Forms&limit=100").data
    seen: list[str] = []
    cursor = ""
    while True:
        answer = call("GET", f"/integrations/available?category=Forms&limit=7{cursor}")
        seen += [app["id"] for app in answer.data]
        if not answer.body["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"

    assert seen == [app["id"] for app in every]
    assert len(set(seen)) == len(seen) > 14


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("query=SLACK", {"zapier_slack", "n8n_slack"}),
        ("query=slack&type=n8n", {"n8n_slack"}),
        ("type=custom", {"custom_webhook"}),
        ("type=webhook", set()),
        ("category=email&type=n8n", {"n8n_gmail", "n8n_outlook"}),
        ("query=mail&category=databases&type=n8n", set()),
        ("query=nothing-like-this", set()),
        ("query=%F0%9F%8E%89", set()),
    ],
)
def test_search(parameters: str, expected: set[str]) -> None:
    assert {app["id"] for app in call("GET", f"/integrations/available?{parameters}").data} == expected


@pytest.mark.parametrize("query", [f"query={'x' * 201}", f"category={'x' * 101}", "type=app", "limit=0"])
def test_a_wrong_search(query: str) -> None:
    assert call("GET", f"/integrations/available?{query}").status == 422


# --- change ----------------------------------------------------------------------------------------------------------


def test_patch_merges(endpoint: Receiver) -> None:
    integration_id = connected(
        endpoint.url,
        headers={"X-Key": "first-value"},
        secret="a-signing-secret",
        configuration={"a": 1, "b": 2},
        actions=[SEND],
    )

    answer = call(
        "PATCH",
        f"/integrations/{integration_id}",
        body={"name": "New", "configuration": {"b": None, "c": {"d": [3]}}, "headers": {"X-Other": "second-value"}},
    )

    assert answer.status == 200
    assert answer.data["name"] == "New"
    assert answer.data["description"] != ""
    assert answer.data["configuration"] == {
        "a": 1,
        "c": {"d": [3]},
        "url": endpoint.url,
        "headers": {"X-Other": MASK},
    }
    assert [one["name"] for one in answer.data["capabilities"]] == ["send"]
    assert statuses(integration_id) == answer.data
    call("POST", f"/integrations/{integration_id}/actions/send", body={"parameters": {"text": "x"}})
    [request] = endpoint.received
    assert "x-key" not in request.headers
    assert request.headers["x-other"] == "second-value"
    assert "webhook-signature" in request.headers


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        ({}, {}),
        ({"name": None}, {}),
        ({"description": ""}, {"description": ""}),
        ({"actions": []}, {"capabilities": []}),
        ({"secret": None}, {}),
    ],
)
def test_small_changes(change: dict[str, Any], shown: dict[str, Any]) -> None:
    integration_id = connected(URL, secret="a-signing-secret", actions=[SEND])
    before = statuses(integration_id)

    answer = call("PATCH", f"/integrations/{integration_id}", body=change)

    assert answer.status == 200
    assert statuses(integration_id) == {**before, **shown}


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"name": ""}, ["body.name"]),
        ({"name": "x" * 101}, ["body.name"]),
        ({"name": "two\nlines"}, ["body.name"]),
        ({"name": 5, "description": 5, "configuration": 5}, ["body.name", "body.description", "body.configuration"]),
        ({"type": "zapier"}, ["body.type"]),
        ({"id": "int_1"}, ["body.id"]),
        ({"status": "connected"}, ["body.status"]),
        ({"name": "ok", "url": 5}, ["body.url"]),
        ({"name": 5, "url": 5}, ["body.name", "body.url"]),
        ({"headers": None}, ["body.headers"]),
        ({"configuration": {str(n): 1 for n in range(51)}}, ["body.configuration"]),
        ({"configuration": {"a": "x" * 17_000}}, ["body.configuration"]),
    ],
)
def test_wrong_changes_change_nothing(change: dict[str, Any], fields: list[str]) -> None:
    integration_id = connected(URL)
    before = rows()

    answer = call("PATCH", f"/integrations/{integration_id}", body=change)

    assert answer.status == 422
    assert [detail["field"] for detail in answer.error["details"]] == fields
    assert rows() == before


def test_a_configuration_cannot_grow_without_end() -> None:
    integration_id = connected(URL, configuration={"a": "x" * 10_000})

    answer = call("PATCH", f"/integrations/{integration_id}", body={"configuration": {"b": "x" * 10_000}})

    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.configuration")


def test_configuration_with_secrets_is_masked() -> None:
    integration_id = connected(URL, configuration={"apiKey": "s3cret", "nested": {"token": ["s3cret"]}, "plain": 1})

    assert statuses(integration_id)["configuration"] == {
        "apiKey": MASK,
        "nested": {"token": [MASK]},
        "plain": 1,
        "url": URL,
    }


def test_credentials_of_what_is_disconnected_are_not_changed() -> None:
    integration_id = connected(URL)
    call("POST", f"/integrations/{integration_id}/disconnect")

    assert call("PATCH", f"/integrations/{integration_id}", body={"name": "New"}).status == 200
    answer = call("PATCH", f"/integrations/{integration_id}", body={"url": URL})
    assert (answer.status, answer.error["code"]) == (409, "not_connected")


def test_a_webhook_is_changed_elsewhere() -> None:
    answer = call("PATCH", f"/integrations/{subscribed()['id']}", body={"name": "New"})

    assert answer.status == 422
    assert "/v1/integrations/webhooks/" in answer.error["message"]


def test_a_change_in_between_is_a_conflict() -> None:
    integration_id = connected(URL)
    store = IntegrationStore("acme")
    seen = store.get(integration_id)
    call("PATCH", f"/integrations/{integration_id}", body={"name": "First"})

    with pytest.raises(Conflict) as refused:
        store.update(seen)
    with pytest.raises(Conflict):
        store.delete(seen, now_ms())

    assert refused.value.code == "changed_meanwhile"
    assert statuses(integration_id)["name"] == "First"


# --- disconnect, reconnect, delete -----------------------------------------------------------------------------------


def test_disconnecting_twice_gives_the_same_answer_and_one_event() -> None:
    integration_id = connected(URL, headers={"X-Key": "first-value"})

    first = call("POST", f"/integrations/{integration_id}/disconnect")
    second = call("POST", f"/integrations/{integration_id}/disconnect")

    assert first.status == second.status == 200
    assert first.body == second.body
    assert published() == ["integration.connected", "integration.disconnected"]
    assert IntegrationStore("acme").get(integration_id).encrypted == {}


def test_a_disconnected_integration_cannot_be_used(endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url, actions=[SEND])
    call("POST", f"/integrations/{integration_id}/disconnect")

    for operation in ("test", "actions/send"):
        answer = call("POST", f"/integrations/{integration_id}/{operation}", body={"parameters": {"text": "x"}})
        assert (answer.status, answer.error["code"]) == (409, "not_connected")
    assert endpoint.received == []


def test_reconnect(endpoint: Receiver) -> None:
    integration_id = connected(endpoint.url, actions=[SEND])

    again = call("POST", f"/integrations/{integration_id}/connect", body={"url": endpoint.url})
    assert (again.status, again.error["code"]) == (409, "already_connected")

    call("POST", f"/integrations/{integration_id}/disconnect")
    answer = call("POST", f"/integrations/{integration_id}/connect", body={})
    assert (answer.status, answer.data["status"], answer.data["id"]) == (200, "connected", integration_id)
    assert [one["name"] for one in statuses(integration_id)["capabilities"]] == ["send"]
    assert call("POST", f"/integrations/{integration_id}/test").data["testResult"]["passed"] is True


def test_a_url_with_a_secret_and_every_credential_are_given_again(endpoint: Receiver) -> None:
    url = f"{endpoint.url}/in?token=s3cret-value-1"
    integration_id = connected(url, headers={"X-Key": "first-value"}, secret="signing-secret")
    call("POST", f"/integrations/{integration_id}/disconnect")

    wiped = call("POST", f"/integrations/{integration_id}/connect", body={})
    assert (wiped.status, [detail["field"] for detail in wiped.error["details"]]) == (422, ["body.url"])

    assert call("POST", f"/integrations/{integration_id}/connect", body={"url": url}).status == 200
    call("POST", f"/integrations/{integration_id}/test")
    [ping] = endpoint.received
    assert not {"x-key", "webhook-signature"} & {name.lower() for name in ping.headers}


def test_a_connection_in_error_reconnects_with_what_it_has(endpoint: Receiver) -> None:
    endpoint.answer = lambda _: Reply(401)
    integration_id = connected(endpoint.url)
    call("POST", f"/integrations/{integration_id}/test")
    assert statuses(integration_id)["status"] == "error"

    answer = call("POST", f"/integrations/{integration_id}/connect", body={"headers": {"X-Key": "better"}})

    assert (answer.status, answer.data["status"]) == (200, "connected")
    assert statuses(integration_id)["health"] == {"status": "unknown"}


def test_delete() -> None:
    integration_id = connected(URL)

    refused = call("DELETE", f"/integrations/{integration_id}")
    assert (refused.status, refused.error["code"]) == (409, "still_connected")

    call("POST", f"/integrations/{integration_id}/disconnect")
    answer = call("DELETE", f"/integrations/{integration_id}")
    assert (answer.status, answer.body) == (200, {"success": True, "data": {"id": integration_id, "deleted": True}})

    assert call("GET", f"/integrations/{integration_id}").status == 404
    assert call("DELETE", f"/integrations/{integration_id}").status == 404
    assert call("GET", "/integrations").data == []


def test_a_webhook_pauses_and_resumes_like_an_integration() -> None:
    webhook_id = subscribed()["id"]

    active = call("POST", f"/integrations/{webhook_id}/connect", body={})
    assert (active.status, active.error["code"]) == (409, "already_connected")

    paused = call("POST", f"/integrations/{webhook_id}/disconnect")
    assert paused.data["status"] == "disconnected"
    assert call("GET", f"/integrations/webhooks/{webhook_id}").data["active"] is False

    resumed = call("POST", f"/integrations/{webhook_id}/connect", body={})
    assert (resumed.status, resumed.data["status"], resumed.data["type"]) == (200, "connected", "webhook")
    assert call("GET", f"/integrations/webhooks/{webhook_id}").data["active"] is True


# --- ids --------------------------------------------------------------------------------------------------------------

ODD_IDS = ("int_", "_", "int_x", "é", "🎉", "a%2Fb", "%00", "a b", "x" * 3000, "int_" + "0" * 26, "wh_" + "U" * 26, "~")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/integrations/{}"),
        ("PATCH", "/integrations/{}"),
        ("DELETE", "/integrations/{}"),
        ("POST", "/integrations/{}/connect"),
        ("POST", "/integrations/{}/disconnect"),
        ("POST", "/integrations/{}/test"),
        ("POST", "/integrations/{}/actions/send"),
        ("GET", "/integrations/{}/logs"),
        ("GET", "/integrations/webhooks/{}"),
        ("PATCH", "/integrations/webhooks/{}"),
        ("DELETE", "/integrations/webhooks/{}"),
        ("GET", "/integrations/webhooks/{}/deliveries"),
    ],
)
def test_odd_ids_are_not_found(method: str, path: str) -> None:
    for odd in ODD_IDS:
        answer = call(method, path.format(odd), body=None if method in ("GET", "DELETE") else {})
        assert answer.status == 404, (odd, answer.body)
        assert len(json.dumps(answer.body)) < 1000


def test_the_catalogue_says_what_connecting_takes() -> None:
    asked = {"custom": "custom_webhook", "mcp": "mcp_server", "n8n": "n8n_workflows", "zapier": "zapier_gmail"}
    listed = [app for kind in asked for app in call("GET", f"/integrations/available?type={kind}&limit=100").data]
    found = {app["id"]: app["connect"] for app in listed}

    [custom] = found["custom_webhook"]
    assert {field["name"]: (field["required"], field["secret"]) for field in custom["fields"]} == {
        "name": (True, False),
        "url": (True, False),
        "actions": (False, False),
        "headers": (False, True),
        "secret": (False, True),
        "description": (False, False),
        "configuration": (False, False),
        "approval": (False, False),
    }
    assert [way["authType"] for way in found["mcp_server"]] == ["oauth", "token", "none"]
    assert [way["authType"] for way in found["zapier_gmail"]] == ["oauth", "token"]
    for app, required in (("mcp_server", {"serverUrl", "token"}), ("zapier_gmail", {"token"})):
        assert {field["name"] for field in found[app][1]["fields"] if field["required"]} == required
    [n8n] = found["n8n_workflows"]
    assert {field["name"] for field in n8n["fields"] if field["required"]} == {"baseUrl", "apiKey"}
    schemas = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))["components"]["schemas"]
    for ways in found.values():
        for way in ways:
            names = {field["name"] for field in way["fields"]} | ({"authType"} if "authType" in way else set())
            assert names == set(schemas[way["schema"]]["properties"])

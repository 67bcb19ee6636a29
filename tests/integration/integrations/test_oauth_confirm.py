"""Authorizations that the application confirms: bound to the browser that began them, and revoked without that."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from jobsprint.core import aws as clients
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.authority import Authority
from tests.support.call import Answer, call
from tests.support.deliveries import record, work
from tests.support.rows import rows

APP = "https://your-app.com/callback"


def connect(app: str = "zapier_slack", **body: Any) -> Answer:
    given = {"authType": "oauth", "redirectUrl": APP, "confirm": True, **body}
    return call("POST", f"/integrations/{app}/connect", body=given)


def returned(server: Authority, begun: Answer) -> dict[str, str]:
    """What the application is told by the browser that comes back."""
    brought = server.consent(begun.data["authUrl"])
    back = call("GET", f"{brought.pop('at')}?{urlencode(brought)}", tenant=None)
    assert back.status == 302, back.body
    return dict(parse_qsl(urlsplit(back.headers["Location"]).query))


def confirm(integration_id: str, confirmation: Any, *, tenant: str = "acme", **options: Any) -> Answer:
    body = {"confirmation": confirmation}
    return call("POST", f"/integrations/{integration_id}/confirm", tenant=tenant, body=body, **options)


def status(integration_id: str) -> Any:
    return call("GET", f"/integrations/{integration_id}").data["status"]


def say(integration_id: str) -> Answer:
    return call("POST", f"/integrations/{integration_id}/actions/say", body={"parameters": {"text": "hello"}})


def messages() -> list[dict[str, Any]]:
    """The delayed messages of the health queue."""
    url = clients.sqs().get_queue_url(QueueName="HealthQueue")["QueueUrl"]
    attributes = clients.sqs().get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return [{}] * int(attributes["ApproximateNumberOfMessagesDelayed"])


def held() -> list[dict[str, Any]]:
    items = clients.dynamodb().scan(TableName="TenantsTable")["Items"]
    return [item for item in items if item["pk"]["S"].endswith("#unconfirmed")]


def expire(tenant: str, confirmation_hash: str) -> None:
    """Works a message of the health queue as it comes after its delay."""
    assert work("check_health", record(json.dumps({"tenant": tenant, "unconfirmed": confirmation_hash}))) == []


def expire_all() -> None:
    for item in held():
        tenant = item["pk"]["S"].partition("#")[0]
        expire(tenant, item["sk"]["S"])


def test_an_integration_waits_for_its_confirmation(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)

    assert {*told} == {"integrationId", "status", "confirmation"}
    assert (told["integrationId"], told["status"]) == (begun.data["id"], "pending")
    assert status(begun.data["id"]) == "pending"
    assert say(begun.data["id"]).error["code"] == "not_connected"
    assert server.seen("/mcp", say="hello") == []

    answer = confirm(begun.data["id"], told["confirmation"])

    assert answer.status == 200
    assert (answer.data["id"], answer.data["status"]) == (begun.data["id"], "connected")
    assert status(begun.data["id"]) == "connected"
    assert say(begun.data["id"]).status == 200
    assert held() == []


def test_what_is_held_shows_no_secret(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)

    kept = "\n".join(rows())
    assert [secret for secret in (*server.access, *server.refresh, told["confirmation"]) if secret in kept] == []
    shown = json.dumps(call("GET", f"/integrations/{begun.data['id']}").body)
    assert told["confirmation"] not in shown


def test_a_confirmation_works_once(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)
    confirm(begun.data["id"], told["confirmation"])

    again = confirm(begun.data["id"], told["confirmation"])

    assert (again.status, again.error["code"]) == (409, "not_pending")


@pytest.mark.parametrize("wrong", ["x", "", "x" * 101, 5, None, ["x"], "x" * 43, "\u0000", "é"])
def test_a_wrong_confirmation_connects_nothing_and_spends_nothing(server: Authority, wrong: Any) -> None:
    begun = connect()
    told = returned(server, begun)

    answer = confirm(begun.data["id"], wrong)

    assert answer.status == 422
    assert [detail["field"] for detail in answer.error["details"]] == ["body.confirmation"]
    if isinstance(wrong, str) and 0 < len(wrong) <= 100:
        assert answer.error["code"] == "invalid_confirmation"
    assert status(begun.data["id"]) == "pending"
    assert confirm(begun.data["id"], told["confirmation"]).data["status"] == "connected"


def test_a_confirmation_is_of_one_integration_and_one_tenant(server: Authority) -> None:
    mine, other = connect(), connect("zapier_gmail")
    told = returned(server, mine)
    returned(server, other)

    assert confirm(other.data["id"], told["confirmation"]).error["code"] == "invalid_confirmation"
    assert confirm(mine.data["id"], told["confirmation"], tenant="globex").status == 404
    assert confirm(mine.data["id"], told["confirmation"], scopes="integrations:read").status == 403
    assert confirm(mine.data["id"], told["confirmation"]).data["status"] == "connected"


def test_after_ten_minutes_it_is_too_late_and_the_grant_is_revoked(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)
    assert len(messages()) == 1
    [item] = held()
    [refresh_token] = server.refresh
    assert int(item["expiresAt"]["N"]) * 1000 > int(item["confirmBy"]["N"])  # what expires by itself is not revoked
    item["confirmBy"]["N"] = str(int(item["confirmBy"]["N"]) - 600_000)
    clients.dynamodb().put_item(TableName="TenantsTable", Item=item)

    late = confirm(begun.data["id"], told["confirmation"])
    assert (late.status, late.error["code"]) == (422, "invalid_confirmation")
    expire_all()

    assert len(server.seen("/revoke", token=refresh_token)) == 1
    assert status(begun.data["id"]) == "error"
    assert IntegrationStore("acme").get(begun.data["id"]).status_reason == "not_confirmed"
    assert held() == []
    assert not [row for row in rows("TenantsTable") if "#grant" in row]
    assert connect(begun.data["id"]).data["status"] == "pending"


def test_the_revocation_comes_after_the_ten_minutes(server: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[dict[str, Any]] = []
    sqs = clients.sqs()
    monkeypatch.setattr(sqs, "send_message", lambda **request: sent.append(request))

    returned(server, connect())

    [request] = sent
    assert 600 < request["DelaySeconds"] <= 900
    [item] = held()
    assert json.loads(request["MessageBody"]) == {"tenant": "acme", "unconfirmed": item["sk"]["S"]}


def test_what_was_confirmed_is_not_revoked(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)
    [item] = held()
    confirm(begun.data["id"], told["confirmation"])

    expire("acme", item["sk"]["S"])

    assert server.seen("/revoke") == []
    assert say(begun.data["id"]).status == 200


def test_what_cannot_be_held_is_revoked_at_once(server: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = connect()
    monkeypatch.setattr(clients.sqs(), "send_message", lambda **_: 1 / 0)

    told = returned(server, begun)

    assert (told["status"], told["error"]) == ("error", "internal_error")
    assert len(server.seen("/revoke")) == 1


@pytest.mark.parametrize("verb", ["disconnect", "delete", "connect"])
def test_who_left_meanwhile_is_not_connected(server: Authority, verb: str) -> None:
    begun = connect()
    told = returned(server, begun)
    if verb == "delete":
        call("DELETE", f"/integrations/{begun.data['id']}")
    elif verb == "disconnect":
        call("POST", f"/integrations/{begun.data['id']}/disconnect")
    else:
        again = connect(begun.data["id"])
        confirm(begun.data["id"], returned(server, again)["confirmation"])

    answer = confirm(begun.data["id"], told["confirmation"])

    assert answer.error["code"] == ("integration_not_found" if verb == "delete" else "not_pending")
    expire_all()
    assert len(server.seen("/revoke")) == 1
    assert held() == []
    if verb == "connect":
        assert status(begun.data["id"]) == "connected"


def test_a_second_attempt_is_not_failed_by_the_end_of_the_first(server: Authority) -> None:
    begun = connect()
    returned(server, begun)
    again = connect(begun.data["id"])

    expire_all()

    assert status(begun.data["id"]) == "pending"
    assert confirm(begun.data["id"], returned(server, again)["confirmation"]).data["status"] == "connected"


def test_a_denied_authorization_needs_no_confirmation(server: Authority) -> None:
    server.faults.consent = lambda answer: {"error": "access_denied", "state": answer["state"], "iss": answer["iss"]}
    begun = connect()

    told = returned(server, begun)

    assert told == {"integrationId": begun.data["id"], "status": "error", "error": "access_denied"}
    assert held() == []


def test_an_older_grant_is_untouched_until_the_confirmation(server: Authority) -> None:
    first = connect()
    confirm(first.data["id"], returned(server, first)["confirmation"])

    second = connect("zapier_gmail")

    assert second.data["status"] == "connected"  # through the grant: no browser is sent anywhere
    assert "authUrl" not in second.data


def test_a_server_that_fails_at_the_confirmation(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)
    server.faults.tool = lambda _: (503, "down", {})

    answer = confirm(begun.data["id"], told["confirmation"])

    assert (answer.status, answer.data["status"]) == (200, "error")
    server.faults.tool = lambda _: None
    assert connect(begun.data["id"]).data["status"] == "connected"


def test_a_repeat_with_the_same_key_gets_the_first_answer(server: Authority) -> None:
    begun = connect()
    told = returned(server, begun)
    headers = {"Idempotency-Key": "once"}

    first = confirm(begun.data["id"], told["confirmation"], headers=headers)
    again = confirm(begun.data["id"], told["confirmation"], headers=headers)

    assert first.body == again.body
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("body", [{"confirm": "true"}, {"confirm": None}, {"confirm": 1}])
def test_confirm_is_true_or_false(server: Authority, body: dict[str, Any]) -> None:
    answer = connect(**body)

    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.confirm")


def test_only_an_authorization_has_a_confirmation(server: Authority) -> None:
    body = {"authType": "token", "token": "t", "confirm": True}

    answer = call("POST", "/integrations/zapier_slack/connect", body=body)

    assert (answer.status, answer.error["details"][0]["field"]) == (422, "body.confirm")


def test_an_expired_message_of_nothing_is_worked(server: Authority) -> None:
    expire("acme", "0" * 64)

"""Webhooks through the API: create, list, get, change, pause, delete, and everything that is refused."""

from typing import Any

import pytest

from jobsprint.core.redaction import MASK
from jobsprint.outbound import pinning
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import decrypt_credentials
from tests.conftest import forget_settings
from tests.support.call import call
from tests.support.receiver import Receiver
from tests.support.rows import connected, rows, subscribed

URL = "https://hooks.example.com/in"
BODY = {"name": "My webhook", "url": URL, "events": ["workflow.executed"]}

pytestmark = pytest.mark.usefixtures("aws")


def create(**changes: Any) -> Any:
    return call("POST", "/integrations/webhooks", body={**BODY, **changes})


def test_a_missing_secret_is_made_and_shown_once() -> None:
    made = subscribed()

    assert made["secret"].startswith("whsec_")
    shown = call("GET", f"/integrations/webhooks/{made['id']}").data
    assert shown == {key: value for key, value in made.items() if key != "secret"}
    [listed] = call("GET", "/integrations/webhooks").data
    assert listed == shown
    assert made["secret"] not in "\n".join(rows())


def test_headers_and_urls_are_shown_masked() -> None:
    made = subscribed(
        url=f"{URL}/0123456789abcdefghijklmn?token=s3cret&x=1", headers={"X-Key": "s3cret-value", "X-Empty": ""}
    )

    assert made["url"] == f"{URL}/{MASK}?token={MASK}&x=1"
    assert made["headers"] == {"X-Key": MASK, "X-Empty": MASK}
    kept = decrypt_credentials(IntegrationStore("acme").get(made["id"]))
    assert kept.url == f"{URL}/0123456789abcdefghijklmn?token=s3cret&x=1"


def test_repeated_events_count_once() -> None:
    assert subscribed(events=["a.b", "*", "a.b"])["events"] == ["a.b", "*"]


def test_a_webhook_says_how_it_wants_its_deliveries() -> None:
    longest = [0, 604_800, 604_800]
    assert subscribed(retrySchedule=longest)["retrySchedule"] == longest
    made = subscribed(retrySchedule=[0, 60, 3600], rateLimit=5)
    path = f"/integrations/webhooks/{made['id']}"
    assert (made["retrySchedule"], made["rateLimit"]) == ([0, 60, 3600], 5)

    assert call("PATCH", path, body={"name": "New"}).data["retrySchedule"] == [0, 60, 3600]
    changed = call("PATCH", path, body={"retrySchedule": None}).data
    assert ("retrySchedule" in changed, changed["rateLimit"]) == (False, 5)
    listed, _ = call("GET", "/integrations/webhooks").data
    assert listed == changed


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("retrySchedule", []),
        ("retrySchedule", [0] * 21),
        ("retrySchedule", [-1]),
        ("retrySchedule", [604_801]),
        ("retrySchedule", [0, 604_800, 604_800, 1]),
        ("retrySchedule", [901]),
        ("rateLimit", 0),
        ("rateLimit", 1001),
        ("rateLimit", "5"),
    ],
)
def test_a_policy_that_is_out_of_bounds_is_refused(field: str, wrong: object) -> None:
    refused = create(**{field: wrong})
    assert refused.status == 422
    assert refused.error["details"][0]["field"].startswith(f"body.{field}")


def test_patch() -> None:
    made = subscribed(headers={"X-Key": "first-value"})
    path = f"/integrations/webhooks/{made['id']}"

    renamed = call("PATCH", path, body={"name": "New"})
    assert (renamed.status, renamed.data["name"], renamed.data["headers"]) == (200, "New", {"X-Key": MASK})

    moved = call("PATCH", path, body={"url": f"{URL}/2", "events": ["a.*"], "headers": {}})
    assert (moved.data["url"], moved.data["events"], moved.data["name"]) == (f"{URL}/2", ["a.*"], "New")
    assert "headers" not in moved.data
    kept = decrypt_credentials(IntegrationStore("acme").get(made["id"]))
    assert kept.secrets == (made["secret"],)

    assert call("PATCH", path, body={"active": False}).data["active"] is False
    assert call("PATCH", path, body={"active": False}).data["active"] is False
    assert call("PATCH", path, body={"active": True}).data["active"] is True
    assert call("PATCH", path, body={}).status == 200
    assert "secret" not in call("GET", path).data


def test_delete() -> None:
    webhook_id = subscribed()["id"]

    answer = call("DELETE", f"/integrations/webhooks/{webhook_id}")

    assert (answer.status, answer.data) == (200, {"id": webhook_id, "deleted": True})
    for method in ("GET", "DELETE"):
        gone = call(method, f"/integrations/webhooks/{webhook_id}")
        assert (gone.status, gone.error["code"]) == (404, "webhook_not_found")


def test_an_integration_is_no_webhook() -> None:
    integration_id = connected(URL)

    for method in ("GET", "DELETE", "PATCH"):
        answer = call(method, f"/integrations/webhooks/{integration_id}", body={} if method == "PATCH" else None)
        assert (answer.status, answer.error["code"]) == (404, "webhook_not_found")
    as_webhook = "wh_" + integration_id.removeprefix("int_")
    assert call("GET", f"/integrations/webhooks/{as_webhook}").status == 404
    assert call("GET", f"/integrations/{as_webhook}").status == 404


def test_a_tenant_has_a_limited_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAX_WEBHOOKS", "2")
    forget_settings()
    first = subscribed()["id"]
    subscribed()
    before = rows()

    refused = create()

    assert (refused.status, refused.error["code"]) == (409, "too_many_webhooks")
    assert rows() == before
    call("DELETE", f"/integrations/webhooks/{first}")
    assert create().status == 201


def test_pages() -> None:
    made = [subscribed(name=str(number))["id"] for number in range(5)]

    seen: list[str] = []
    cursor = ""
    while True:
        answer = call("GET", f"/integrations/webhooks?limit=2{cursor}")
        seen += [webhook["id"] for webhook in answer.data]
        if not answer.body["pagination"]["hasMore"]:
            break
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"

    assert sorted(seen) == sorted(made)
    assert len(seen) == 5


def test_its_test_is_a_signed_ping(endpoint: Receiver) -> None:
    webhook_id = subscribed(url=endpoint.url)["id"]

    answer = call("POST", f"/integrations/{webhook_id}/test")

    assert answer.data["testResult"]["passed"] is True
    [request] = endpoint.received
    assert list(request.json) == ["event", "timestamp", "data", "signature"]
    assert (request.json["event"], request.json["data"]) == ("ping", {"webhookId": webhook_id})


def test_it_has_no_actions() -> None:
    answer = call("POST", f"/integrations/{subscribed()['id']}/actions/send", body={"parameters": {}})

    assert (answer.status, answer.error["code"]) == (404, "action_not_found")


# --- what is refused --------------------------------------------------------------------------------------------------

NOT_HEADERS = [
    {"X-Bad": "a\r\nInjected: yes"},
    {"X-Bad": "a\nb"},
    {"X-Bad\r\nInjected": "x"},
    {"X Bad": "x"},
    {"": "x"},
    {"Host": "elsewhere.example"},
    {"content-length": "0"},
    {"Content-Type": "text/plain"},
    {"Transfer-Encoding": "chunked"},
    {"Connection": "close"},
    {"webhook-id": "mine"},
    {"Webhook-Signature": "mine"},
    {"X-Jobsprint-Signature": "mine"},
    {"X-Long": "x" * 1025},
    {"X-Same": "1", "x-same": "2"},
    {f"X-{number}": "x" for number in range(21)},
    {"X-Ünicode": "x"},
    {"X-Unicode": "ü"},
    {"X-Number": 5},
    {"X-Null": None},
    ["X-List: x"],
    "X-Text: x",
]
NOT_EVENTS = [
    [],
    ["two words"],
    [""],
    ["."],
    ["a."],
    [".a"],
    ["a..b"],
    ["a.*.b"],
    ["*.a"],
    ["**"],
    ["a*"],
    ["a\n"],
    ["ünicode"],
    ["x" * 201],
    [5],
    [None],
    [["a"]],
    "workflow.executed",
    {"a": 1},
    None,
    [f"e{number}" for number in range(101)],
]
NOT_URLS = [
    "",
    "hooks.example.com",
    "/in",
    "ftp://hooks.example.com/in",
    "file:///etc/passwd",
    "https://",
    "https://user:pass@hooks.example.com/in",
    "https://hooks.example.com/a b",
    "https://hooks.example.com/a\r\nHost: x",
    "https://hooks.example.com\\@evil.example",
    "https://hooks.example.com:22/in",
    "https://hooks.example.com:0/in",
    "https://hooks.example.com:65536/in",
    "https://hooks.example.com/" + "x" * 2048,
    5,
    None,
    ["https://hooks.example.com"],
]
NOT_SECRETS = [
    "",
    "short",
    "x" * 129,
    "whsec_",
    "whsec_not base64!",
    "whsec_QUJDREU=",
    "with\nline",
    12345678,
    ["12345678"],
]
BIDI_CONTROLS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NOT_NAMES = ["", " ", "x" * 101, "two\nlines", "nul\0", "a\u2028b", 5, None, ["n"], *(f"a{c}b" for c in BIDI_CONTROLS)]


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("headers", NOT_HEADERS),
        ("events", NOT_EVENTS),
        ("url", NOT_URLS),
        ("secret", NOT_SECRETS),
        ("name", NOT_NAMES),
        ("more", [1, None]),
        ("active", [True]),
    ],
)
def test_a_wrong_field_is_named_and_nothing_changes(field: str, values: list[Any]) -> None:
    webhook_id = subscribed()["id"]
    before = rows()
    changeable = field not in ("secret", "active")

    for value in values:
        answers = [create(**{field: value})]
        if changeable and value is not None:
            answers.append(call("PATCH", f"/integrations/webhooks/{webhook_id}", body={field: value}))
        for answer in answers:
            assert answer.status == 422, (value, answer.body)
            assert all(detail["field"].startswith(f"body.{field}") for detail in answer.error["details"]), answer.body
    assert rows() == before


def test_headers_of_a_custom_integration_have_the_same_rules() -> None:
    for headers in NOT_HEADERS:
        body = {"name": "n", "url": URL, "headers": headers}
        answer = call("POST", "/integrations/custom_webhook/connect", body=body)
        assert answer.status == 422, (headers, answer.body)
    assert rows() == []


def test_every_wrong_field_is_listed() -> None:
    answer = create(name="", url=5, events=["a b", "ok", "c d"], headers={"Host": "x"}, secret="short", more=1)

    assert {detail["field"] for detail in answer.error["details"]} == {
        "body.name",
        "body.url",
        "body.events[0]",
        "body.events[2]",
        "body.headers",
        "body.secret",
        "body.more",
    }
    assert rows() == []


FORBIDDEN = [
    ("https://169.254.169.254/latest/meta-data", "blocked_address: metadata"),
    ("https://169.254.1.1/", "blocked_address: link_local"),
    ("https://[fe80::1]/", "blocked_address: link_local"),
    ("https://127.0.0.1/", "blocked_address: loopback"),
    ("https://localhost/", "blocked_address: loopback"),
    ("https://[::1]/", "blocked_address: loopback"),
    ("https://[::ffff:127.0.0.1]/", "blocked_address: loopback"),
    ("https://2130706433/", "blocked_address: loopback"),
    ("https://0x7f.1/", "blocked_address: loopback"),
    ("https://10.0.0.1/", "blocked_address: private"),
    ("https://192.168.1.1:8443/", "blocked_address: private"),
    ("https://[fd00::1]/", "blocked_address: private"),
    ("https://100.64.0.1/", "blocked_address: shared"),
    ("https://0.0.0.0/", "blocked_address: unspecified"),
    ("https://224.0.0.1/", "blocked_address: multicast"),
    ("https://192.0.2.1/", "blocked_address: documentation"),
    ("http://hooks.example.com/", "plain_http"),
    ("https://hooks.example.com:80/", "blocked_port"),
    ("https://hooks.example.com:1023/", "blocked_port"),
    ("https://user@hooks.example.com/", "malformed_url"),
]


@pytest.mark.usefixtures("strict")
def test_forbidden_addresses_are_named_by_their_class() -> None:
    for url, reason in FORBIDDEN:
        for answer in (
            create(url=url),
            call("POST", "/integrations/custom_webhook/connect", body={"name": "n", "url": url}),
        ):
            assert (answer.status, answer.error["code"]) == (422, "forbidden_url"), (url, answer.body)
            [detail] = answer.error["details"]
            assert detail["field"] == "body.url"
            assert detail["message"].startswith(reason), (url, detail)
    assert rows() == []


@pytest.mark.usefixtures("strict")
def test_a_name_that_resolves_to_a_forbidden_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(0, 0, 0, "", ("93.184.216.34", 443)), (0, 0, 0, "", ("169.254.0.5", 443))]

    monkeypatch.setattr(pinning, "system_resolver", resolve)

    answer = create(url="https://rebind.example/")

    assert (answer.status, answer.error["details"][0]["message"]) == (422, "blocked_address: link_local")


@pytest.mark.usefixtures("strict")
def test_a_host_that_may_not_be_called_is_listed_with_the_other_wrong_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    webhook_id = subscribed()["id"]
    monkeypatch.setattr(pinning, "system_resolver", lambda *_, **__: [(0, 0, 0, "", ("10.0.0.1", 443))])
    wrong = {"name": "", "url": "https://inside.example/"}

    for method, path, body in (
        ("POST", "/integrations/webhooks", {**wrong, "events": ["a"]}),
        ("PATCH", f"/integrations/webhooks/{webhook_id}", wrong),
        ("POST", "/integrations/custom_webhook/connect", wrong),
    ):
        error = call(method, path, body=body).error
        assert error["code"] == "invalid_fields"
        assert error["details"] == [
            {"field": "body.name", "message": "must not be empty"},
            {"field": "body.url", "message": "blocked_address: private"},
        ], path


@pytest.mark.usefixtures("strict")
@pytest.mark.parametrize(
    "url", [URL, "https://does-not-resolve.invalid/", "https://8.8.8.8:8443/", "https://hooks.example.com:1024/"]
)
def test_what_may_be_called_or_does_not_resolve_is_taken(url: str) -> None:
    assert create(url=url).status == 201


def test_where_it_is_allowed_plain_http_and_private_targets_are_taken() -> None:
    for url in ("http://10.0.0.1/", "http://127.0.0.1:8080/", "http://192.168.1.1:80/"):
        assert create(url=url).status == 201, url


def test_metadata_and_link_local_are_never_allowed() -> None:
    for url in ("http://169.254.169.254/", "http://169.254.1.1/", "http://[fe80::1]/", "http://0.0.0.0/"):
        assert create(url=url).status == 422, url
    assert rows() == []


def test_a_forbidden_address_is_refused_on_change_too() -> None:
    webhook_id, integration_id = subscribed()["id"], connected(URL)
    before = rows()

    for path in (f"/integrations/webhooks/{webhook_id}", f"/integrations/{integration_id}"):
        assert call("PATCH", path, body={"url": "http://169.254.169.254/"}).error["code"] == "forbidden_url"
    assert rows() == before

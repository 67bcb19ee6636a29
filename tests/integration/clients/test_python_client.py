"""The Python client: every vector, and calls to the real handlers, through real HTTP."""

import io
import json
import pickle
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from datetime import UTC, datetime
from typing import Any

import pytest

from jobsprint.security import signing
from jobsprint_client import (
    ApiError,
    ApprovalRequired,
    Client,
    Conflict,
    ConnectionFailed,
    InvalidFields,
    InvalidSignature,
    NotFound,
    Retries,
    models,
    verify_webhook,
)
from tests.clients import run_vectors
from tests.support import client_vectors
from tests.support.call import Context, call, event, handler
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.template import ROOT

HOOK = "https://127.0.0.1:9443/hook"


@contextmanager
def serving() -> Iterator[str]:
    """The base URL of a server that passes requests on to the real handlers as API Gateway does."""

    def answer(request: Received) -> Reply:
        target = request.path.removeprefix("/v1")
        folder, given = event(
            request.method, target, body=request.body.decode() or None, headers=_headers(request.headers)
        )
        said = handler(folder)(given, Context())
        return Reply(said["statusCode"], said["body"].encode(), said.get("headers", {}))

    with receiving() as server:
        server.answer = answer
        yield f"{server.url}/v1"


@contextmanager
def api() -> Iterator[Client]:
    """A client of the real handlers."""
    with serving() as url, Client("jsp_test", url, retries=Retries(limit=0)) as client:
        yield client


def _headers(given: dict[str, str]) -> dict[str, str]:
    return {
        name.title(): value for name, value in given.items() if name in ("content-type", "idempotency-key", "prefer")
    }


def test_every_vector() -> None:
    with client_vectors.service() as server:
        came = run_vectors.run(client_vectors.VECTORS, server.url)
        assert client_vectors.failures(came, server.received) == []


def test_the_vectors_are_signed_as_the_service_signs() -> None:
    cases = [case for case in client_vectors.VECTORS["signatures"] if case["valid"] and case["scheme"] == "header"]
    assert cases
    for case in cases:
        body = case["body"].encode()
        made = signing.headers(
            message_id=case["headers"]["webhook-id"], body=body, unix_time=case["now"], secrets=[case["secret"]]
        )
        assert made["X-Jobsprint-Signature"] == case["headers"]["X-Jobsprint-Signature"]
        assert case["headers"]["webhook-signature"].startswith(made["webhook-signature"])


# --- the real handlers ------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("aws")
def test_a_webhook_from_its_creation_to_its_end() -> None:
    with api() as client:
        made = client.webhooks.create(name="Orders", url=HOOK, events=["workflow.*"], rate_limit=5)
        assert made.secret
        assert isinstance(made.created_at, datetime)
        taken = client.events.publish(event="workflow.executed", data={"größe": None, "n": 1.5})
        assert taken.deliveries == 1
        assert taken.external_id  # the id that the client made
        assert client.webhooks.update(made.id, rate_limit=None, name="Shop").rate_limit is None
        assert [webhook.name for webhook in client.webhooks.list()] == ["Shop"]
        assert client.webhooks.delete(made.id).deleted is True
        with pytest.raises(NotFound) as raised:
            client.webhooks.get(made.id)
        assert (raised.value.code, raised.value.status) == ("webhook_not_found", 404)
        assert raised.value.request_id


@pytest.mark.usefixtures("aws")
def test_a_repeat_by_key_and_a_repeat_by_id() -> None:
    with api() as client:
        first, second = (
            client.webhooks.create(name="Orders", url=HOOK, events=["*"], idempotency_key="once") for _ in range(2)
        )
        assert first == second
        events = [client.events.publish(event="order.paid", data={}, id="order-1") for _ in range(2)]
        assert events[0].id == events[1].id
        with pytest.raises(Conflict) as raised:
            client.events.publish(event="order.paid", data={"other": True}, id="order-1")
        assert raised.value.code == "event_id_reused"


@pytest.mark.usefixtures("aws")
def test_a_batch_says_which_events_were_taken() -> None:
    with api() as client:
        taken, refused = client.events.publish_batch(
            events=[{"event": "order.paid", "data": {}}, {"event": "webhook.disabled", "data": {}}]
        )
        assert isinstance(taken, models.EventTaken)
        assert isinstance(refused, models.EventRefused)
        assert refused.error.code == "invalid_fields"


@pytest.mark.usefixtures("aws")
def test_a_list_over_several_pages() -> None:
    with api() as client:
        for number in range(5):
            client.webhooks.create(name=f"w{number}", url=HOOK, events=["*"])
        found = client.webhooks.list(limit=2)
        assert [webhook.name for webhook in found] == ["w4", "w3", "w2", "w1", "w0"]
        assert [len(page.items) for page in found.pages()] == [2, 2, 1]
        first = found.first()
        assert first
        assert first.name == "w4"


@pytest.mark.usefixtures("aws")
def test_an_integration_connected_by_its_type() -> None:
    with api() as client:
        made = client.integrations.connect(
            "custom_webhook", name="Orders", url="https://127.0.0.1:9443/", actions=[{"name": "create_order"}]
        )
        detail = client.integrations.get(made.id)
        assert [capability.name for capability in detail.capabilities] == ["create_order"]
        assert (
            client.integrations.update(made.id, url="https://127.0.0.1:9443/other")
            .configuration["url"]
            .endswith("/other")
        )
        with pytest.raises(InvalidFields) as raised:
            client.integrations.connect("n8n_workflows")
        assert {detail["field"] for detail in raised.value.details} == {"body.baseUrl", "body.apiKey"}


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize("method", ["execute", "execute_in_background"])
def test_a_call_that_a_person_has_to_approve_is_raised_until_it_is_approved(endpoint: Receiver, method: str) -> None:
    with api() as client:
        refund = {"name": "refund", "approval": "required"}
        made = client.integrations.connect("custom_webhook", name="Shop", url=endpoint.url, actions=[refund])
        run = getattr(client.actions, method)
        with pytest.raises(ApprovalRequired) as raised:
            run(made.id, "refund", parameters={"n": 1})
        approval = raised.value.approval_id
        assert (raised.value.status, raised.value.code) == (202, "pending_approval")
        assert raised.value.expires_at > datetime.now(UTC)
        assert (
            f"Nothing was sent: a person has to approve this call first. Once another token has approved {approval}"
            in str(raised.value)
        )
        with pytest.raises(ApprovalRequired) as again:
            run(made.id, "refund", parameters={"n": 1}, approval_id=approval)
        assert again.value.approval_id == approval
        assert endpoint.received == []

        assert call("POST", f"/approvals/{approval}/approve", token_id="tok_other").status == 200
        done = run(made.id, "refund", parameters={"n": 1}, approval_id=approval)
        if method == "execute":
            assert isinstance(done, models.ActionView)
            assert len(endpoint.received) == 1
        else:
            assert isinstance(done, models.ExecutionRef)


@pytest.mark.usefixtures("aws")
def test_times_are_sent_and_read_as_datetimes() -> None:
    with api() as client:
        when = datetime(2025, 1, 6, 12, tzinfo=UTC)
        taken = client.events.publish(event="order.paid", data={}, timestamp=when)
        assert client.events.get(taken.id).timestamp == when
        assert list(client.events.list(to_date=when)) == []


@pytest.mark.usefixtures("aws")
def test_the_guides_examples() -> None:
    page = (ROOT / "docs" / "guides" / "clients.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    program = "\n".join(block for block in blocks if "AsyncClient" not in block)  # needs httpx
    case = next(case for case in client_vectors.VECTORS["signatures"] if case["valid"])
    headers = {**case["headers"], "webhook-timestamp": "0"}  # too old
    printed = io.StringIO()
    with serving() as url, redirect_stdout(printed):
        given = {"TOKEN": "jsp_test", "URL": url, "RECEIVER": HOOK}
        exec(program, given | {"BODY": case["body"], "HEADERS": headers, "SECRET": case["secret"]})  # noqa: S102
    said = printed.getvalue()
    assert "webhook_not_found" in said
    assert "answer 401: webhook-timestamp is too far from now" in said


# --- the client alone -------------------------------------------------------------------------------------------------


def test_no_answer_at_all() -> None:
    with receiving() as server:
        url = server.url
    waits: list[float] = []
    with Client("jsp_test", url, sleep=waits.append) as client, pytest.raises(ConnectionFailed):
        client.service.get_health()
    assert [0.25 <= waits[0] <= 0.5, 0.5 <= waits[1] <= 1] == [True, True]


def test_an_answer_that_takes_too_long() -> None:
    with receiving() as server:
        server.answer = lambda _: Reply(write=lambda _: time.sleep(0.5))
        with (
            Client("jsp_test", server.url, timeout=0.1, retries=Retries(limit=0)) as client,
            pytest.raises(ConnectionFailed),
        ):
            client.service.get_health()


def test_a_netrc_file_does_not_replace_the_token(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with receiving() as server:
        server.answer = lambda _: Reply(200, {"success": True, "data": {"status": "ok"}})
        with Client("jsp_test", server.url) as client:
            client.service.get_health()
        assert server.received[0].headers["authorization"] == "Bearer jsp_test"


@pytest.mark.parametrize("wrong", ["", ".", ".."])
def test_an_id_that_would_lead_elsewhere_is_not_sent(wrong: str) -> None:
    with Client("jsp_test", "http://127.0.0.1:9") as client, pytest.raises(ValueError, match="not an id"):
        client.webhooks.get(wrong)


def test_an_answer_of_another_shape_stays_as_it_is() -> None:
    """A newer service may answer null, other values of an enum, or another type."""
    with receiving() as server:
        view = {"id": "wh_1", "name": None, "url": 7, "events": "all", "active": True, "createdAt": "soon"}
        server.answer = lambda _: Reply(200, {"success": True, "data": view})
        with Client("jsp_test", server.url) as client:
            found: Any = client.webhooks.get("wh_1")
    assert (found.name, found.url, found.events, found.created_at) == (None, 7, "all", "soon")


def test_an_error_can_be_pickled_and_printed() -> None:
    body = {"success": False, "error": {"code": "webhook_paused", "message": "It is paused"}, "requestId": "r"}
    error = pickle.loads(pickle.dumps(Conflict(409, body)))  # noqa: S301
    assert isinstance(error, ApiError)
    assert str(error) == "webhook_paused: It is paused (request r)"

    data = {"status": "pending_approval", "approvalId": "apr_1", "expiresAt": "2026-01-01T12:00:00Z"}
    pending = ApprovalRequired(202, {"success": True, "data": data})
    pending.request_id = "r"
    copied = pickle.loads(pickle.dumps(pending))  # noqa: S301
    assert (copied.approval_id, copied.expires_at) == ("apr_1", datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert str(copied) == str(pending)
    assert str(copied).endswith("(request r)")


def test_the_token_is_in_no_representation() -> None:
    assert "jsp_test" not in repr(vars(Client("jsp_test", "http://127.0.0.1:9"))) + repr(Client("jsp_test", "http://x"))


def test_a_parsed_body_is_verified_by_its_own_signature_alone() -> None:
    case = next(case for case in client_vectors.VECTORS["signatures"] if case["valid"] and case["scheme"] == "body")
    payload = json.loads(case["body"])
    assert verify_webhook(payload, {}, case["secret"], scheme="body") == payload
    with pytest.raises(InvalidSignature):
        verify_webhook({**payload, "event": "other"}, {}, case["secret"], scheme="body")
    with pytest.raises(TypeError):
        verify_webhook(payload, case["headers"], case["secret"])

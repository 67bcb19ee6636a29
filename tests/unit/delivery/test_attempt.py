"""The request of an attempt, and what is kept of its outcome."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.redaction import MASK
from jobsprint.delivery import attempt as attempts
from jobsprint.domain.deliveries import DeliveryTask
from jobsprint.domain.integrations import Integration
from jobsprint.outbound.client import Response, TransferFailure
from jobsprint.security.credentials import Credentials

TICKET = DeliveryTask(
    "acme", "wh_1", "dlv_1", "evt_1", "workflow.executed", "2025-01-06T12:00:00Z", "0#evt_1", attempt=3
)
URL = "https://hooks.example.com/in/T0aB1cD2eF3gH4iJ5kL6mN7?token=very-secret&page=1"
CREDENTIALS = Credentials(
    URL, {"X-Custom": "own value", "x-jobsprint-event": "forged"}, ("your_secret", "older_secret")
)
WEBHOOK = Integration("acme", "wh_1", "webhook", "Test", "connected", 0, "webhook")


def answer(status: int, body: bytes = b"") -> Response:
    return Response(status, {}, body, False, 12, {"total": 12})


def test_our_headers_win_over_the_webhooks_own_in_any_case() -> None:
    request = attempts.request(TICKET, "{}", WEBHOOK, CREDENTIALS, 1_736_164_800_999)
    assert request.method == "POST"
    assert request.url == URL
    assert request.headers["X-Jobsprint-Event"] == "workflow.executed"
    assert "x-jobsprint-event" not in request.headers
    assert request.headers["X-Custom"] == "own value"
    assert request.headers["X-Jobsprint-Attempt"] == "3"
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["webhook-timestamp"] == "1736164800"
    assert request.headers["webhook-signature"].count("v1,") == 2
    assert request.repeatable


@pytest.mark.parametrize(
    ("status", "outcome", "failure"),
    [
        *((status, "success", None) for status in (200, 204, 299)),
        *((status, "error", f"http_{status // 100}xx") for status in (301, 304, 404, 410, 429, 500, 599)),
    ],
)
def test_only_2xx_is_success(status: int, outcome: str, failure: str | None) -> None:
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(answer(status), 2, 1000)
    assert (kept.number, kept.status, kept.http_status, kept.failure) == (2, outcome, status, failure)
    assert (kept.started_at, kept.duration_ms, kept.response) == (1000, 12, None)


def test_a_failure_keeps_its_kind_and_not_its_message() -> None:
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(
        TransferFailure("timeout_headers", "host.example said", True, 15000), 1, 1000
    )
    assert (kept.status, kept.failure, kept.http_status) == ("error", "timeout_headers", None)
    assert "host.example" not in repr(kept)


def test_a_failure_names_its_class() -> None:
    blocked = TransferFailure("blocked_address", "blocked_address: link_local", False, 1, detail="link_local")
    assert attempts.AttemptRecordBuilder(CREDENTIALS).build(blocked, 1, 1000).failure == "blocked_address: link_local"


@pytest.mark.parametrize(("status", "failure"), [(200, None), (500, "http_5xx"), (302, "http_3xx")])
@pytest.mark.parametrize(("truncated", "warning"), [(True, "body_too_large"), (False, "reset")])
def test_an_answer_is_judged_by_its_status_whatever_its_body_did(
    status: int, failure: str | None, truncated: bool, warning: str
) -> None:
    answer = Response(status, {}, b"x" * 16384, truncated, 12, {}, body_failure=None if truncated else warning)
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(answer, 1, 1000)
    assert (kept.status, kept.failure) == ("success" if status == 200 else "error", failure)
    assert kept.warning == warning


def test_secrets_do_not_come_back_in_what_is_kept() -> None:
    body = f"Cannot POST {URL}: own value your_secret older_secret T0aB1cD2eF3gH4iJ5kL6mN7 Bearer abcdefgh12345678"
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(answer(500, body.encode()), 1, 0)
    assert kept.response is not None
    for secret in ("own value", "your_secret", "older_secret", "T0aB1c", "very-secret", "abcdefgh12345678"):
        assert secret not in kept.response
    assert kept.response.startswith("Cannot POST https://hooks.example.com/in/")


def test_a_secret_is_masked_before_the_answer_is_cut() -> None:
    body = b"x" * (attempts.MAX_STORED_OF_FAILURE - 4) + b"your_secret"
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(answer(500, body), 1, 0)
    assert kept.response is not None
    assert "your" not in kept.response


@pytest.mark.parametrize("left", [1, 2, 3, 4, 500, 999])
def test_the_start_of_a_secret_at_the_end_of_what_is_read_is_dropped(left: int) -> None:
    secret = "0123456789" * 100
    body = ("x" * (attempts.MAX_RESPONSE_BYTES - 15_000 - left) + secret * 15 + secret[:left]).encode()
    builder = attempts.AttemptRecordBuilder(Credentials(URL, {}, (secret,)))

    kept = builder.build(Response(500, {}, body, True, 12, {}), 1, 0)

    assert len(body) == attempts.MAX_RESPONSE_BYTES
    assert set((kept.response or "").lstrip("x")) == {"•"}


@given(st.binary(max_size=5000) | st.text(max_size=5000).map(str.encode), st.sampled_from([200, 500]))
def test_what_is_kept_has_a_bound_in_bytes_of_json(body: bytes, status: int) -> None:
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(answer(status, body), 1, 0)
    limit = attempts.MAX_STORED_OF_SUCCESS if status == 200 else attempts.MAX_STORED_OF_FAILURE
    text = kept.response or ""
    assert len(json.dumps(text, ensure_ascii=False).encode()) - 2 <= limit
    text.encode()


NAMES = st.text(alphabet="ABCabc-0123456789", min_size=1, max_size=300)


@given(NAMES, st.lists(NAMES, max_size=20, unique=True), st.binary(max_size=1000))
def test_what_was_sent_and_answered_share_the_bytes_of_a_success(path: str, names: list[str], body: bytes) -> None:
    credentials = Credentials(f"https://hooks.example.com/{path}", dict.fromkeys(names, "value"), ("your_secret",))
    kept = attempts.AttemptRecordBuilder(credentials).build(answer(200, body), 1, 0)
    assert len(json.dumps([kept.url, *kept.header_names, kept.response], ensure_ascii=False).encode()) <= 520
    shown = [name for name in kept.header_names if name != "…"]
    assert shown == names[: len(shown)]
    assert ("…" in kept.header_names) == (len(shown) < len(names))


def test_what_was_sent_is_kept_masked_and_without_what_is_ours() -> None:
    kept = attempts.AttemptRecordBuilder(CREDENTIALS).build(answer(500), 1, 0)
    assert kept.url == f"https://hooks.example.com/in/{MASK}?token={MASK}&page=1"
    assert (kept.header_names, kept.signatures) == (("X-Custom",), 2)
    for outcome in (answer(200), TransferFailure("dns", "no", False, 3)):
        assert attempts.AttemptRecordBuilder(CREDENTIALS).build(outcome, 1, 0).url == kept.url

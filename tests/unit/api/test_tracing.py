"""W3C Trace Context and X-Ray: which traceparent is passed on, and what the log says of the two."""

import pytest

from jobsprint.api.tracing import trace_fields, traceparent, valid_traceparent

GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    "text",
    [GOOD, GOOD[:-2] + "00", GOOD[:-2] + "ff", "cc" + GOOD[2:], "01" + GOOD[2:] + "-what-the-future-will-be-like"],
)
def test_what_is_passed_on(text: str) -> None:
    assert valid_traceparent(text) == text


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "00",
        GOOD.upper(),
        f" {GOOD}",
        f"{GOOD}\n",
        f"{GOOD}\r\nX-Injected: 1",
        f"{GOOD}-more",
        "ff" + GOOD[2:],
        "0" + GOOD,
        "00-" + "0" * 32 + GOOD[35:],
        GOOD[:36] + "0" * 16 + "-01",
        GOOD.replace("-", "_"),
        GOOD[:-3],
        "01" + GOOD[2:] + "x",
        "01" + GOOD[2:] + "-é",
        "01" + GOOD[2:] + "-" + "x" * 300,
    ],
)
def test_what_is_ignored(text: str | None) -> None:
    assert valid_traceparent(text) is None


SAMPLED = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1;Lineage=1:a87bd80c:0"
XRAY = "00-67891233abcdef012345678912345678-463ac35c9f6413ad-01"


@pytest.fixture
def sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda, in an invocation that X-Ray traces."""
    monkeypatch.setenv("_X_AMZN_TRACE_ID", SAMPLED)


@pytest.mark.parametrize("header", [None, "", "00-nothing-01"])
def test_xrays_trace_goes_on_where_the_caller_has_none(sampled: None, header: str | None) -> None:
    assert traceparent(header) == XRAY
    assert valid_traceparent(XRAY) == XRAY


def test_the_callers_trace_comes_first(sampled: None) -> None:
    assert traceparent(GOOD) == GOOD


def test_the_log_joins_both(sampled: None) -> None:
    xray = {"xrayTraceId": "1-67891233-abcdef012345678912345678"}
    assert trace_fields(GOOD) == xray | {"traceId": "0af7651916cd43dd8448eb211c80319c"}
    assert trace_fields(None) == trace_fields("00-nothing-01") == xray


@pytest.mark.parametrize(
    "given",
    [
        None,
        "",
        "rubbish",
        SAMPLED.replace("Sampled=1", "Sampled=0"),
        "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad",
        "Sampled=1",
    ],
)
def test_a_request_that_is_not_traced_has_no_trace_of_xrays(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)
    if given is not None:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", given)
    assert traceparent(None) is None
    assert traceparent(GOOD) == GOOD
    assert trace_fields(GOOD) == {}


@pytest.mark.parametrize(
    "given", ["Root=1-6789;Parent=463ac35c9f6413ad;Sampled=1", "Root=1-67891233-abcdef012345678912345678;Sampled=1"]
)
def test_a_header_of_another_form_is_no_traceparent(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", given)
    assert traceparent(None) is None

"""W3C Trace Context: which traceparent is passed on."""

import pytest

from jobsprint.api.request_headers import valid_traceparent

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

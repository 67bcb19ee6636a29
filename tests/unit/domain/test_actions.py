"""Outcomes of actions: what is kept of them, and which leave the way open for a repeat."""

import pytest

from jobsprint.core.errors import (
    InvalidFields,
    JobsprintError,
    RateLimited,
    ScopeMissing,
    UpstreamFailed,
    UpstreamTimeout,
)
from jobsprint.domain.actions import Outcome, not_executed, outcome_unknown


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Outcome({"success": True, "n": [1, None]}, None, 12), "succeeded"),
        (Outcome({}), "succeeded"),
        (Outcome(error=UpstreamFailed("no", code="upstream_refused"), execution_ms=3), "failed"),
        (Outcome(error=UpstreamTimeout("slow", unknown=True)), "unknown"),
        (Outcome(error=outcome_unknown()), "unknown"),
        (Outcome(error=RateLimited("less", retry_after=5)), "failed"),
        (Outcome(error=InvalidFields("no")), "failed"),
    ],
)
def test_what_is_kept_reads_back(outcome: Outcome, state: str) -> None:
    again = Outcome.from_text(outcome.to_text())

    assert outcome.state == again.state == state
    assert (again.result, again.execution_ms) == (outcome.result, outcome.execution_ms)
    if outcome.error and again.error:
        assert (again.error.code, again.error.message) == (outcome.error.code, outcome.error.message)
        if isinstance(outcome.error, UpstreamFailed):
            assert type(again.error) is type(outcome.error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (UpstreamFailed("refused", sent=False), True),
        (UpstreamTimeout("slow", sent=False), True),
        (RateLimited("less", retry_after=5), True),
        (ScopeMissing("files:write"), True),
        (UpstreamFailed("no"), False),
        (UpstreamFailed("no", unknown=True), False),
        (outcome_unknown(), False),
    ],
)
def test_which_may_be_repeated(error: JobsprintError, expected: bool) -> None:
    assert not_executed(error) is expected

"""The dispatcher against a sample of hostile receivers, ten to a batch with an honest one among them.

`make test-delivery` has all of them, each alone, with its memory, and the real budget.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.support.deliveries import watching_sqs
from tests.support.hostile import CASES, serving
from tests.support.receiver import receiving
from tests.support.sender import loopback, send_to, sending

BUDGET = 1.0
BATCH = 9
SAMPLE = CASES[::3]


@pytest.mark.usefixtures("aws")
def test_each_ends_in_time_with_its_own_failure_and_delays_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found: dict[str, Any] = {}
    with (
        serving(tmp_path) as served,
        receiving() as honest,
        sending(monkeypatch, budget=BUDGET, bundle=served.bundle, resolver=loopback),
        watching_sqs() as outbox,
    ):
        for first in range(0, len(SAMPLE), BATCH):
            names = [case.name for case in SAMPLE[first : first + BATCH]]
            sent = send_to(outbox, {"honest": honest.url, **{name: served.urls[name] for name in names}})
            assert sent.seconds < 2 * BUDGET  # side by side, not one after another
            assert sent.attempt("honest")["status"] == "success"
            assert sent.attempt("honest")["durationMs"] < BUDGET * 700
            found |= {name: (sent.state(name), sent.attempt(name)) for name in names}
    for case in SAMPLE:
        state, attempt = found[case.name]
        assert case.differs(attempt, state) == ""
        assert attempt["durationMs"] <= (BUDGET + 0.5) * 1000, case.name
        assert attempt["timings"]["total"] == attempt["durationMs"]

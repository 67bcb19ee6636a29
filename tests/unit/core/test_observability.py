"""The metrics: one line of CloudWatch's embedded metric format, and the metrics of a batch of deliveries."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from jobsprint.core import config, observability
from jobsprint.core.ids import made_at, new_id
from jobsprint.delivery.metrics import report
from jobsprint.domain.deliveries import Attempt, DeliveryTask, RecordedAttempt
from tests.support.template import environment


@pytest.fixture(autouse=True)
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in environment({"Stage": "test"}).items():
        monkeypatch.setenv(name, value)
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_line_is_emf(capsys: pytest.CaptureFixture[str]) -> None:
    observability.count({"Sent": 2, "None": 0, "SendMs": [1, 2], "NoMs": []}, failure="dns")
    [line] = lines(capsys)
    [directive] = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "Jobsprint/Integrations",
        "Dimensions": [["stage", "failure"]],
        "Metrics": [{"Name": "Sent", "Unit": "Count"}, {"Name": "SendMs", "Unit": "Milliseconds"}],
    }
    assert isinstance(line["_aws"]["Timestamp"], int)
    assert {name: value for name, value in line.items() if name != "_aws"} == {
        "stage": "test",
        "failure": "dns",
        "Sent": 2,
        "SendMs": [1, 2],
    }


def test_no_metrics_write_no_line_and_values_are_bounded(capsys: pytest.CaptureFixture[str]) -> None:
    observability.count({"Sent": 0, "SendMs": []})
    assert lines(capsys) == []
    observability.count({"SendMs": list(range(250))})
    assert len(lines(capsys)[0]["SendMs"]) == 100


def task(at: int, attempt: int = 1) -> DeliveryTask:
    event = new_id("evt", at)
    return DeliveryTask("secret-tenant", "wh_1", "dlv_1", event, "workflow.executed", "now", "key", attempt)


def test_a_first_attempt_is_late_only_after_the_time_that_it_was_put_off_to(capsys: pytest.CaptureFixture[str]) -> None:
    deferred = replace(task(1_000), not_before=61_000)
    report([RecordedAttempt(deferred, Attempt(1, "success", 61_300, 40), "delivered")], discarded=0, returned=0)
    assert lines(capsys)[0]["FirstAttemptMs"] == [300]


def test_the_metrics_of_a_batch_name_no_tenant(capsys: pytest.CaptureFixture[str]) -> None:
    recorded = [
        RecordedAttempt(task(1_000), Attempt(1, "success", 1_250, 40), "delivered"),
        RecordedAttempt(task(1_000, 2), Attempt(2, "error", 9_000, 15, failure="tls: certificate_name"), "retrying"),
        RecordedAttempt(task(1_000), Attempt(1, "error", 900, 5, failure="tls: handshake"), "exhausted"),
        RecordedAttempt(task(1_000, 3), Attempt(3, "unknown", 9_000, 0, failure="worker_died"), "retrying"),
    ]
    report(recorded, discarded=1, returned=1)
    written = capsys.readouterr().out
    assert "secret-tenant" not in written
    assert "wh_1" not in written
    totals, *failures = [
        {name: value for name, value in json.loads(line).items() if name != "_aws"} for line in written.splitlines()
    ]
    assert totals == {
        "stage": "test",
        "AttemptsSucceeded": 1,
        "AttemptsFailed": 2,
        "AttemptsUnknown": 1,
        "DeliveriesDelivered": 1,
        "RetriesScheduled": 2,
        "DeliveriesExhausted": 1,
        "DeliveriesDiscarded": 1,
        "AttemptMs": [40, 15, 5],
        "FirstAttemptMs": [250, 0],
        "MessagesReturned": 1,
    }
    assert failures == [
        {"stage": "test", "failure": "tls", "AttemptFailures": 2},
        {"stage": "test", "failure": "worker_died", "AttemptFailures": 1},
    ]


def test_an_id_has_its_time_of_creation() -> None:
    for ms in (0, 1, 1_763_812_345_678, (1 << 48) - 1):
        assert made_at(new_id("evt", ms)) == ms

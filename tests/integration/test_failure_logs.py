"""Failures in the log: a warning that names what failed, with ids that one can look up."""

import json
from typing import Any

import pytest

from jobsprint.core.clock import now_ms
from jobsprint.core.ids import new_id
from tests.support.call import call
from tests.support.deliveries import Outbox, deliveries, dispatch, publish, record, subscribe
from tests.support.receiver import Receiver, Reply
from tools.local.console import Failure
from tools.local.logs import Shown, short


def logged(caplog: pytest.LogCaptureFixture, message: str) -> list[dict[str, Any]]:
    """The fields of the lines with this message since the last call."""
    lines = [vars(record) for record in caplog.records if record.message == message]
    caplog.clear()
    return lines


def test_a_failed_attempt_names_webhook_event_attempt_status_and_next_attempt(
    outbox: Outbox, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    webhook = subscribe(receiver.url, "*")
    receiver.answer = lambda _: Reply(503)
    event = publish()
    dispatch(record(outbox.take()[0].body))

    [line] = logged(caplog, "attempt_failed")
    [delivery] = deliveries(webhook["id"])
    assert line["levelname"] == "WARNING"
    assert {name: line[name] for name in ("tenant", "webhookId", "eventId", "deliveryId", "attempt", "status")} == {
        "tenant": "acme",
        "webhookId": webhook["id"],
        "eventId": event["id"],
        "deliveryId": delivery["id"],
        "attempt": 1,
        "status": 503,
    }
    assert (line["failure"], line["state"]) == ("http_5xx", "retrying")
    assert line["nextAttemptAt"] == delivery["nextAttemptAt"]

    receiver.answer = lambda _: Reply(200)
    dispatch(record(outbox.take()[0].body))
    assert logged(caplog, "attempt_failed") == []


@pytest.mark.usefixtures("aws")
def test_a_refused_request_is_a_warning_with_its_code_and_path(caplog: pytest.LogCaptureFixture) -> None:
    path = f"/integrations/{new_id('int', now_ms())}"
    call("GET", path)
    call("GET", "/integrations")

    failed, answered = logged(caplog, "answered")
    assert (failed["levelname"], failed["status"], failed["code"]) == ("WARNING", 404, "integration_not_found")
    assert failed["path"].endswith(path)
    assert (answered["levelname"], answered["status"]) == ("INFO", 200)
    assert not {"code", "path"} & set(answered)


LINE = json.dumps(
    {
        "level": "WARNING",
        "message": "attempt_failed",
        "timestamp": "2026-11-30 10:00:00,000+0000",
        "service": "jobsprint-integrations",
        "function": "DispatchWebhooks",
        "webhookId": "wh_1",
        "status": 503,
    }
)


@pytest.mark.parametrize(
    ("function", "level", "shown"),
    [
        ("", "DEBUG", True),
        ("dispatch", "warning", True),
        ("Dispatch", "WARN", True),
        ("", "error", False),
        ("Sweep", "DEBUG", False),
    ],
)
def test_make_logs_shows_what_was_asked_for(function: str, level: str, shown: bool) -> None:
    expected = "WARNING DispatchWebhooks attempt_failed webhookId=wh_1 status=503" if shown else ""
    assert short(LINE, Shown(function, level)) == expected


def test_a_traceback_of_the_runtime_is_shown_unless_one_function_is_asked_for() -> None:
    assert short("Traceback (most recent call last):", Shown(level="ERROR")) == "Traceback (most recent call last):"
    assert short("START RequestId: 1 Version: $LATEST", Shown()) == ""


def test_an_unknown_level_is_one_clear_sentence() -> None:
    with pytest.raises(Failure, match="LEVEL=loud is no level: use one of DEBUG, INFO, WARNING, ERROR, CRITICAL"):
        Shown(level="loud")

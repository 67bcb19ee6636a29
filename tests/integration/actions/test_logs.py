"""Logs: newest first, filtered by action, time and status, page by page."""

import json
import re
from typing import Any

import pytest

from jobsprint.core.clock import iso_millis, iso_seconds, now_ms, parse_iso
from jobsprint.core.ids import new_id
from jobsprint.domain.actions import LogEntry, LogStatus
from jobsprint.repositories.logs import LogStore
from tests.support.call import call
from tests.support.rows import stored

pytestmark = pytest.mark.usefixtures("aws")

NOW = now_ms() // 1000 * 1000
STATUSES: tuple[LogStatus, ...] = ("success", "error", "unknown")


def logged(integration_id: str, at: int, action: str = "send", status: LogStatus = "success") -> str:
    entry = LogEntry(new_id("log", at), action, status, '{"n": 1}', "[]", 12, at)
    LogStore("acme").add(integration_id, entry)
    return entry.id


@pytest.fixture
def integration_id() -> str:
    """One with twelve entries, a second apart: actions alternate, statuses go round."""
    made = stored().id
    for number in range(12):
        logged(made, NOW - number * 1000, ("send", "read")[number % 2], STATUSES[number % 3])
    return made


def get(integration_id: str, query: str = "") -> Any:
    return call("GET", f"/integrations/{integration_id}/logs?{query}")


def seconds_ago(answer: Any) -> list[int]:
    return [(NOW - parse_iso(entry["timestamp"])) // 1000 for entry in answer.data]


def walk(integration_id: str, query: str) -> list[int]:
    seen: list[int] = []
    cursor = ""
    while True:
        answer = get(integration_id, query + cursor)
        assert answer.status == 200, answer.body
        seen += seconds_ago(answer)
        if not answer.body["pagination"]["hasMore"]:
            return seen
        cursor = f"&cursor={answer.body['pagination']['nextCursor']}"


def dated(query: str) -> str:
    """The query with the time so many milliseconds ago for each `<ms>`, spelled with an offset for `<ms+00:00>`."""

    def time_of(found: re.Match[str]) -> str:
        at = NOW - int(found[1])
        text = iso_millis(at) if at % 1000 else iso_seconds(at)
        return text.replace("Z", "%2B00:00") if found[2] else text

    return re.sub(r"<(\d+)(\+00:00)?>", time_of, query)


def test_an_entry(integration_id: str) -> None:
    entry = get(integration_id).data[0]

    assert entry == {
        "logId": entry["logId"],
        "action": "send",
        "status": "success",
        "input": {"n": 1},
        "output": [],
        "executionTime": 12,
        "timestamp": iso_millis(NOW),
    }


@pytest.mark.parametrize("limit", [1, 5, 12, 100])
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", range(12)),
        ("&action=send", range(0, 12, 2)),
        ("&action=nothing", []),
        ("&action=Send", []),
        ("&status=error", range(1, 12, 3)),
        ("&action=send&status=unknown", [2, 8]),
        ("&fromDate=<3000>", range(4)),
        ("&toDate=<9000>", [9, 10, 11]),
        ("&fromDate=<5000>&toDate=<4000>&action=send", [4]),
        ("&fromDate=<2999>&toDate=<1001>", [2]),
        ("&fromDate=<0>&toDate=<1000>", []),
        ("&fromDate=<1000+00:00>", [0, 1]),
        ("&fromDate=2020-01-01&toDate=9999-12-31", range(12)),
    ],
)
def test_filters_and_pages(integration_id: str, limit: int, query: str, expected: list[int]) -> None:
    assert walk(integration_id, f"limit={limit}{dated(query)}") == list(expected)


def test_a_time_to_the_second_takes_in_all_of_that_second() -> None:
    integration_id = stored().id
    logged(integration_id, NOW - 5000 + 700)

    assert len(get(integration_id, f"toDate={iso_seconds(NOW - 5000)}").data) == 1


def test_what_is_past_its_time_is_not_shown() -> None:
    integration_id = stored().id
    logged(integration_id, NOW - 31 * 86_400_000)
    logged(integration_id, NOW - 29 * 86_400_000)

    assert seconds_ago(get(integration_id)) == [29 * 86_400]


def test_a_status_filter_reads_at_most_a_thousand_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobsprint.repositories.dynamodb.MAX_READ", 6)
    integration_id = stored().id
    for number in range(12):
        logged(integration_id, NOW - number * 1000, status="error" if number == 11 else "success")

    first = get(integration_id, "limit=1&status=error")
    assert (first.data, first.body["pagination"]["hasMore"]) == ([], True)
    assert walk(integration_id, "limit=1&status=error") == [11]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "query.limit"),
        ("limit=101", "query.limit"),
        ("limit=ten", "query.limit"),
        ("limit=", "query.limit"),
        ("status=bad", "query.status"),
        ("fromDate=yesterday", "query.fromDate"),
        ("toDate=2025-13-01", "query.toDate"),
        ("toDate=", "query.toDate"),
        ("fromDate=1969-12-31", "query.fromDate"),
        (f"action={'x' * 201}", "query.action"),
    ],
)
def test_wrong_filters(integration_id: str, query: str, field: str) -> None:
    answer = get(integration_id, query)

    assert (answer.status, [detail["field"] for detail in answer.error["details"]]) == (422, [field])


def test_a_cursor_belongs_to_its_integration_and_filters(integration_id: str) -> None:
    cursor = get(integration_id, "limit=1&action=send").body["pagination"]["nextCursor"]
    other = stored().id

    for target, query in (
        (integration_id, "limit=1"),
        (integration_id, "limit=1&action=read"),
        (integration_id, "limit=1&action=send&status=success"),
        (integration_id, f"limit=1&action=send&fromDate={iso_seconds(0)}"),
        (other, "limit=1&action=send"),
    ):
        answer = get(target, f"{query}&cursor={cursor}")
        assert (answer.status, answer.error["code"]) == (400, "invalid_cursor")
    assert get(integration_id, f"limit=5&action=send&cursor={cursor}").status == 200


def test_an_action_with_odd_characters_does_not_reach_other_keys(integration_id: str) -> None:
    for action in ("send%23x", "%23", "x%23send", "..", "%F0%9F%8E%89", "send%00"):
        assert get(integration_id, f"action={action}").data == []


def test_output_that_is_no_object_is_shown() -> None:
    integration_id = stored().id
    for text in ("null", '"text"', "[1]", json.dumps({"cut": "x… (cut)"})):
        at = now_ms()
        LogStore("acme").add(integration_id, LogEntry(new_id("log", at), "a", "success", text, text, 1, at))

    assert get(integration_id).status == 200
    assert len(get(integration_id).data) == 4

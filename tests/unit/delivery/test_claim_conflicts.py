"""What a row that refused a claim means for the message that came for it."""

from typing import Any

import pytest

from jobsprint.domain.deliveries import (
    OVERDUE_MS,
    Delivery,
    DeliveryRow,
    DeliveryState,
    DeliveryTask,
    Lease,
    resolve_claim_conflict,
)

NOW = 1_000_000
MINE = Lease("message-1", "aa")


def row(state: DeliveryState = "retrying", next_at: int | None = None, **lease: Any) -> DeliveryRow:
    delivery = Delivery("acme", "wh_1", "dlv_1", "evt_1", "a.b", state, next_attempt_at=next_at)
    return DeliveryRow(delivery, attempt=2, event_key="0#evt_1", timestamp="2026-11-22T10:00:00Z", **lease)


def task(attempt: int) -> DeliveryTask:
    return DeliveryTask("acme", "wh_1", "dlv_1", "evt_1", "a.b", "2026-11-22T10:00:00Z", "0#evt_1", attempt=attempt)


@pytest.mark.parametrize(
    ("found", "attempt", "received", "expected"),
    [
        (None, 2, 1, "done"),
        (row("delivered"), 2, 5, "done"),
        (row("exhausted"), 2, 5, "done"),
        (row("discarded"), 1, 5, "done"),
        (row(), 1, 5, "done"),  # attempt 2 was claimed since
        (row(), 3, 1, "return"),  # never happens: attempt 3 is queued once attempt 2 is recorded
        (row(next_at=NOW + 1), 2, 1, "done"),  # a second publish of the same event
        (row(next_at=NOW + 1), 2, 2, "schedule"),  # came back: maybe the next one was never queued
        (row(next_at=NOW - OVERDUE_MS - 1), 2, 1, "schedule"),
        (row(lease_token="message-1#aa", lease_until=NOW + 1), 2, 1, "proceed"),
        (row(lease_token="message-1#bb", lease_until=NOW + 1), 2, 2, "return"),
        (row(lease_token="message-2#cc", lease_until=NOW + 1), 2, 1, "done"),
        (row(lease_token="message-1#bb", lease_until=NOW - 1), 2, 2, "abandoned"),
        (row(lease_token="message-2#cc", lease_until=NOW - 1), 2, 1, "abandoned"),
        (row("pending", lease_token="message-1#bb", lease_until=NOW), 2, 1, "return"),
    ],
)
def test_resolution(found: DeliveryRow | None, attempt: int, received: int, expected: str) -> None:
    assert resolve_claim_conflict(found, task(attempt), MINE, received=received, now=NOW) == expected


def test_a_message_of_an_earlier_round_has_nothing_left_to_do() -> None:
    assert resolve_claim_conflict(row(base=2), task(3), MINE, received=5, now=NOW) == "done"

"""What a row that refused a claim means for the message that came for it."""

from typing import Any

import pytest

from jobsprint.domain.deliveries import OVERDUE_MS, Claim, Delivery, DeliveryRow, DeliveryState, standing

NOW = 1_000_000
MINE = Claim("message-1", "aa")


def row(state: DeliveryState = "retrying", next_at: int | None = None, **claim: Any) -> DeliveryRow:
    delivery = Delivery("acme", "wh_1", "dlv_1", "evt_1", "a.b", state, next_attempt_at=next_at)
    return DeliveryRow(
        delivery, created_at=0, attempt=2, event_key="0#evt_1", timestamp="2026-11-22T10:00:00Z", **claim
    )


@pytest.mark.parametrize(
    ("found", "attempt", "received", "expected"),
    [
        (None, 2, 1, "over"),
        (row("delivered"), 2, 5, "over"),
        (row("exhausted"), 2, 5, "over"),
        (row("discarded"), 1, 5, "over"),
        (row(), 1, 5, "over"),  # attempt 2 was claimed since
        (row(), 3, 1, "busy"),  # never happens: attempt 3 is queued once attempt 2 is recorded
        (row(next_at=NOW + 1), 2, 1, "over"),  # a second publish of the same event
        (row(next_at=NOW + 1), 2, 2, "follow"),  # came back: maybe the next one was never queued
        (row(next_at=NOW - OVERDUE_MS - 1), 2, 1, "follow"),
        (row(claim="message-1#aa", lease_until=NOW + 1), 2, 1, "ours"),
        (row(claim="message-1#bb", lease_until=NOW + 1), 2, 2, "busy"),
        (row(claim="message-2#cc", lease_until=NOW + 1), 2, 1, "over"),
        (row(claim="message-1#bb", lease_until=NOW - 1), 2, 2, "died"),
        (row(claim="message-2#cc", lease_until=NOW - 1), 2, 1, "died"),
        (row("pending", claim="message-1#bb", lease_until=NOW), 2, 1, "busy"),
    ],
)
def test_standing(found: DeliveryRow | None, attempt: int, received: int, expected: str) -> None:
    assert standing(found, attempt, MINE, base=0, received=received, now=NOW) == expected


def test_a_message_of_an_earlier_round_has_nothing_left_to_do() -> None:
    assert standing(row(base=2), 3, MINE, base=0, received=5, now=NOW) == "over"

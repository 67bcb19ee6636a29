"""When the sweeper looks after a delivery, and how long the data of its event is there."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.retry_after import MAX_RETRY_AFTER_SECONDS
from jobsprint.domain import integrations
from jobsprint.domain.deliveries import (
    MAX_DELAY_MS,
    MAX_DOUBLINGS,
    REENQUEUE_DELAY_MS,
    Attempt,
    due_again_at,
    due_at,
    fits_in_queue,
)
from jobsprint.domain.retry_policy import decide
from jobsprint.repositories import events

NOW = 1_736_164_800_000
times = st.integers(0, 1 << 42)


@given(times, times)
def test_every_wait_is_either_the_queues_or_the_sweepers(next_at: int, now: int) -> None:
    in_queue = fits_in_queue(next_at, now)
    assert in_queue == (next_at <= now + MAX_DELAY_MS)
    assert due_at(next_at, now) == next_at + (REENQUEUE_DELAY_MS if in_queue else 0)


@given(times, st.integers(0, MAX_DELAY_MS))
def test_time_that_passes_between_record_and_enqueue_leaves_no_gap(now: int, passed: int) -> None:
    """What the record left to the queue, the queue still takes a moment later."""
    next_at = now + MAX_DELAY_MS
    assert fits_in_queue(next_at, now)
    assert fits_in_queue(next_at, now + passed)


@given(times, times, st.integers(0, 1000))
def test_each_sweep_gives_the_queue_at_least_as_long_as_the_one_before(due: int, now: int, sweeps: int) -> None:
    first, second = due_again_at(due, sweeps, now), due_again_at(due, sweeps + 1, now)
    assert (
        max(due, now) + REENQUEUE_DELAY_MS <= first <= second <= max(due, now) + REENQUEUE_DELAY_MS * 2**MAX_DOUBLINGS
    )


def test_a_delivery_without_a_worker_is_enqueued_a_few_times_a_day() -> None:
    at, sweeps = NOW, 0
    while at < NOW + 86_400_000:
        at, sweeps = due_again_at(at, sweeps, at), sweeps + 1
    assert sweeps == 10


@pytest.mark.parametrize("schedule", [[901], [0, 7 * 86400, 7 * 86400, 1], [0] + [100_000] * 19])
def test_a_schedule_that_is_too_long_is_refused(schedule: list[int]) -> None:
    with pytest.raises(ValueError, match="up to"):
        integrations.check_schedule(schedule)


def slowest(schedule: Sequence[int]) -> int:
    """Seconds from an event to the last attempt: all jitter, and an hour of Retry-After on each attempt."""
    at, number = schedule[0] * 1000, 1
    while True:
        attempt = Attempt(number, "error", at, 15_000, 503, "http_5xx")
        asked = str(MAX_RETRY_AFTER_SECONDS)
        found = decide(attempt, asked, schedule=schedule, base=0, now=at + 15_000, fraction=1.0)
        if found.next_at is None:
            return at // 1000
        at, number = found.next_at, number + 1


@given(
    st.lists(st.integers(0, integrations.MAX_RETRY_WAIT_SECONDS), min_size=1, max_size=integrations.MAX_TRIES).filter(
        lambda schedule: (
            schedule[0] <= integrations.MAX_FIRST_WAIT_SECONDS and sum(schedule) <= integrations.MAX_SCHEDULE_SECONDS
        )
    )
    | st.just([0] + [integrations.MAX_SCHEDULE_SECONDS // 19] * 19)
)
def test_the_data_of_an_event_is_there_for_the_last_attempt(schedule: list[int]) -> None:
    integrations.check_schedule(schedule)
    for retention_days in (1, 30):
        kept = events.kept_seconds(retention_days, (0, 5))
        assert slowest(schedule) < kept
    assert slowest(schedule) < events.round_seconds(schedule)
    assert slowest([0] + [999_999] * 19) < events.kept_seconds(1, [0] + [999_999] * 19)

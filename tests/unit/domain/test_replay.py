"""The pure part of a replay: pages, rate, positions, progress."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.ids import first_at, made_at, new_id
from jobsprint.domain.replay import (
    MAX_PAGE,
    MAX_PER_SECOND,
    MIN_PAGE,
    NAMED_SHARDS,
    STALLED_MS,
    STEP_SECONDS,
    Position,
    ReplayJob,
    ReplayRequest,
    UndeliveredState,
    beginning,
    following,
    page_size,
    pause_seconds,
    phases,
    progress,
    wait_ms,
)
from jobsprint.repositories.events import SHARDS

RATES = st.integers(1, MAX_PER_SECOND)
TIMES = st.integers(0, (1 << 48) - 1)
STATES: st.SearchStrategy[tuple[UndeliveredState, ...]] = st.sampled_from(
    [("failed",), ("missing",), ("failed", "missing"), ("missing", "failed")]
)


def job(states: tuple[UndeliveredState, ...], position: Position | None) -> ReplayJob:
    request = ReplayRequest(1_000_000, 2_000_000, states=states)
    return ReplayJob("acme", "job_1", "wh_1", request, "running", 2_000_000, position, due_at=2_000_000)


@given(RATES)
def test_a_page_goes_out_no_faster_than_its_rate_and_before_the_next_step(rate: int) -> None:
    size = page_size(rate)
    assert min(MIN_PAGE, STEP_SECONDS) <= size <= MAX_PAGE
    assert size <= max(rate * STEP_SECONDS, MIN_PAGE)
    waits = [wait_ms(index, rate) for index in range(size)]
    assert waits == sorted(waits)
    assert waits[-1] <= pause_seconds(size, rate) * 1000 <= STEP_SECONDS * 1000
    # Whatever second is looked at, no more than the rate is due in it.
    for index in range(size - rate):
        assert waits[index + rate] - waits[index] >= 1000


@given(STATES)
def test_a_replay_goes_through_every_phase_and_ends(states: tuple[UndeliveredState, ...]) -> None:
    position: Position | None = beginning(states)
    seen, shown = [], []
    while position:
        seen.append((position.phase, position.shard))
        shown.append(progress(job(states, position)))
        position = following(position, states)
    expected = [(phase, shard) for phase in phases(states) for shard in range(NAMED_SHARDS if phase == "named" else 1)]
    assert seen == expected
    assert shown == sorted(shown)
    assert shown[0] == 0
    assert max(shown) < 100
    assert progress(job(states, None)) == 99
    assert progress(replace(job(states, None), status="done")) == 100


@given(st.sampled_from(["failed", "missing", "named"]), st.integers(0, 15), st.text())
def test_a_position_is_kept_as_text(phase: str, shard: int, after: str) -> None:
    position = Position(phase, shard, after)  # type: ignore[arg-type]
    assert Position.of(position.to_text()) == position


@given(TIMES)
def test_an_id_tells_when_it_was_made(ms: int) -> None:
    assert made_at(new_id("evt", ms)) == made_at(f"dlv_{first_at(ms)}") == ms


@given(st.integers(1_000_000, 2_000_000), st.integers(1_000_000, 2_000_000))
def test_progress_follows_the_time_range(first: int, second: int) -> None:
    low, high = sorted((first, second))
    at = [progress(job(("failed",), Position("failed", after=new_id("dlv", ms)))) for ms in (low, high)]
    assert 0 <= at[0] <= at[1] <= 99


def test_progress_of_an_empty_range_is_known() -> None:
    point = replace(job(("failed",), Position("failed", after=new_id("dlv", 5))), request=ReplayRequest(5, 5))
    assert progress(point) == 0


def test_every_shard_of_the_events_is_read() -> None:
    assert NAMED_SHARDS == SHARDS


def test_a_step_is_given_up_after_all_tries_of_the_queue() -> None:
    running = job(("failed",), beginning(("failed",)))
    assert not running.is_stalled(running.due_at + STALLED_MS)
    assert running.is_stalled(running.due_at + STALLED_MS + 1)
    assert not replace(running, status="done").is_stalled(running.due_at + STALLED_MS + 1)

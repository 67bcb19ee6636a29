"""What attempts say of a webhook, as pure rules."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jobsprint.domain import endpoint_health
from jobsprint.domain.endpoint_health import Admission, BatchReport, EndpointHealth, InFlight, Totals

NOW = 1_800_000_000_000
DAY = 86_400_000


def after(
    state: EndpointHealth, *, ok: int = 0, bad: int = 0, totals: Totals | None = None, now: int = NOW, **more: Any
) -> Any:
    report = BatchReport(ok=ok, bad=bad, totals=totals or Totals(ok, bad), **more)
    return endpoint_health.after_batch(state, report, target=0, now=now)


def opened(now: int = NOW) -> EndpointHealth:
    state, _ = after(EndpointHealth(), bad=endpoint_health.MIN_ATTEMPTS, now=now)
    assert state.open_until > now
    return state  # type: ignore[no-any-return]


def admitted(
    state: EndpointHealth, wanted: int = 1, batch: str = "t", now: int = NOW
) -> tuple[EndpointHealth, Admission]:
    return endpoint_health.admit(state, wanted, batch, target=0, now=now)


# --- the breaker ---


@pytest.mark.parametrize(
    ("ok", "bad", "opens"),
    [(0, 9, False), (0, 10, True), (5, 5, True), (6, 5, False), (90, 100, True), (100, 99, False)],
)
def test_it_opens_on_a_share_of_enough_attempts(ok: int, bad: int, opens: bool) -> None:
    state, _ = after(EndpointHealth(), ok=ok, bad=bad)
    assert (state.open_until > 0) is opens
    assert [one.name for one in state.unpublished] == ["webhook.failing"] * opens


def test_unrecorded_successes_count_by_the_totals() -> None:
    state, _ = after(EndpointHealth(), bad=5, totals=Totals(1000, 5))
    state, _ = after(state, bad=6, totals=Totals(1012, 11), now=NOW + 1_000)
    assert not state.open_until
    state, _ = after(state, bad=1, totals=Totals(1012, 12), now=NOW + 2_000)
    assert state.open_until


def test_failures_of_another_window_do_not_count() -> None:
    state, _ = after(EndpointHealth(), bad=9, totals=Totals(0, 9))
    state, _ = after(state, bad=1, totals=Totals(0, 10), now=NOW + endpoint_health.WINDOW_MS + 1)
    assert not state.open_until


def test_an_open_one_lets_nothing_through_and_then_one_probe() -> None:
    state = opened()
    same, admission = admitted(state, 7, now=state.open_until - 1)
    assert (same, admission.allowed, admission.retry_at) == (state, 0, state.open_until)
    probing, admission = admitted(state, 7, now=state.open_until)
    assert (admission.allowed, admission.reason) == (1, "probe")
    assert admitted(probing, 7, "another", now=state.open_until)[1].allowed == 0
    lost = state.open_until + endpoint_health.IN_FLIGHT_MS
    assert admitted(probing, 7, "another", now=lost)[1].reason == "probe", "a probe whose worker crashed is repeated"


def test_a_probe_that_fails_trips_for_twice_as_long_and_publishes_nothing() -> None:
    state, waits = opened(), []
    for _ in range(9):
        now = state.open_until
        state, _ = admitted(state, now=now)
        state, _ = after(state, bad=1, token="t", now=now)
        waits.append((state.open_until - now) // 1000)
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600, 600]
    assert [one.name for one in state.unpublished] == ["webhook.failing"]


@given(failures=st.integers(0, 30), announced=st.booleans())
def test_a_successful_probe_always_closes(failures: int, announced: bool) -> None:
    state = opened() if announced else replace(opened(), failing_published=False, unpublished=())
    now = state.open_until
    for _ in range(failures):
        state, _ = admitted(state, now=now)
        state, _ = after(state, bad=1, token="t", may_publish=False, now=now)
        now = state.open_until
    state, admission = admitted(state, 5, now=now)
    assert admission.allowed == 1
    state, _ = after(state, ok=1, token="t", now=now)
    assert not state.open_until
    assert [one.name for one in state.unpublished] == ["webhook.failing", "webhook.recovered"] * announced
    assert len({one.stamp for one in state.unpublished}) <= 1
    assert admitted(state, 5, now=now)[1].allowed == 5
    assert endpoint_health.is_healthy(state, now + endpoint_health.LIMITED_MS)


def test_a_probe_that_was_not_sent_says_nothing() -> None:
    state = opened()
    probing, _ = admitted(state, now=state.open_until)
    released, _ = after(probing, token="t", now=state.open_until)
    assert (released.open_until, released.in_flight) == (state.open_until, ())


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    state = opened()
    for late in ({"ok": 3}, {"bad": 3}):
        assert after(state, **late)[0].open_until == state.open_until


def test_another_address_is_probed_at_once() -> None:
    state = opened()
    assert endpoint_health.admit(state, 3, "t", target=1, now=NOW)[1].reason == "probe"
    state, _ = endpoint_health.admit(state, 3, "t", target=1, now=NOW)
    state, _ = endpoint_health.after_batch(
        state, BatchReport(bad=1, token="t", totals=Totals(0, 11)), target=1, now=NOW
    )
    assert endpoint_health.admit(state, 3, "t", target=1, now=NOW)[1].reason == "open"


# --- the concurrency limit ---

STEPS = st.lists(
    st.tuples(st.integers(0, 20_000), st.sampled_from(["admit", "end", "crash"]), st.booleans()),
    min_size=5,
    max_size=60,
)


@given(steps=STEPS)
def test_never_more_batches_in_flight_than_allowed_and_never_stuck(steps: list[tuple[int, str, bool]]) -> None:
    """Batches come, end or crash in any order; whatever happens, a minute later a delivery is admitted again."""
    state, now, flying, bad = endpoint_health.limited(EndpointHealth(), "first", NOW), NOW, {"first": NOW}, 0
    for number, (gap, step, fails) in enumerate(steps):
        now += gap
        # A crashed batch is not in flight any more once the dispatcher's time (30 s) is over.
        flying = {token: began for token, began in flying.items() if now - began < 30_000}
        if step == "admit":
            before = state
            state, admission = admitted(state, 3, f"b{number}", now)
            if admission.reason == "probe":
                assert admission.allowed == 1
                assert not [batch for batch in before.in_flight if batch.probe and batch.until > now]
            if admission.reason in ("limited", "probe"):
                flying[f"b{number}"] = now
            if admission.reason == "limited":
                assert len(flying) <= endpoint_health.MAX_BATCHES_IN_FLIGHT
        elif flying:
            token = next(iter(flying))
            del flying[token]
            if step == "end":
                bad += fails
                state, _ = after(state, ok=not fails, bad=int(fails), slow=fails, token=token, now=now)
    end = max([state.open_until, *(batch.until for batch in state.in_flight), now])
    assert admitted(state, 3, "last", end)[1].allowed


def test_a_slow_webhook_is_healthy_again_after_a_minute() -> None:
    state = endpoint_health.limited(EndpointHealth(), "t", NOW)
    assert admitted(state, 4, "u")[1].reason == "limited"
    assert admitted(state, 4, "u", NOW + endpoint_health.LIMITED_MS)[1] == Admission(4, "healthy")


# --- waiting ---


@given(
    deferrals=st.integers(0, 50),
    trips=st.integers(0, 30),
    ahead=st.integers(-1000, endpoint_health.LONGEST_OPEN_MS),
    fraction=st.floats(0, 1),
)
def test_a_wait_ends_neither_before_it_makes_sense_nor_later_than_the_queue_can_keep_it(
    deferrals: int, trips: int, ahead: int, fraction: float
) -> None:
    admission = Admission(0, "open" if trips else "busy", NOW + ahead)
    at = endpoint_health.deferred_until(admission, deferrals=deferrals, trips=trips, now=NOW, fraction=fraction)
    assert max(NOW + ahead, NOW + 2_000) <= at <= NOW + endpoint_health.MAX_WAIT_MS


def test_what_waits_often_asks_ever_less() -> None:
    state = replace(opened(), trips=7)
    waits = [
        endpoint_health.deferred_until(Admission(0, "busy", NOW), deferrals=deferrals, trips=7, now=NOW, fraction=0)
        - NOW
        for deferrals in range(12)
    ]
    assert state.trips == 7
    assert waits == sorted(waits)
    assert waits[-1] == endpoint_health.MAX_WAIT_MS


# --- without any hope ---


def row_of(days: float, attempts: int, successes: int = 0) -> bool:
    state, must_be_disabled, ok = EndpointHealth(), False, 50
    for number in range(attempts):
        now = NOW + int(days * DAY * number / max(1, attempts - 1))
        if successes and number == attempts // 2:
            ok += successes
        state, must_be_disabled = after(state, bad=1, totals=Totals(ok, number + 1), now=now)
        state = replace(state, open_until=0)
    return must_be_disabled


@pytest.mark.parametrize(
    ("days", "attempts", "successes", "expected"),
    [(5, 20, 0, True), (5, 19, 0, False), (4.99, 500, 0, False), (30, 20, 0, True), (6, 200, 1, False)],
)
def test_five_days_and_twenty_attempts_without_a_success_are_enough(
    days: float, attempts: int, successes: int, expected: bool
) -> None:
    assert row_of(days, attempts, successes) is expected


def test_days_of_silence_are_no_failures() -> None:
    state, _ = after(EndpointHealth(), ok=1, totals=Totals(1, 0))
    state, must_be_disabled = after(state, bad=30, totals=Totals(1, 30), now=NOW + 6 * DAY)
    assert not must_be_disabled


def test_a_disabled_webhook_restarts_with_a_probe() -> None:
    state = replace(EndpointHealth(), streak_at=NOW - 6 * DAY, streak_bad=0)
    state = endpoint_health.disabled(state, "failing", at=NOW, totals=Totals(0, 40), may_publish=True, now=NOW)
    [event] = state.unpublished
    assert (event.name, event.stamp) == ("webhook.disabled", NOW)
    assert event.data["attempts"] == 40
    state, admission = admitted(state, 5)
    assert (admission.allowed, admission.reason) == (1, "probe")
    _, must_be_disabled = after(state, bad=1, token="t", totals=Totals(0, 41))
    assert not must_be_disabled


# --- the outbox ---


def test_failing_to_deliver_an_operational_event_publishes_none() -> None:
    state, _ = after(EndpointHealth(), bad=20, may_publish=False)
    assert state.open_until
    assert state.unpublished == ()
    state, _ = admitted(state, now=state.open_until)
    state, _ = after(state, bad=1, token="t", now=state.open_until)
    assert [one.name for one in state.unpublished] == ["webhook.failing"], "published once something else fails too"


def test_exhausted_deliveries_are_published_at_once_and_then_once_an_hour() -> None:
    state, _ = after(EndpointHealth(), bad=1, exhausted=("dlv_1",))
    assert [one.data["deliveryIds"] for one in state.unpublished] == [["dlv_1"]]
    for number in range(2, 30):
        state, _ = after(state, bad=1, exhausted=(f"dlv_{number}",), now=NOW + number)
    assert len(state.unpublished) == 1
    assert endpoint_health.with_digest(state, NOW + endpoint_health.DIGEST_MS - 1) == state
    state = endpoint_health.with_digest(state, NOW + endpoint_health.DIGEST_MS)
    digest = state.unpublished[1].data
    assert digest["count"] == 28
    assert len(digest["deliveryIds"]) == endpoint_health.MAX_EXAMPLES  # type: ignore[arg-type]
    assert (state.exhausted, state.examples) == (0, ())
    assert endpoint_health.without_published(state, state.unpublished).unpublished == ()


def test_a_stored_state_is_read_as_it_was_written() -> None:
    state = replace(opened(), in_flight=(InFlight("t", 5, probe=True),), examples=("dlv_1",), exhausted=1)
    stored = TypeAdapter(EndpointHealth)
    assert stored.validate_json(stored.dump_json(state)) == state

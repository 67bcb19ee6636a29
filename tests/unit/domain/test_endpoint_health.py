"""What attempts say of a webhook, as pure rules."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.domain import endpoint_health
from jobsprint.domain.endpoint_health import Admission, Lease, Report, Totals, Traffic

NOW = 1_800_000_000_000
DAY = 86_400_000


def after(
    state: Traffic, *, ok: int = 0, bad: int = 0, totals: Totals | None = None, now: int = NOW, **more: Any
) -> Any:
    report = Report(ok=ok, bad=bad, totals=totals or Totals(ok, bad), **more)
    return endpoint_health.judged(state, report, target=0, now=now)


def opened(now: int = NOW) -> Traffic:
    state, _ = after(Traffic(), bad=endpoint_health.MIN_ATTEMPTS, now=now)
    assert state.open_until > now
    return state  # type: ignore[no-any-return]


def admitted(state: Traffic, wanted: int = 1, batch: str = "t", now: int = NOW) -> tuple[Traffic, Admission]:
    return endpoint_health.admit(state, wanted, batch, target=0, now=now)


# --- the breaker ---


@pytest.mark.parametrize(
    ("ok", "bad", "opens"),
    [(0, 9, False), (0, 10, True), (5, 5, True), (6, 5, False), (90, 100, True), (100, 99, False)],
)
def test_it_opens_on_a_share_of_enough_attempts(ok: int, bad: int, opens: bool) -> None:
    state, _ = after(Traffic(), ok=ok, bad=bad)
    assert (state.open_until > 0) is opens
    assert [one.name for one in state.untold] == ["webhook.failing"] * opens


def test_successes_that_nobody_wrote_down_count_by_the_totals() -> None:
    state, _ = after(Traffic(), bad=5, totals=Totals(1000, 5))
    state, _ = after(state, bad=6, totals=Totals(1012, 11), now=NOW + 1_000)
    assert not state.open_until
    state, _ = after(state, bad=1, totals=Totals(1012, 12), now=NOW + 2_000)
    assert state.open_until


def test_failures_of_another_window_do_not_count() -> None:
    state, _ = after(Traffic(), bad=9, totals=Totals(0, 9))
    state, _ = after(state, bad=1, totals=Totals(0, 10), now=NOW + endpoint_health.WINDOW_MS + 1)
    assert not state.open_until


def test_an_open_one_lets_nothing_through_and_then_one_probe() -> None:
    state = opened()
    same, admission = admitted(state, 7, now=state.open_until - 1)
    assert (same, admission.go, admission.again_at) == (state, 0, state.open_until)
    probing, admission = admitted(state, 7, now=state.open_until)
    assert (admission.go, admission.why) == (1, "probe")
    assert admitted(probing, 7, "another", now=state.open_until)[1].go == 0
    lost = state.open_until + endpoint_health.LEASE_MS
    assert admitted(probing, 7, "another", now=lost)[1].why == "probe", "a probe whose worker died is tried again"


def test_a_probe_that_fails_opens_for_twice_as_long_and_tells_nothing_new() -> None:
    state, waits = opened(), []
    for _ in range(9):
        now = state.open_until
        state, _ = admitted(state, now=now)
        state, _ = after(state, bad=1, token="t", now=now)
        waits.append((state.open_until - now) // 1000)
    assert waits == [30, 60, 120, 240, 480, 600, 600, 600, 600]
    assert [one.name for one in state.untold] == ["webhook.failing"]


@given(failures=st.integers(0, 30), announced=st.booleans())
def test_a_successful_probe_always_closes(failures: int, announced: bool) -> None:
    state = opened() if announced else replace(opened(), told=False, untold=())
    now = state.open_until
    for _ in range(failures):
        state, _ = admitted(state, now=now)
        state, _ = after(state, bad=1, token="t", may_tell=False, now=now)
        now = state.open_until
    state, admission = admitted(state, 5, now=now)
    assert admission.go == 1
    state, _ = after(state, ok=1, token="t", now=now)
    assert not state.open_until
    assert [one.name for one in state.untold] == ["webhook.failing", "webhook.recovered"] * announced
    assert len({one.stamp for one in state.untold}) <= 1
    assert admitted(state, 5, now=now)[1].go == 5
    assert endpoint_health.is_calm(state, now + endpoint_health.SLOW_KEPT_MS)


def test_a_probe_that_was_not_sent_says_nothing() -> None:
    state = opened()
    probing, _ = admitted(state, now=state.open_until)
    released, _ = after(probing, token="t", now=state.open_until)
    assert (released.open_until, released.leases) == (state.open_until, ())


def test_what_was_under_way_when_it_opened_changes_nothing() -> None:
    state = opened()
    for late in ({"ok": 3}, {"bad": 3}):
        assert after(state, **late)[0].open_until == state.open_until


def test_another_address_is_probed_at_once() -> None:
    state = opened()
    assert endpoint_health.admit(state, 3, "t", target=1, now=NOW)[1].why == "probe"
    state, _ = endpoint_health.admit(state, 3, "t", target=1, now=NOW)
    state, _ = endpoint_health.judged(state, Report(bad=1, token="t", totals=Totals(0, 11)), target=1, now=NOW)
    assert endpoint_health.admit(state, 3, "t", target=1, now=NOW)[1].why == "open"


# --- leases ---

STEPS = st.lists(
    st.tuples(st.integers(0, 20_000), st.sampled_from(["admit", "end", "die"]), st.booleans()), min_size=5, max_size=60
)


@given(steps=STEPS)
def test_never_more_batches_under_way_than_allowed_and_never_stuck(steps: list[tuple[int, str, bool]]) -> None:
    """Batches come, end or die in any order; whatever happens, a minute later something may go again."""
    state, now, flying, bad = endpoint_health.found_slow(Traffic(), "first", NOW), NOW, {"first": NOW}, 0
    for number, (gap, step, fails) in enumerate(steps):
        now += gap
        # Who died is not under way any more once the dispatcher's time (30 s) is over.
        flying = {token: began for token, began in flying.items() if now - began < 30_000}
        if step == "admit":
            before = state
            state, admission = admitted(state, 3, f"b{number}", now)
            if admission.why == "probe":
                assert admission.go == 1
                assert not [lease for lease in before.leases if lease.probe and lease.until > now]
            if admission.why in ("lease", "probe"):
                flying[f"b{number}"] = now
            if admission.why == "lease":
                assert len(flying) <= endpoint_health.BATCHES_IN_FLIGHT
        elif flying:
            token = next(iter(flying))
            del flying[token]
            if step == "end":
                bad += fails
                state, _ = after(state, ok=not fails, bad=int(fails), slow=fails, token=token, now=now)
    end = max([state.open_until, *(lease.until for lease in state.leases), now])
    assert admitted(state, 3, "last", end)[1].go


def test_a_slow_webhook_is_calm_again_after_a_minute() -> None:
    state = endpoint_health.found_slow(Traffic(), "t", NOW)
    assert admitted(state, 4, "u")[1].why == "lease"
    assert admitted(state, 4, "u", NOW + endpoint_health.SLOW_KEPT_MS)[1] == Admission(4, "calm")


# --- waiting ---


@given(
    deferred=st.integers(0, 50),
    openings=st.integers(0, 30),
    ahead=st.integers(-1000, endpoint_health.LONGEST_OPEN_MS),
    fraction=st.floats(0, 1),
)
def test_a_wait_ends_neither_before_it_makes_sense_nor_later_than_the_queue_can_keep_it(
    deferred: int, openings: int, ahead: int, fraction: float
) -> None:
    admission = Admission(0, "open" if openings else "busy", NOW + ahead)
    at = endpoint_health.come_again(admission, deferred=deferred, openings=openings, now=NOW, fraction=fraction)
    assert max(NOW + ahead, NOW + 2_000) <= at <= NOW + endpoint_health.MAX_WAIT_MS


def test_what_waits_often_asks_ever_less() -> None:
    state = replace(opened(), openings=7)
    waits = [
        endpoint_health.come_again(Admission(0, "busy", NOW), deferred=deferred, openings=7, now=NOW, fraction=0) - NOW
        for deferred in range(12)
    ]
    assert state.openings == 7
    assert waits == sorted(waits)
    assert waits[-1] == endpoint_health.MAX_WAIT_MS


# --- without any hope ---


def row_of(days: float, attempts: int, successes: int = 0) -> bool:
    state, hopeless, ok = Traffic(), False, 50
    for number in range(attempts):
        now = NOW + int(days * DAY * number / max(1, attempts - 1))
        if successes and number == attempts // 2:
            ok += successes
        state, hopeless = after(state, bad=1, totals=Totals(ok, number + 1), now=now)
        state = replace(state, open_until=0)
    return hopeless


@pytest.mark.parametrize(
    ("days", "attempts", "successes", "expected"),
    [(5, 20, 0, True), (5, 19, 0, False), (4.99, 500, 0, False), (30, 20, 0, True), (6, 200, 1, False)],
)
def test_five_days_and_twenty_attempts_without_a_success_are_enough(
    days: float, attempts: int, successes: int, expected: bool
) -> None:
    assert row_of(days, attempts, successes) is expected


def test_days_of_silence_are_no_failures() -> None:
    state, _ = after(Traffic(), ok=1, totals=Totals(1, 0))
    state, hopeless = after(state, bad=30, totals=Totals(1, 30), now=NOW + 6 * DAY)
    assert not hopeless


def test_a_disabled_webhook_begins_anew_with_a_probe() -> None:
    state = replace(Traffic(), row_at=NOW - 6 * DAY, row_bad=0)
    state = endpoint_health.disabled(state, "failing", at=NOW, totals=Totals(0, 40), may_tell=True, now=NOW)
    [told] = state.untold
    assert (told.name, told.stamp) == ("webhook.disabled", NOW)
    assert told.data["attempts"] == 40
    state, admission = admitted(state, 5)
    assert (admission.go, admission.why) == (1, "probe")
    _, hopeless = after(state, bad=1, token="t", totals=Totals(0, 41))
    assert not hopeless


# --- what is told ---


def test_failing_to_deliver_what_the_service_tells_is_not_told() -> None:
    state, _ = after(Traffic(), bad=20, may_tell=False)
    assert state.open_until
    assert state.untold == ()
    state, _ = admitted(state, now=state.open_until)
    state, _ = after(state, bad=1, token="t", now=state.open_until)
    assert [one.name for one in state.untold] == ["webhook.failing"], "once something else fails too, it is told"


def test_exhausted_deliveries_are_told_at_once_and_then_once_an_hour() -> None:
    state, _ = after(Traffic(), bad=1, exhausted=("dlv_1",))
    assert [one.data["deliveryIds"] for one in state.untold] == [["dlv_1"]]
    for number in range(2, 30):
        state, _ = after(state, bad=1, exhausted=(f"dlv_{number}",), now=NOW + number)
    assert len(state.untold) == 1
    assert endpoint_health.digested(state, NOW + endpoint_health.DIGEST_MS - 1) == state
    state = endpoint_health.digested(state, NOW + endpoint_health.DIGEST_MS)
    digest = state.untold[1].data
    assert digest["count"] == 28
    assert len(digest["deliveryIds"]) == endpoint_health.MAX_EXAMPLES  # type: ignore[arg-type]
    assert (state.exhausted, state.examples) == (0, ())
    assert endpoint_health.without(state, state.untold).untold == ()


def test_a_state_survives_being_kept() -> None:
    state = replace(opened(), leases=(Lease("t", 5, probe=True),), examples=("dlv_1",), exhausted=1)
    assert msgspec.json.decode(msgspec.json.encode(state), type=Traffic) == state

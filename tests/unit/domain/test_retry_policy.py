"""When a delivery is tried again, and when it ends."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.core.retry_after import MAX_RETRY_AFTER_SECONDS
from jobsprint.domain.deliveries import Attempt
from jobsprint.domain.integrations import DeliveryPolicy
from jobsprint.domain.retry_policy import JITTER, RetryDecision, decide, first_at, lengthened, schedule_of

NOW = 1_736_164_800_000  # 2025-01-06T12:00:00Z
DEFAULT = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
fractions = st.floats(0, 1)
schedules = st.lists(st.integers(0, 999_999), min_size=1, max_size=20)
failing = st.sampled_from([None, 100, 301, 302, 304, 400, 401, 404, 408, 429, 451, 500, 502, 503, 504, 599])


def attempt(number: int, http_status: int | None) -> Attempt:
    success = http_status is not None and 200 <= http_status < 300
    return Attempt(number, "success" if success else "error", NOW, 7, http_status, None if success else "x")


@given(st.integers(200, 299), schedules, fractions, st.integers(1, 25))
def test_2xx_is_delivered_whenever_it_comes(status: int, schedule: list[int], fraction: float, number: int) -> None:
    found = decide(attempt(number, status), "60", schedule=schedule, base=0, now=NOW, fraction=fraction)
    assert found == RetryDecision("delivered")


@given(schedules, fractions, st.integers(1, 25))
def test_410_ends_the_delivery_and_disables_its_webhook(schedule: list[int], fraction: float, number: int) -> None:
    found = decide(attempt(number, 410), None, schedule=schedule, base=0, now=NOW, fraction=fraction)
    assert found == RetryDecision("exhausted", gone=True)


@given(failing, schedules, fractions, st.data())
def test_everything_else_waits_for_its_step_or_a_tenth_longer_or_ends(
    status: int | None, schedule: list[int], fraction: float, data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, len(schedule)))
    found = decide(attempt(number, status), None, schedule=schedule, base=0, now=NOW, fraction=fraction)
    if number == len(schedule):
        assert found == RetryDecision("exhausted")
        return
    assert found.state == "retrying"
    assert found.next_at is not None
    step = schedule[number] * 1000
    assert step <= found.next_at - NOW <= step * (1 + JITTER) + 1


@given(fractions, st.integers(0, 10_000))
def test_retry_after_lengthens_a_step_up_to_an_hour(fraction: float, asked: int) -> None:
    for status in (429, 503):
        found = decide(attempt(1, status), str(asked), schedule=(0, 300, 300), base=0, now=NOW, fraction=fraction)
        assert found.next_at is not None
        wanted = max(300, min(asked, MAX_RETRY_AFTER_SECONDS)) * 1000
        assert wanted <= found.next_at - NOW <= wanted * (1 + JITTER) + 1


@pytest.mark.parametrize("status", [301, 400, 404, 500, 502, 504])
def test_retry_after_of_another_status_is_not_honoured(status: int) -> None:
    found = decide(attempt(1, status), "3000", schedule=(0, 5), base=0, now=NOW, fraction=0)
    assert found.next_at == NOW + 5_000


def test_the_default_schedule_on_a_virtual_clock_takes_three_days_and_three_hours() -> None:
    now, number, times = NOW, 1, [NOW]
    while (
        found := decide(attempt(number, 500), None, schedule=DEFAULT, base=0, now=now, fraction=0)
    ).next_at is not None:
        now, number = found.next_at, number + 1
        times.append(now)
    assert found.state == "exhausted"
    assert len(times) == 10
    assert [(later - earlier) // 1000 for earlier, later in pairwise(times)] == list(DEFAULT[1:])
    assert times[-1] - times[0] == (75 * 3600 + 35 * 60 + 5) * 1000  # the example of Standard Webhooks


def test_a_webhooks_own_schedule_wins() -> None:
    assert schedule_of(DeliveryPolicy(), DEFAULT) == DEFAULT
    assert schedule_of(DeliveryPolicy(retry_schedule=(0, 7)), DEFAULT) == (0, 7)


@pytest.mark.parametrize(("schedule", "at"), [((0,), 0), ((0, 5), 0), ((900, 5), NOW + 900_000)])
def test_the_first_attempt_waits_only_where_the_schedule_says_so(schedule: tuple[int, ...], at: int) -> None:
    assert first_at(schedule, NOW) == at


@given(st.floats(0, 1e6), fractions)
def test_jitter_only_lengthens(seconds: float, fraction: float) -> None:
    assert seconds <= lengthened(seconds, fraction) <= seconds * (1 + JITTER)

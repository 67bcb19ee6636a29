"""Work that is done together: nothing is lost, nobody waits for the slow ones."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobsprint.delivery.gathering import Gathering

LONG = 60


def test_all_that_is_expected_is_handed_over_at_once() -> None:
    groups: list[Sequence[int]] = []
    started = time.monotonic()
    with ThreadPoolExecutor(2) as workers:
        gathering = Gathering(groups.append, workers, expected=5, seconds=LONG)
        for number in range(5):
            gathering.add(number)
        gathering.finish()
    assert groups == [[0, 1, 2, 3, 4]]
    assert time.monotonic() - started < LONG / 2


def test_what_is_late_holds_back_nobody() -> None:
    groups: list[Sequence[int]] = []
    first_is_done = threading.Event()

    def work(group: Sequence[int]) -> None:
        groups.append(group)
        first_is_done.set()

    with ThreadPoolExecutor(2) as workers:
        gathering = Gathering(work, workers, expected=3, seconds=0.01)
        gathering.add(1)
        assert first_is_done.wait(LONG)
        gathering.add(2)
        gathering.add(3)
        gathering.finish()
    assert [number for group in groups for number in group] == [1, 2, 3]


def test_a_hand_over_that_hangs_does_not_stop_the_next() -> None:
    done: list[int] = []
    came, go = threading.Event(), threading.Event()

    def work(group: Sequence[int]) -> None:
        if 1 in group:
            came.set()
            assert go.wait(LONG)
        done.extend(group)

    with ThreadPoolExecutor(2) as workers:
        gathering = Gathering(work, workers, expected=2, seconds=0.01)
        gathering.add(1)
        assert came.wait(LONG)
        gathering.add(2)
        deadline = time.monotonic() + LONG
        while 2 not in done and time.monotonic() < deadline:
            time.sleep(0.005)
        assert done == [2]
        go.set()
        gathering.finish()
    assert done == [2, 1]


def test_what_the_work_raises_is_raised_at_the_end() -> None:
    def work(_: Sequence[int]) -> None:
        raise ValueError("no")

    with ThreadPoolExecutor(1) as workers:
        gathering = Gathering(work, workers, expected=1, seconds=LONG)
        gathering.add(1)
        with pytest.raises(ValueError, match="no"):
            gathering.finish()


def test_nothing_added_is_nothing_done() -> None:
    with ThreadPoolExecutor(1) as workers:
        Gathering(pytest.fail, workers, expected=0, seconds=LONG).finish()

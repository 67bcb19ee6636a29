"""Work that is done together because it comes at about the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

_One = TypeVar("_One")


class Gathering(Generic[_One]):
    """Hands `work` everything that was added within `seconds` of the first of it, in a thread of `workers`.

    After `expected` additions nothing is waited for any more. Several of these hand-overs may be under way at once, so
    a slow one holds back no other.
    """

    def __init__(
        self, work: Callable[[Sequence[_One]], None], workers: Executor, *, expected: int, seconds: float
    ) -> None:
        self._work, self._workers, self._seconds = work, workers, seconds
        self._left = expected
        self._complete = threading.Event()
        self._lock = threading.Lock()
        self._waiting: list[_One] = []
        self._under_way: list[Future[None]] = []

    def add(self, one: _One) -> None:
        """Adds one; from one thread."""
        with self._lock:
            self._waiting.append(one)
            is_first = len(self._waiting) == 1
        self._left -= 1
        if not self._left:
            self._complete.set()
        if is_first:
            self._under_way.append(self._workers.submit(self._hand_over))

    def _hand_over(self) -> None:
        self._complete.wait(self._seconds)
        with self._lock:
            together, self._waiting = self._waiting, []
        self._work(together)

    def finish(self) -> None:
        """Waits until all that was added is done, and raises what `work` raised."""
        for one in self._under_way:
            one.result()

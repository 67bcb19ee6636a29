"""A bounded cache for what a container keeps between its invocations."""

from collections.abc import Callable
from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BoundedCache(dict[_Key, _Value]):
    """A dict of at most `most` entries, which is emptied when one more is added.

    With `size_of`, `most` bounds the sum of the sizes of its values. Lookups cost no more than in a dict; evicted
    entries must be cheap to load again.
    """

    def __init__(self, most: int, size_of: Callable[[_Value], int] = lambda _: 1) -> None:
        super().__init__()
        self.most = most
        self.size = 0
        self._size_of = size_of

    def __setitem__(self, key: _Key, value: _Value) -> None:
        before = self._size_of(self[key]) if key in self else 0
        size = self._size_of(value)
        if self.size - before + size > self.most:
            self.clear()
            before = 0
        self.size += size - before
        super().__setitem__(key, value)

    def clear(self) -> None:
        """Remove every entry."""
        super().clear()
        self.size = 0

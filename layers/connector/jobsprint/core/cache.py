"""A cache for what a container keeps between its invocations, which must not grow for ever."""

from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class BoundedCache(dict[_Key, _Value]):
    """A dict of at most `most` entries: one more, and it begins anew.

    Reading costs no more than in a dict; what is kept is cheap to read again.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most

    def __setitem__(self, key: _Key, value: _Value) -> None:
        if len(self) >= self.most and key not in self:
            self.clear()
        super().__setitem__(key, value)

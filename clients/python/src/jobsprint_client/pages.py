"""Lists, which the service gives a page at a time."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """Some items of a list, in its order. A page may be shorter than `limit`, even empty, and not the last one."""

    items: list[T]
    next_cursor: str | None
    """What the next page begins with; None at the end."""


class Pages(Generic[T]):
    """A list. Iterating gives every item, and asks for a page when it is needed:

    for webhook in client.webhooks.list():
        print(webhook.url)

    Each iteration begins with the first page.
    """

    def __init__(self, read: Callable[[str | None], Page[T]], cursor: str | None = None) -> None:
        self._read = read
        self._cursor = cursor

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """The pages themselves, each with the cursor of the next."""
        page = self._read(self._cursor)
        yield page
        while page.next_cursor:
            page = self._read(page.next_cursor)
            yield page

    def first(self) -> T | None:
        """The first item; None where there is none."""
        return next(iter(self), None)

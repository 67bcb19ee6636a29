"""Lists, which the service gives a page at a time."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
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

    def __init__(self, read: Callable[[str | None], Page[T]]) -> None:
        self._read = read

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Iterator[Page[T]]:
        """The pages themselves, each with the cursor of the next."""
        page = self._read(None)
        yield page
        while page.next_cursor:
            page = self._read(page.next_cursor)
            yield page

    def first(self) -> T | None:
        """The first item; None where there is none."""
        return next(iter(self), None)


class AsyncPages(Generic[T]):
    """A list for asyncio, as `Pages`:

    async for webhook in client.webhooks.list():
        print(webhook.url)
    """

    def __init__(self, read: Callable[[str | None], Awaitable[Page[T]]]) -> None:
        self._read = read

    async def __aiter__(self) -> AsyncIterator[T]:
        async for page in self.pages():
            for item in page.items:
                yield item

    async def pages(self) -> AsyncIterator[Page[T]]:
        """The pages themselves, each with the cursor of the next."""
        page = await self._read(None)
        yield page
        while page.next_cursor:
            page = await self._read(page.next_cursor)
            yield page

    async def first(self) -> T | None:
        """The first item; None where there is none."""
        async for item in self:
            return item
        return None

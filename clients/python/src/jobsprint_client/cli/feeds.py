"""Lists that are followed: what is new in them since the last look, each change once."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from jobsprint_client._call import Call
from jobsprint_client.cli.lists import pages
from jobsprint_client.client import Client

# An entry may appear minutes after its own time: a log when its call has ended, a delivery when the queue gets to it.
_OVERLAP = timedelta(minutes=5)
_PAGE, _MAX_PAGES = 100, 10
_WHOLE_OVERLAP_EVERY = 5
_MAX_OPEN = 500
_MAX_LOOKS = 5
_OPEN = ("pending", "retrying")

Item = dict[str, Any]


@dataclass
class _Seen:
    at: datetime
    state: tuple[Any, ...]
    due: datetime | None
    """When an open delivery may have changed; None where nothing changes any more."""


@dataclass
class Feed:
    """One list. `call` asks for it, newest first; `identity` and `time` name fields of its items.

    `filtered` asks for what its first look shows. Later ones see every item, to notice when it comes to pass a filter.
    """

    client: Client
    call: Call[Any]
    filtered: Call[Any]
    identity: str
    time: str
    owner: dict[str, str]
    """Whose list it is, such as `{"webhookId": "wh_…"}`."""
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _looks: int = 0

    def begin(self, count: int) -> list[Item]:
        """The last items there are, oldest first. What is older is not shown later either."""
        found = self._page(self.call, limit=min(max(count, 20), _PAGE))
        new = self._news(found)
        if self.filtered != self.call and count:
            new = self._page(self.filtered, limit=count)
            self._news(new)
            new.reverse()
        return new[-count:] if count else []

    def look(self) -> list[Item]:
        """What is new or has changed since the last look, oldest first."""
        self._looks += 1
        found: list[Item] = []
        since = {"fromDate": _iso(self._newest() - _OVERLAP)} if self._seen else {}
        for answer in islice(pages(self.client, _asking(self.call, limit=_PAGE, **since)), _MAX_PAGES):
            news = [item for item in answer.get("data", []) if self._is_news(item)]
            found += news
            # Most looks end where nothing is new; some read on, for what appeared late.
            if not news and self._looks % _WHOLE_OVERLAP_EVERY:
                break
        found += self._changed({item[self.identity] for item in found})
        new = self._news(found)
        self._prune()
        return new

    def _changed(self, known: set[str]) -> Iterator[Item]:
        """Open deliveries from before the overlap that are due; each is a list from its time to its time."""
        now, edge = datetime.now(UTC), (self._newest() - _OVERLAP if self._seen else None)
        waiting = [(name, seen) for name, seen in self._seen.items() if seen.due and seen.due <= now]
        older = [(name, seen) for name, seen in waiting if edge and seen.at < edge and name not in known]
        for name, seen in sorted(older, key=lambda each: each[1].due or now)[:_MAX_LOOKS]:
            seen.due = now  # the others are first next time
            for item in self._page(self.call, limit=_PAGE, fromDate=_iso(seen.at), toDate=_iso(seen.at)):
                if item[self.identity] == name and self._is_news(item):
                    yield item

    def _news(self, items: list[Item]) -> list[Item]:
        """Remember items, and give those that are new in this state, oldest first."""
        new = [item for item in items if self._is_news(item)]
        for item in items:
            due = _time(item.get("nextAttemptAt")) or _time(item[self.time])
            is_open = item.get("state") in _OPEN
            self._seen[item[self.identity]] = _Seen(
                _time(item[self.time]) or _EPOCH, _state(item), due if is_open else None
            )
        return sorted(new, key=lambda item: _time(item[self.time]) or _EPOCH)

    def _is_news(self, item: Item) -> bool:
        seen = self._seen.get(item[self.identity])
        return seen is None or seen.state != _state(item)

    def _newest(self) -> datetime:
        return max((seen.at for seen in self._seen.values()), default=_EPOCH)

    def _prune(self) -> None:
        """Forget what no look can find again, and the oldest open deliveries where there are too many."""
        if not self._seen:
            return
        edge = self._newest() - 2 * _OVERLAP
        recent = {name: seen for name, seen in self._seen.items() if seen.at >= edge}
        older = [(name, seen) for name, seen in self._seen.items() if seen.at < edge and seen.due]
        self._seen = dict(sorted(older, key=lambda each: each[1].at)[-_MAX_OPEN:]) | recent

    def _page(self, call: Call[Any], **query: Any) -> list[Item]:
        found: list[Item] = next(pages(self.client, _asking(call, **query))).get("data", [])
        return found


_EPOCH = datetime.fromtimestamp(0, UTC)


def _asking(call: Call[Any], **query: Any) -> Call[Any]:
    return replace(call, query={**call.query, **query})


def _state(item: Item) -> tuple[Any, ...]:
    """What makes an item another one when it changes."""
    return item.get("state"), len(item.get("attempts", ()))


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

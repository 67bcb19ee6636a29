"""A tenant's events in the order of publishing, newest first, and one of them by its id."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import id_range, ids_from, is_id, made_at
from jobsprint.domain.events import Event, EventFilter
from jobsprint.repositories.dynamodb import MAX_READ, Item, Query, batch_get, unmarshal_item
from jobsprint.repositories.events import (
    EXTERNAL,
    PACKED_EVENTS,
    SHARDS,
    Reference,
    entries_of,
    events_of,
    key_of,
)

_DAY_MS = 86_400_000
_READERS = 8
_CHUNK = 100  # keys of one BatchGetItem
_FIELDS = ("pk", "sk", "id", "event", "timestamp", "about", "warnings", "webhooks", "packed")


def not_found(event_id: str) -> NotFound:
    """The error for an event that the tenant does not have, or no longer."""
    return NotFound(f"There is no event {event_id[:100]!r}", code="event_not_found")


class EventLists:
    """The events of one tenant. No method reaches another tenant's items.

    Events are shown for as long as deliveries are kept, which may be shorter than they are stored.
    """

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    def find(self, event_id: str, now: int) -> Event:
        """The event of that id; `now` in ms. Raises NotFound.

        One BatchGetItem with the keys of the items that may hold it, and a second one for an event that its caller gave
        an id.
        """
        if is_id(event_id, "evt") and made_at(event_id) > _earliest(now):
            keys = (key_of(self._tenant, id_) for id_ in ids_from(event_id, PACKED_EVENTS))
            items = batch_get(self._table, keys, consistent=True)
            entries = [entry for item in items for _, entry in entries_of(self._tenant, item) if entry.id == event_id]
            for event in self._whole(entries, ()):
                return event
        raise not_found(event_id)

    def page(
        self, wanted: EventFilter, *, limit: int, position: str | None, now: int
    ) -> tuple[list[Event], str | None]:
        """A page without data, newest first, and the id of the event to go on behind.

        Time is a key; names are filtered within the items that a page may read. Reads all shards, a few items of each,
        then again those that need it; and the items behind references, 100 at a time.
        """
        low, high = id_range("evt", max(wanted.from_ms or 0, _earliest(now) + 1), wanted.to_ms)
        if position:
            # The item that holds it has a key behind it, if there are events after it in the item.
            high = min(high, ids_from(position, PACKED_EVENTS)[-1])
        if low > high:
            return [], None
        newest = _Newest(self._tenant, low, high, size=2 + limit // SHARDS)
        entries = newest.entries(before=position or high)
        found: list[Event] = []
        taken = 0
        while len(found) < limit and taken < MAX_READ:
            room = limit - len(found)
            chunk = list(islice(entries, _CHUNK if wanted.event else room))
            if not chunk:
                break
            taken += len(chunk)
            kept = [event for event in self._whole(chunk, _FIELDS) if wanted.matches(event)]
            found += kept[:room]
            position = chunk[-1].id
            if len(kept) > room:
                return found, found[-1].id
        more = next(entries, None) is not None or not newest.ended
        return found, position if more else None

    def _whole(self, entries: Sequence[Event | Reference], fields: Sequence[str]) -> list[Event]:
        """The events of at most 100 entries, in their order, with those that the references lead to."""
        references = {entry.external_id: entry.id for entry in entries if isinstance(entry, Reference)}
        keys = (key_of(self._tenant, EXTERNAL + external_id) for external_id in references)
        items = batch_get(self._table, keys, consistent=True, fields=fields) if references else []
        named = {event.id: event for item in items for _, event in events_of(self._tenant, item)}
        events = (named.get(entry.id) if isinstance(entry, Reference) else entry for entry in entries)
        return [event for event in events if event]


def _earliest(now: int) -> int:
    return now - settings().log_retention_days * _DAY_MS


@dataclass
class _Shard:
    """The items of a shard, newest first, as far as they are read."""

    query: Query
    items: list[Item] = field(default_factory=list)
    position: str | None = None
    ended: bool = False

    def read(self, limit: int) -> None:
        """Read up to `limit` more items."""
        answer = aws.dynamodb().query(**self.query.request(limit, self.position))
        self.items += [unmarshal_item(attributes) for attributes in answer["Items"]]
        more = answer.get("LastEvaluatedKey")
        self.position = more["sk"]["S"] if more else None
        self.ended = not more


class _Newest:
    """The items of all shards in one order, newest first, read as they are needed and up to `MAX_READ` of them."""

    def __init__(self, tenant: str, low: str, high: str, size: int) -> None:
        def query(shard: int) -> Query:
            pk = f"{tenant}#{shard}"
            return Query(
                table=settings().events_table,
                key=("pk", pk),
                resume=lambda sk: {"pk": pk, "sk": sk},
                low=low,
                high=high,
                fields=_FIELDS,
            )

        self._tenant = tenant
        self._shards = [_Shard(query(shard)) for shard in range(SHARDS)]
        self._size = size
        self._read = 0

    @property
    def ended(self) -> bool:
        """Whether all items are read and taken."""
        return all(shard.ended and not shard.items for shard in self._shards)

    def entries(self, *, before: str) -> Iterator[Event | Reference]:
        """The events and references whose ids are smaller than `before`."""
        while self._fill() and not self.ended:
            newest = max((shard for shard in self._shards if shard.items), key=lambda shard: str(shard.items[0]["sk"]))
            entries = [entry for _, entry in entries_of(self._tenant, newest.items.pop(0))]
            yield from (entry for entry in reversed(entries) if entry.id < before)

    def _fill(self) -> bool:
        """Read more of each shard of which nothing is left; False where no more may be read."""
        empty = [shard for shard in self._shards if not shard.items and not shard.ended]
        limit = min(self._size, (MAX_READ - self._read) // max(1, len(empty)))
        if not empty or not limit:
            return not empty
        aws.dynamodb()  # made here, because making a client in several threads at once is not safe
        with ThreadPoolExecutor(min(_READERS, len(empty))) as readers:
            list(readers.map(lambda shard: shard.read(limit), empty))
        self._read += sum(len(shard.items) for shard in empty)
        self._size *= 2
        return True

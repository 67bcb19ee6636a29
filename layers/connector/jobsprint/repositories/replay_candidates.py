"""What a recovery reads: the failed deliveries of a webhook and a tenant's events, in the order of publishing."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.ids import first_at
from jobsprint.domain.deliveries import DeliveryState
from jobsprint.domain.events import Event
from jobsprint.repositories.dynamodb import Item, batch_get, live, marshal_item, unmarshal_item
from jobsprint.repositories.events import EXTERNAL, LATER, SHARDS, events_of, item_key

FAILED: tuple[DeliveryState, ...] = ("exhausted", "discarded")
_READERS = 8
_BEHIND = "!"
"""Sorts before every character of a key, so nothing stands between a key and the key with this behind it."""

_FIELDS = ("pk", "sk", "id", "event", "timestamp", "about", "createdAt", "expiresAt", "together")


@dataclass(frozen=True)
class KeptEvent:
    """An event as it is kept: its `event_key`, since when (Unix ms) and until when (Unix seconds)."""

    key: str
    event: Event
    created_at: int
    expires_at: int

    @property
    def sort(self) -> str:
        """The event's key in its shard."""
        return self.key.partition("#")[2]


class Recoverable:
    """What may be recovered of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    def failed(self, webhook_id: str, *, after: str, first: str, last: str, limit: int) -> tuple[list[str], str | None]:
        """Ids of failed deliveries from `first` to `last` and behind `after`, in order, and how far they are complete.

        That is None at the end. The index follows within a second or so.
        """
        partitions = [
            _Range(
                table=self._table,
                partition=("listed", f"{self._tenant}#{webhook_id}#{state}"),
                index="byState",
                fields=("sk",),
                consistent=False,
            )
            for state in FAILED
        ]
        items, until = _merged(partitions, first=first, last=last, after=after, limit=limit)
        return [str(item["sk"]) for item in items], until

    def published(
        self, *, after: str, first: str, last: str, limit: int, with_data: bool, now: int
    ) -> tuple[list[KeptEvent], str | None]:
        """Events that Jobsprint named, from the id `first` to `last` and behind `after`; answers as `failed` does.

        Those are left to `kept_later` that were kept some time after they were published.
        """
        items, until = self._in_order(first=first, last=last, after=after, limit=limit, with_data=with_data)
        # `after` may be the middle of what is kept together.
        return self._first_of(items, until, limit * SHARDS, lambda one: one.event.id > after, now)

    def kept_later(
        self, *, since: int, after: str, limit: int, with_data: bool, now: int
    ) -> tuple[list[KeptEvent], str | None]:
        """Events that were kept at `since` (Unix ms) or later, some time after they were published.

        Answers as `failed` does, with the key of an event in its shard in place of an id.
        """
        first, behind, done = _resumed(after, LATER + first_at(since))
        items, until = self._in_order(first=first, last=LATER + "~", after=behind, limit=limit, with_data=with_data)
        return self._first_of(items, until, limit * SHARDS, lambda one: one.sort not in done, now)

    def named(
        self, shard: int, *, after: str, limit: int, with_data: bool, now: int
    ) -> tuple[list[KeptEvent], str | None]:
        """Events of one shard that are in no order of time: their callers named them, or their ids are derived.

        Answers as `failed` does, with the key of an event in its shard in place of an id.
        """
        first, behind, done = _resumed(after, EXTERNAL)
        items, until = self._events(shard, with_data).read(first, EXTERNAL + "~", after=behind, limit=limit)
        return [one for one in self._kept(items, now) if one.sort not in done], until

    def kept(self, keys: Iterable[str], now: int) -> dict[str, KeptEvent]:
        """The events behind at most 100 event keys that are kept still, by key."""
        wanted = set(keys)
        items = {tuple(key.items()): key for key in (item_key(self._tenant, key) for key in wanted)}
        found = batch_get(self._table, items.values(), consistent=True)
        return {kept.key: kept for kept in self._kept(found, now) if kept.key in wanted}

    def known(self, webhook_id: str, delivery_ids: Iterable[str]) -> set[str]:
        """Which of at most 100 deliveries exist."""
        pk = f"{self._tenant}#{webhook_id}"
        found = batch_get(self._table, ({"pk": pk, "sk": id_} for id_ in delivery_ids), consistent=True)
        return {str(item["sk"]) for item in found}

    def _in_order(
        self, *, first: str, last: str, after: str, limit: int, with_data: bool
    ) -> tuple[list[Item], str | None]:
        """Items of all shards, in order."""
        partitions = [self._events(shard, with_data) for shard in range(SHARDS)]
        return _merged(partitions, first=first, last=last, after=after, limit=limit)

    def _first_of(
        self, items: Sequence[Item], until: str | None, enough: int, wanted: Callable[[KeptEvent], bool], now: int
    ) -> tuple[list[KeptEvent], str | None]:
        """The wanted events in whole items until there are enough, and how far that is complete."""
        found: list[KeptEvent] = []
        for item in items:
            found += filter(wanted, self._kept([item], now))
            if len(found) >= enough:
                return found, None if item is items[-1] and until is None else str(item["sk"])
        return found, until

    def _events(self, shard: int, with_data: bool) -> "_Range":
        return _Range(
            table=self._table,
            partition=("pk", f"{self._tenant}#{shard}"),
            fields=(*_FIELDS, "data") if with_data else _FIELDS,
        )

    def _kept(self, items: Iterable[Item], now: int) -> list[KeptEvent]:
        return [
            KeptEvent(key=key, event=event, created_at=item["createdAt"], expires_at=item["expiresAt"])
            for item in items
            if live(item, now)
            for key, event in events_of(self._tenant, item)
        ]


@dataclass(frozen=True)
class _Range:
    """The items of one partition, oldest first."""

    table: str
    partition: tuple[str, str]
    fields: tuple[str, ...]
    index: str | None = None
    consistent: bool = True

    def read(self, first: str, last: str, *, after: str, limit: int) -> tuple[list[Item], str | None]:
        """Up to `limit` items, and the sort key of the last one read, or None at the end."""
        low = max(first, after + _BEHIND) if after else first
        if low > last:
            return [], None
        names = {"#pk": self.partition[0], "#sk": "sk", **{f"#f{n}": name for n, name in enumerate(self.fields)}}
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :low AND :high",
            "ProjectionExpression": ", ".join(f"#f{n}" for n in range(len(self.fields))),
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": marshal_item({":pk": self.partition[1], ":low": low, ":high": last}),
            "ConsistentRead": self.consistent,
            "Limit": limit,
        }
        if self.index:
            request["IndexName"] = self.index
        answer = aws.dynamodb().query(**request)
        items = [unmarshal_item(attributes) for attributes in answer["Items"]]
        more: Any = answer.get("LastEvaluatedKey")
        return items, more["sk"]["S"] if more else None


def _resumed(after: str, beginning: str) -> tuple[str, str, set[str]]:
    """From which sort key on and behind which to read, and what is done of it, to go on behind the key of an event.

    In the middle of what is kept together that item is read again.
    """
    prefix = EXTERNAL if after.startswith(EXTERNAL) else ""
    item, _, number = after.removeprefix(prefix).partition("#")
    if not number:
        return beginning, after, set()
    return prefix + item, "", {f"{prefix}{item}#{n}" for n in range(int(number) + 1)}


def _merged(
    partitions: Sequence[_Range], *, first: str, last: str, after: str, limit: int
) -> tuple[list[Item], str | None]:
    """The items of several partitions in one order, as far as all of them were read: up to `limit` of each."""
    aws.dynamodb()  # made here, because making a client in several threads at once is not safe
    read = partial(_Range.read, first=first, last=last, after=after, limit=limit)
    with ThreadPoolExecutor(min(_READERS, len(partitions))) as readers:
        pages = list(readers.map(read, partitions))
    until = min((position for _, position in pages if position is not None), default=None)
    items = [item for page, _ in pages for item in page if until is None or item["sk"] <= until]
    return sorted(items, key=lambda item: str(item["sk"])), until

"""What a replay reads: the failed deliveries of a webhook and a tenant's events, in the order of publishing."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.deliveries import DeliveryState
from jobsprint.domain.events import Event
from jobsprint.repositories.dynamodb import Item, batch_get, live, marshal_item, unmarshal_item
from jobsprint.repositories.events import EXTERNAL, SHARDS, events_of, item_key

FAILED: tuple[DeliveryState, ...] = ("exhausted", "discarded")
_READERS = 8
_BEHIND = "!"
"""Sorts before every character of a key, so no key is between a key and the key with this behind it."""

_FIELDS = ("pk", "sk", "id", "event", "timestamp", "about", "createdAt", "expiresAt", "packed")


@dataclass(frozen=True)
class StoredEvent:
    """A stored event: its `event_key`, since when (Unix ms) and until when (Unix seconds) it is stored."""

    key: str
    event: Event
    created_at: int
    expires_at: int

    @property
    def sort(self) -> str:
        """The event's key in its shard."""
        return self.key.partition("#")[2]


class ReplayCandidates:
    """The failed deliveries and the events of one tenant. No method reaches another tenant's items."""

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
    ) -> tuple[list[StoredEvent], str | None]:
        """Events whose ids the service made, from the id `first` to `last` and behind `after`.

        Answers as `failed` does.
        """
        partitions = [self._events(shard, with_data) for shard in range(SHARDS)]
        items, until = _merged(partitions, first=first, last=last, after=after, limit=limit)
        found: list[StoredEvent] = []
        for item in items:
            # `after` may be in the middle of a packed item.
            found += [one for one in self._stored([item], now) if one.event.id > after]
            if len(found) >= limit * SHARDS:
                return found, None if item is items[-1] and until is None else str(item["sk"])
        return found, until

    def named(
        self, shard: int, *, after: str, limit: int, with_data: bool, now: int
    ) -> tuple[list[StoredEvent], str | None]:
        """Events of one shard whose ids their callers gave, in no order of time.

        Answers as `failed` does, with the key of an event in its shard in place of an id.
        """
        items, until = self._events(shard, with_data).read(EXTERNAL, EXTERNAL + "~", after=after, limit=limit)
        return self._stored(items, now), until

    def stored(self, keys: Iterable[str], now: int) -> dict[str, StoredEvent]:
        """The events behind at most 100 event keys that are still stored, by key."""
        wanted = set(keys)
        items = {tuple(key.items()): key for key in (item_key(self._tenant, key) for key in wanted)}
        found = batch_get(self._table, items.values(), consistent=True)
        return {one.key: one for one in self._stored(found, now) if one.key in wanted}

    def known(self, webhook_id: str, delivery_ids: Iterable[str]) -> set[str]:
        """Which of at most 100 deliveries exist."""
        pk = f"{self._tenant}#{webhook_id}"
        found = batch_get(self._table, ({"pk": pk, "sk": id_} for id_ in delivery_ids), consistent=True)
        return {str(item["sk"]) for item in found}

    def _events(self, shard: int, with_data: bool) -> "_Range":
        return _Range(
            table=self._table,
            partition=("pk", f"{self._tenant}#{shard}"),
            fields=(*_FIELDS, "data") if with_data else _FIELDS,
        )

    def _stored(self, items: Iterable[Item], now: int) -> list[StoredEvent]:
        return [
            StoredEvent(key=key, event=event, created_at=item["createdAt"], expires_at=item["expiresAt"])
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

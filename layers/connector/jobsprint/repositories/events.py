"""Published events, each written once: alone, or with others of the same batch in one item.

    pk <tenant>#<shard>   sk <event id>            an event
    pk <tenant>#<shard>   sk <last event id>       the events of a batch, packed
    pk <tenant>#<shard>   sk ext#<external id>     an event that its caller gave an id

An event that its caller gave an id is in a packed item too, as a reference that gives it its place in the order of
publishing. References are written first. One that leads to no event, or to one that was published earlier, means
nothing: its request ended early, or repeated that event.

The conditional write of the key makes publishing idempotent: by the caller's id, or by an event id that is derived from
where the event comes from. The shard is a hash of the sort key, so a busy tenant is not bound to the 1,000 writes per
second of one partition; within a shard the ids of the service are a time range. Ids of a packed batch follow each
other, so no other event stands between them, and the item has the key of the last: reading on behind any of them finds
the item.

Data is stored compressed, because writes and stored bytes are most of what an event costs.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from pydantic import TypeAdapter

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, Detail
from jobsprint.domain import integrations
from jobsprint.domain.events import Event
from jobsprint.repositories.dynamodb import Item, Lost, Value, live, marshal_item, try_write, unmarshal_item, written

SHARDS = 16
EXTERNAL = "ext#"

PACKED_EVENTS = 25
"""Events in one item at most, so the key of an event's item is its id or one of the 24 that follow."""

MAX_PACKED = 64 * 1024
"""Characters of data in one item, if it holds several events: reading one of them reads all."""

_MIN_COMPRESSED = 200  # characters; compression does not shorten less
_HOUR_SECONDS = 3600
_DAY_SECONDS = 86400
_WARNINGS = TypeAdapter(tuple[Detail, ...])


@dataclass(frozen=True)
class Reference:
    """The place of an event that its caller gave an id."""

    id: str
    external_id: str


def event_key(event: Event) -> str:
    """The key of an event within its tenant: `<shard>#<sort key>`, and `#<index>` in an item that holds several.

    It stays valid when `SHARDS` changes.
    """
    sort = event.packed_key or (f"{EXTERNAL}{event.external_id}" if event.external_id else event.id)
    return f"{_shard(_sort_key(sort))}#{sort}"


def item_key(tenant: str, key: str) -> dict[str, str]:
    """The key of the item behind an `event_key`."""
    shard, _, sort = key.partition("#")
    return {"pk": f"{tenant}#{shard}", "sk": _sort_key(sort)}


def key_of(tenant: str, sort_key: str) -> dict[str, str]:
    """The key of the item that has this sort key."""
    return {"pk": f"{tenant}#{_shard(sort_key)}", "sk": sort_key}


def _sort_key(sort: str) -> str:
    """The sort key of the item, without the index of an event in it."""
    prefix = EXTERNAL if sort.startswith(EXTERNAL) else ""
    return prefix + sort.removeprefix(prefix).partition("#")[0]


def _shard(sort_key: str) -> int:
    return hashlib.sha256(sort_key.encode()).digest()[0] % SHARDS


class EventStore:
    """The events of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    def put_event(self, event: Event, fingerprint: str, now: int) -> Event:
        """Store an event and return it; if its id is known already, return the event that was stored first.

        `fingerprint` (hexadecimal) identifies what the caller sent; `now` is in ms. Raises Conflict `event_id_reused`
        when the caller's id belongs to another event. An item whose time to live has passed is overwritten.
        """
        item: dict[str, Value | None] = {
            **item_key(self._tenant, event_key(event)),
            "id": event.id if event.external_id else None,
            "event": event.name,
            "timestamp": event.timestamp,
            "data": _compressed(event.data),
            "fingerprint": bytes.fromhex(fingerprint) if event.external_id else None,
            "about": event.about,
            "warnings": _warnings_text(event),
            "webhooks": list(event.webhooks) or None,
            "createdAt": now,
            "expiresAt": _expiry(now),
        }
        done = try_write(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=marshal_item(item),
                ConditionExpression="attribute_not_exists(pk) OR expiresAt <= :seconds",
                ExpressionAttributeValues=marshal_item({":seconds": now // 1000}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )
        return self._stored_first(event, done.item, fingerprint) if isinstance(done, Lost) else event

    def put_events(self, events: Sequence[Event], now: int) -> list[Event]:
        """Store events whose ids follow each other (`core.ids.new_ids`), packed into few items.

        Returns them, each with its `packed_key`. Of those that their callers gave an id, references are stored;
        `put_event` stores them then.
        """
        stored: list[Event] = []
        for group in _groups(events):
            packed = _with_keys(group)
            item: dict[str, Value | None] = {
                **key_of(self._tenant, group[-1].id),
                "packed": _pack(packed),
                "createdAt": now,
                "expiresAt": _expiry(now),
            }
            aws.dynamodb().put_item(TableName=self._table, Item=marshal_item(item))
            stored += packed
        return stored

    def _stored_first(self, event: Event, item: Item, fingerprint: str) -> Event:
        # Without an id of the caller's, the event id can only belong to this very event.
        if event.external_id and item.get("fingerprint") != bytes.fromhex(fingerprint):
            raise Conflict(f"The id {event.external_id} stands for another event already", code="event_id_reused")
        [(_, first)] = events_of(self._tenant, item)
        return first

    def data_of(self, key: str, now: int) -> str | None:
        """The canonical data of the event behind an `event_key`, or None once its time to live has passed."""
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=marshal_item({**item_key(self._tenant, key)}), ConsistentRead=True
        )
        item = unmarshal_item(answer.get("Item", {}))
        return dict(events_of(self._tenant, item))[key].data if item and live(item, now) else None

    def extend(self, key: str, until: int) -> None:
        """Keep the event behind an `event_key`, if it exists, until then (Unix seconds) at least.

        Events packed with it stay as long.
        """
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item({**item_key(self._tenant, key)}),
                UpdateExpression="SET expiresAt = :until",
                ConditionExpression="expiresAt < :until",
                ExpressionAttributeValues=marshal_item({":until": until}),
            )
        )


def kept_seconds(retention_days: int, schedule: Sequence[int]) -> int:
    """How long an event is kept where the service retries by `schedule` (seconds).

    However short the retention is, the last retry of the longest schedule that a webhook may have still finds the data.
    """
    return max(retention_days * _DAY_SECONDS, round_seconds([max(sum(schedule), integrations.MAX_SCHEDULE_SECONDS)]))


def round_seconds(schedule: Sequence[int]) -> int:
    """How long all attempts of one schedule (seconds) may take, and a day more.

    Jitter lengthens each wait by a tenth at most, and a Retry-After makes it an hour at least.
    """
    return (sum(schedule) + integrations.MAX_TRIES * _HOUR_SECONDS) * 11 // 10 + _DAY_SECONDS


def events_of(tenant: str, item: Item) -> list[tuple[str, Event]]:
    """The events in an item with the `event_key` of each; one that was read without its data has none."""
    return [(key, entry) for key, entry in entries_of(tenant, item) if isinstance(entry, Event)]


def entries_of(tenant: str, item: Item) -> list[tuple[str, Event | Reference]]:
    """The events and references in an item, oldest first, with the `event_key` of each event."""
    key = f"{item['pk'].rpartition('#')[2]}#{item['sk']}"
    if "packed" in item:
        return [(f"{key}#{index}", entry) for index, entry in enumerate(_unpack(tenant, item))]
    event = Event(
        tenant=tenant,
        id=item["id"] if "id" in item else item["sk"],
        name=item["event"],
        timestamp=item["timestamp"],
        data=_decompressed(item.get("data", "")),
        external_id=item["sk"].removeprefix(EXTERNAL) if item["sk"].startswith(EXTERNAL) else None,
        about=item.get("about"),
        warnings=_WARNINGS.validate_json(item.get("warnings", "[]")),
        webhooks=tuple(item.get("webhooks", [])),
    )
    return [(key, event)]


def _groups(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """The events in their order, as many in a group as one item may hold."""
    start = size = 0
    for index, event in enumerate(events):
        data = 0 if event.external_id else len(event.data)
        size += data
        if (size > MAX_PACKED and index > start) or index - start == PACKED_EVENTS:
            yield events[start:index]
            start, size = index, data
    yield events[start:]


def _with_keys(group: Sequence[Event]) -> list[Event]:
    return [
        event if event.external_id else replace(event, packed_key=f"{group[-1].id}#{index}")
        for index, event in enumerate(group)
    ]


def _pack(events: Sequence[Event]) -> bytes:
    parts = [
        [event.id, event.external_id]
        if event.external_id
        else [event.id, event.name, event.timestamp, event.data, _warnings_text(event), event.webhooks]
        for event in events
    ]
    return zlib.compress(json.dumps(parts).encode())


def _unpack(tenant: str, item: Item) -> Iterator[Event | Reference]:
    for index, (id_, *parts) in enumerate(json.loads(zlib.decompress(item["packed"]))):
        if len(parts) == 1:
            yield Reference(id_, parts[0])
            continue
        name, timestamp, data, warnings, webhooks = parts
        yield Event(
            tenant=tenant,
            id=id_,
            name=name,
            timestamp=timestamp,
            data=data,
            warnings=_WARNINGS.validate_json(warnings or "[]"),
            webhooks=tuple(webhooks),
            packed_key=f"{item['sk']}#{index}",
        )


def _compressed(data: str) -> str | bytes:
    compressed = zlib.compress(data.encode()) if len(data) >= _MIN_COMPRESSED else b""
    return compressed if compressed and len(compressed) < len(data) else data


def _decompressed(data: str | bytes) -> str:
    return data if isinstance(data, str) else zlib.decompress(data).decode()


def _warnings_text(event: Event) -> str | None:
    return _WARNINGS.dump_json(event.warnings).decode() if event.warnings else None


def _expiry(now: int) -> int:
    return now // 1000 + kept_seconds(settings().log_retention_days, settings().retry_schedule)

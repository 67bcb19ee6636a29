"""Published events, written once.

    pk <tenant>#<shard>   sk <event id>            an event that Jobsprint named
    pk <tenant>#<shard>   sk <last event id>       several events that Jobsprint named, published together
    pk <tenant>#<shard>   sk ext#<external id>     an event that its caller named
    pk <tenant>#<shard>   sk ext#of/<hash>         several events whose ids are derived, by a hash of these
    pk <tenant>#<shard>   sk kept_<ULID>           several events that were published one by one, as they were kept

The conditional write of the key is the idempotency of a publish by the caller's id. The shard is a hash of the sort
key, so a busy tenant is not bound to the 1,000 writes per second of one partition; within a shard Jobsprint's own ids
are a time range. Ids of events that are kept together follow each other, so nothing else stands between them, and the
item has the key of the last: whoever goes on behind any of them finds it. Derived ids do not follow each other, so
what has them stands among the events that are in no order. What is kept later than it was published, with whatever
came along (`EventStore.keep_later`), stands in the order of keeping.

Data is kept compressed, because a write and a stored byte are most of what an event costs.
"""

import hashlib
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, Detail
from jobsprint.core.ids import new_id
from jobsprint.domain import integrations
from jobsprint.domain.events import Event
from jobsprint.repositories.dynamodb import Item, Lost, Value, live, marshal_item, try_write, unmarshal_item, written

SHARDS = 16
EXTERNAL = "ext#"
LATER = "kept_"
_DERIVED = f"{EXTERNAL}of/"  # no caller can name an event so

MOST_TOGETHER = 64 * 1024
"""Characters of data in one item, if it holds several events: reading one of them reads all."""

_WORTHWHILE = 200  # characters; what is shorter gains nothing
_HOUR_SECONDS = 3600
_DAY_SECONDS = 86400


def event_key(event: Event) -> str:
    """What finds an event within its tenant: `<shard>#<sort key>`, and `#<number>` in an item that holds several.

    It stays valid when `SHARDS` changes.
    """
    sort = event.place or (f"{EXTERNAL}{event.external_id}" if event.external_id else event.id)
    return f"{_shard(_sort_key(sort))}#{sort}"


def item_key(tenant: str, key: str) -> dict[str, str]:
    """The key of the item behind an `event_key`."""
    shard, _, sort = key.partition("#")
    return {"pk": f"{tenant}#{shard}", "sk": _sort_key(sort)}


def _sort_key(sort: str) -> str:
    """The sort key of the item in what may also have the number of one of its events behind it."""
    prefix = EXTERNAL if sort.startswith(EXTERNAL) else ""
    return prefix + sort.removeprefix(prefix).partition("#")[0]


def _shard(sort_key: str) -> int:
    return hashlib.sha256(sort_key.encode()).digest()[0] % SHARDS


class EventStore:
    """The events of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    def keep(self, event: Event, fingerprint: str, now: int) -> Event:
        """Keeps an event and returns it; of an event that was kept before, the first one.

        `fingerprint` (hexadecimal) tells what the caller sent; `now` is in ms. Raises Conflict `event_id_reused` when
        the caller's id stands for another event already. A row whose time to live has passed is free again.
        """
        row: dict[str, Any] = {
            **self._key(event_key(event)),
            **marshal_item(
                {
                    "id": event.id if event.external_id else None,
                    "event": event.name,
                    "timestamp": event.timestamp,
                    "data": _packed(event.data),
                    "fingerprint": bytes.fromhex(fingerprint) if event.external_id else None,
                    "about": event.about,
                    "warnings": _warnings_text(event),
                    "createdAt": now,
                    "expiresAt": _expiry(now),
                }
            ),
        }
        done = try_write(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=row,
                ConditionExpression="attribute_not_exists(pk) OR expiresAt <= :seconds",
                ExpressionAttributeValues=marshal_item({":seconds": now // 1000}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )
        return self._first(event, done.item, fingerprint) if isinstance(done, Lost) else event

    def keep_together(self, events: Sequence[Event], now: int) -> list[Event]:
        """Keeps events that Jobsprint named, with ids that follow each other (`core.ids.new_ids`), in few items.

        Returns them, each with its place.
        """
        return [event for group in _groups(events) for event in self._put(_placed(group, group[-1].id), now)]

    def keep_derived(self, events: Sequence[Event], now: int) -> list[Event]:
        """Keeps events whose ids are derived from what they are elsewhere, in few items; answers as `keep_together`.

        The same events kept again are the same item, and only they: a message that is under way finds its event in the
        item that it names. With others beside it an event stands in two items, and both are it.
        """
        return [event for group in _groups(events) for event in self._put(_placed(group, _derived_key(group)), now)]

    def keep_later(self, events: Sequence[Event], now: int) -> list[Event]:
        """Keeps events that Jobsprint named, some time after they were published, in few items; answers likewise.

        Kept again, an event stands in two items, and both are it.
        """
        return [event for group in _groups(events) for event in self._put(_placed(group, _later_key(now)), now)]

    def _put(self, placed: list[Event], now: int) -> list[Event]:
        row: dict[str, Value | None] = {"together": _together(placed), "createdAt": now, "expiresAt": _expiry(now)}
        key = self._key(event_key(placed[0]))
        aws.dynamodb().put_item(TableName=self._table, Item={**key, **marshal_item(row)})
        return placed

    def _first(self, event: Event, item: Item, fingerprint: str) -> Event:
        # Rows of before 2026-11-23 have it as text.
        same = item.get("fingerprint") in (bytes.fromhex(fingerprint), fingerprint)
        # An id of our own can only stand for this very event: the answer to its first write was lost.
        if event.external_id and not same:
            raise Conflict(f"The id {event.external_id} stands for another event already", code="event_id_reused")
        [(_, first)] = events_of(self._tenant, item)
        return first

    def data_of(self, key: str, now: int) -> str | None:
        """The canonical data of the event behind an `event_key`, or None once its time to live has passed."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(key), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return dict(events_of(self._tenant, item))[key].data if item and live(item, now) else None

    def hold(self, key: str, until: int) -> None:
        """Keeps the event behind an `event_key` until then (Unix seconds) at least, where it is kept still.

        What is kept together with it stays as long.
        """
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(key),
                UpdateExpression="SET expiresAt = :until",
                ConditionExpression="expiresAt < :until",
                ExpressionAttributeValues=marshal_item({":until": until}),
            )
        )

    def _key(self, key: str) -> dict[str, Any]:
        return marshal_item(dict(item_key(self._tenant, key)))


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
    key = f"{item['pk'].rpartition('#')[2]}#{item['sk']}"
    if "together" in item:
        return [(f"{key}#{number}", event) for number, event in enumerate(_apart(tenant, item))]
    event = Event(
        tenant=tenant,
        id=item["id"] if "id" in item else item["sk"],
        name=item["event"],
        timestamp=item["timestamp"],
        data=_unpacked(item.get("data", "")),
        external_id=item["sk"].removeprefix(EXTERNAL) if item["sk"].startswith(EXTERNAL) else None,
        about=item.get("about"),
        warnings=_warnings(item.get("warnings")),
    )
    return [(key, event)]


def _groups(events: Sequence[Event]) -> Iterator[Sequence[Event]]:
    """The events in their order, as many together as one item may hold."""
    start = size = 0
    for place, event in enumerate(events):
        size += len(event.data)
        if size > MOST_TOGETHER and place > start:
            yield events[start:place]
            start, size = place, len(event.data)
    yield events[start:]


def _derived_key(group: Sequence[Event]) -> str:
    return _DERIVED + hashlib.sha256("".join(event.id for event in group).encode()).hexdigest()[:32]


def _later_key(now: int) -> str:
    return new_id(LATER.removesuffix("_"), now)


def _placed(group: Sequence[Event], sort_key: str) -> list[Event]:
    return [replace(event, place=f"{sort_key}#{number}") for number, event in enumerate(group)]


def _together(events: Sequence[Event]) -> bytes:
    parts = [[event.id, event.name, event.timestamp, event.data, _warnings_text(event)] for event in events]
    return zlib.compress(json.dumps(parts).encode())


def _apart(tenant: str, item: Item) -> Iterator[Event]:
    for number, (id_, name, timestamp, data, warnings) in enumerate(json.loads(zlib.decompress(item["together"]))):
        yield Event(
            tenant=tenant,
            id=id_,
            name=name,
            timestamp=timestamp,
            data=data,
            warnings=_warnings(warnings),
            place=f"{item['sk']}#{number}",
        )


def _packed(data: str) -> str | bytes:
    packed = zlib.compress(data.encode()) if len(data) >= _WORTHWHILE else b""
    return packed if packed and len(packed) < len(data) else data


def _unpacked(data: str | bytes) -> str:
    return data if isinstance(data, str) else zlib.decompress(data).decode()


def _warnings_text(event: Event) -> str | None:
    return msgspec.json.encode(event.warnings).decode() if event.warnings else None


def _warnings(text: str | None) -> tuple[Detail, ...]:
    return msgspec.json.decode(text or "[]", type=tuple[Detail, ...])


def _expiry(now: int) -> int:
    return now // 1000 + kept_seconds(settings().log_retention_days, settings().retry_schedule)

"""Published events: one item each, written once.

    pk <tenant>#<shard>   sk <event id>            an event that Jobsprint named
    pk <tenant>#<shard>   sk ext#<external id>     an event that its caller named

The conditional write of the key is the idempotency of a publish. The shard is a hash of the sort key, so a busy tenant
is not bound to the 1,000 writes per second of one partition; within a shard Jobsprint's own ids are a time range.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from botocore.exceptions import ClientError

from jobsprint import aws
from jobsprint.config import settings
from jobsprint.domain import rules
from jobsprint.domain.errors import Conflict, Detail
from jobsprint.domain.models import Event
from jobsprint.store.table import Item, condition_failed, live, marshal_item, unmarshal_item

SHARDS = 16
EXTERNAL = "ext#"
_HOUR_SECONDS = 3600
_DAY_SECONDS = 86400


def event_key(event: Event) -> str:
    """What finds an event's row within its tenant: `<shard>#<sort key>`. It stays valid when `SHARDS` changes."""
    sort = f"{EXTERNAL}{event.external_id}" if event.external_id else event.id
    return f"{hashlib.sha256(sort.encode()).digest()[0] % SHARDS}#{sort}"


class EventStore:
    """The events of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    def keep(self, event: Event, fingerprint: str, now: int) -> Event:
        """Keeps an event and returns it; of an event that was kept before, the first one.

        `fingerprint` tells what the caller sent; `now` is in ms. Raises Conflict `event_id_reused` when the caller's id
        stands for another event already. A row whose time to live has passed is free again.
        """
        kept = kept_seconds(settings().log_retention_days, settings().retry_schedule)
        row: dict[str, Any] = {
            **self._key(event_key(event)),
            **marshal_item(
                {
                    "id": event.id,
                    "event": event.name,
                    "timestamp": event.timestamp,
                    "data": event.data,
                    "fingerprint": fingerprint,
                    "externalId": event.external_id,
                    "about": event.about,
                    "warnings": _warnings_text(event),
                    "createdAt": now,
                    "expiresAt": now // 1000 + kept,
                }
            ),
        }
        try:
            aws.dynamodb().put_item(
                TableName=self._table,
                Item=row,
                ConditionExpression="attribute_not_exists(pk) OR expiresAt <= :seconds",
                ExpressionAttributeValues=marshal_item({":seconds": now // 1000}),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            if not condition_failed(error):
                raise
            stands: Any = error.response.get("Item", {})
            return self._first(event, unmarshal_item(stands), fingerprint)
        return event

    def _first(self, event: Event, item: Item, fingerprint: str) -> Event:
        if item.get("fingerprint") != fingerprint:
            raise Conflict(f"The id {event.external_id} stands for another event already", code="event_id_reused")
        return event_of(self._tenant, item)

    def data_of(self, key: str, now: int) -> str | None:
        """The canonical data of the event behind an `event_key`, or None once its time to live has passed."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(key), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return str(item["data"]) if item and live(item, now) else None

    def hold(self, key: str, until: int) -> None:
        """Keeps the event behind an `event_key` until then (Unix seconds) at least, where it is kept still."""
        try:
            aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(key),
                UpdateExpression="SET expiresAt = :until",
                ConditionExpression="expiresAt < :until",
                ExpressionAttributeValues=marshal_item({":until": until}),
            )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def _key(self, key: str) -> dict[str, Any]:
        shard, _, sort = key.partition("#")
        return marshal_item({"pk": f"{self._tenant}#{shard}", "sk": sort})


def kept_seconds(retention_days: int, schedule: Sequence[int]) -> int:
    """How long an event is kept where the service retries by `schedule` (seconds).

    However short the retention is, the last retry of the longest schedule that a webhook may have still finds the data:
    jitter lengthens each wait by a tenth at most, and a Retry-After makes it an hour at least.
    """
    waits = max(sum(schedule), rules.MAX_SCHEDULE_SECONDS) + rules.MAX_TRIES * _HOUR_SECONDS
    return max(retention_days * _DAY_SECONDS, waits * 11 // 10 + _DAY_SECONDS)


def event_of(tenant: str, item: Item) -> Event:
    """The event in an item; one that was read without its data has none."""
    return Event(
        tenant=tenant,
        id=item["id"],
        name=item["event"],
        timestamp=item["timestamp"],
        data=item.get("data", ""),
        external_id=item.get("externalId"),
        about=item.get("about"),
        warnings=tuple(Detail(**warning) for warning in json.loads(item.get("warnings", "[]"))),
    )


def _warnings_text(event: Event) -> str | None:
    return json.dumps([asdict(warning) for warning in event.warnings]) if event.warnings else None

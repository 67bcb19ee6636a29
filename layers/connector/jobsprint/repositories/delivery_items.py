"""Deliveries as items: the attributes of a row, and the row in them.

    pk <tenant>#<webhook id>   sk <delivery id>

Attempts are JSON texts in a list, so a delivery that succeeds at once stays below 1 KB, which is one write unit.
"""

import hashlib

from pydantic import TypeAdapter

from jobsprint.core.config import settings
from jobsprint.domain.deliveries import Attempt, Delivery, DeliveryRow, DeliveryTask
from jobsprint.repositories.dynamodb import Item, Value

DUE_SHARDS = 16
"""At least the peak of retries per second over 1,000: a throttled index throttles its table."""

_DAY_SECONDS = 86400
_ATTEMPT = TypeAdapter(Attempt)


def key_of(tenant: str, webhook_id: str, delivery_id: str) -> dict[str, str]:
    """The key of a delivery's item."""
    return {"pk": f"{tenant}#{webhook_id}", "sk": delivery_id}


def listed_as(tenant: str, webhook_id: str, state: str) -> str:
    """The partition of the index `byState` for a webhook's deliveries in that state."""
    return f"{tenant}#{webhook_id}#{state}"


def due_shard(delivery_id: str) -> str:
    """The shard of the index `byDue` that a delivery belongs to."""
    return str(hashlib.sha256(delivery_id.encode()).digest()[0] % DUE_SHARDS)


def poll_partition(tenant: str, webhook_id: str, *, new: bool) -> str:
    """The partition of the index `byDue` for deliveries that wait at a polling endpoint (`repositories.poll_queue`)."""
    return f"{tenant}#{webhook_id}#{'new' if new else 'again'}"


def poll_entries(tenant: str, webhook_id: str, next_at: int | None, now: int) -> dict[str, Value | None]:
    """The index entry of a delivery to a polling endpoint that may be handed out from `next_at` on; None removes it.

    What waits ends with its retention. Its item is kept as long again, so that one sees that it ended.
    """
    if next_at is None:
        return {"dueShard": None, "dueAt": None, "endsAt": None}
    ends_at = now + settings().log_retention_days * _DAY_SECONDS * 1000
    partition = poll_partition(tenant, webhook_id, new=False)
    return {"dueShard": partition, "dueAt": next_at, "endsAt": ends_at, "expiresAt": expiry(ends_at)}


def expiry(ms: int) -> int:
    """When the item of a delivery expires (Unix seconds) that was changed, or is due, at `ms`."""
    return ms // 1000 + settings().log_retention_days * _DAY_SECONDS


def attributes_of(task: DeliveryTask, now: int) -> dict[str, Value | None]:
    """What every write of a task stores of its event."""
    return {
        "event": task.event,
        "eventId": task.event_id,
        "eventKey": task.event_key,
        "timestamp": task.timestamp,
        "expiresAt": expiry(now),
    }


def attempt_text(attempt: Attempt) -> str:
    """An attempt as it is stored, without what has its default."""
    return _ATTEMPT.dump_json(attempt, exclude_defaults=True).decode()


def attempts_of(item: Item) -> tuple[Attempt, ...]:
    """The attempts in an item."""
    return tuple(_ATTEMPT.validate_json(text) for text in item.get("attempts", []))


def row_of(item: Item) -> DeliveryRow:
    """The delivery in an item."""
    tenant, _, webhook_id = item["pk"].partition("#")
    return DeliveryRow(
        delivery=Delivery(
            tenant=tenant,
            webhook_id=webhook_id,
            id=item["sk"],
            event_id=item["eventId"],
            event=item["event"],
            state=item["state"],
            attempts=attempts_of(item),
            next_attempt_at=item.get("nextAttemptAt"),
        ),
        attempt=item["attempt"],
        event_key=item["eventKey"],
        timestamp=item["timestamp"],
        base=item.get("base", 0),
        lease_token=item.get("leaseToken"),
        claimed_at=item.get("claimedAt", 0),
        lease_until=item.get("leaseUntil", 0),
        replay_id=item.get("replayId"),
        ends_at=item.get("endsAt"),
    )

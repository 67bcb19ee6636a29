"""The deliveries that wait at a polling endpoint, in two partitions of the index `byDue` of the endpoint's own:

    dueShard <tenant>#<webhook id>#new     dueAt: when its event was published   never handed out
    dueShard <tenant>#<webhook id>#again   dueAt: when it may be handed out      leased, failed, deferred or resent

So a look for what waits reads nothing that is acknowledged, leased or not due, and finds both kinds oldest first. The
index is read a moment late: only what is as it was read is leased.
"""

from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.ids import made_at
from jobsprint.domain.deliveries import DeliveryRow, DeliveryTask
from jobsprint.repositories.delivery_items import (
    attributes_of,
    expiry,
    key_of,
    listed_as,
    poll_entries,
    poll_partition,
    row_of,
)
from jobsprint.repositories.due_index import Due, due_of
from jobsprint.repositories.dynamodb import Lost, Value, marshal_item, unmarshal_item, update_item, written

BATCH = 25
"""Events that are published together have one time, within which the index has no order; their ids have."""


class PollQueue:
    """The waiting deliveries of one polling endpoint. No method reaches another tenant's items."""

    def __init__(self, tenant: str, webhook_id: str) -> None:
        self._tenant = tenant
        self._webhook_id = webhook_id
        self._table = settings().events_table

    def add(self, task: DeliveryTask, now: int) -> None:
        """Store a delivery that waits for its first attempt, in one write; nothing where it exists already."""
        is_due = task.not_before <= now
        item: dict[str, Value | None] = {
            **key_of(self._tenant, self._webhook_id, task.delivery_id),
            **attributes_of(task, now),
            "attempt": task.attempt - 1,
            "state": "pending",
            "nextAttemptAt": None if is_due else task.not_before,
            **poll_entries(self._tenant, self._webhook_id, task.not_before, now),
        }
        if is_due:
            item |= {"dueShard": self._partition(new=True), "dueAt": made_at(task.delivery_id)}
        written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def waiting(self, limit: int, now: int) -> list[Due]:
        """The deliveries that may be handed out now, in the order of publishing: the oldest ones, at least `limit` if
        there are as many."""
        found: list[Due] = []
        for new in (False, True):
            answer = aws.dynamodb().query(**self._request(new=new, until=now), Limit=limit + BATCH - 1)
            found += [due_of(unmarshal_item(item)) for item in answer["Items"]]
        return sorted(found, key=lambda due: due.task.event_id)

    def lease(self, due: Due, token: str, until: int, now: int) -> tuple[bool, DeliveryRow | None]:
        """Lease a delivery for the attempt of its task until then (ms).

        True and the row after it; or False and the row that refused it (None: there is none): of two polls one gets a
        delivery, and what is past its end nobody.
        """
        leased = update_item(
            self._table,
            key_of(self._tenant, self._webhook_id, due.task.delivery_id),
            {
                "attempt": due.task.attempt,
                "leaseToken": token,
                "claimedAt": now,
                "leaseUntil": until,
                "nextAttemptAt": until,
                "dueShard": self._partition(new=False),
                "dueAt": until,
            },
            condition="#dueAt = :read AND #endsAt > :now",
            values={":read": due.due_at, ":now": now},
        )
        if isinstance(leased, Lost):
            return False, row_of(leased.item) if leased.item else None
        return True, row_of(leased)

    def exhaust(self, row: DeliveryRow, now: int) -> None:
        """End a delivery that can no longer be handed out, unless it has changed since it was read."""
        changes: dict[str, Value | None] = {
            "state": "exhausted",
            "attempt": row.attempt - 1 if row.lease_token else row.attempt,
            "leaseToken": None,
            "claimedAt": None,
            "leaseUntil": None,
            "nextAttemptAt": None,
            "expiresAt": expiry(now),
            "listed": listed_as(self._tenant, self._webhook_id, "exhausted"),
            **poll_entries(self._tenant, self._webhook_id, None, now),
        }
        key = key_of(self._tenant, self._webhook_id, row.delivery.id)
        update_item(self._table, key, changes, condition="#endsAt = :read", values={":read": row.ends_at or 0})

    def count(self, limit: int) -> tuple[int, bool]:
        """How many deliveries wait or are leased, and whether there may be more: `limit` is what is counted of each
        partition at most."""
        counted, more = 0, False
        for new in (False, True):
            answer = aws.dynamodb().query(**self._request(new=new), Limit=limit, Select="COUNT")
            counted, more = counted + answer["Count"], more or "LastEvaluatedKey" in answer
        return counted, more

    def _request(self, *, new: bool, until: int | None = None) -> dict[str, Any]:
        values: dict[str, Value] = {":partition": self._partition(new=new)}
        values |= {} if until is None else {":until": until}
        return {
            "TableName": self._table,
            "IndexName": "byDue",
            "KeyConditionExpression": "dueShard = :partition" + ("" if until is None else " AND dueAt <= :until"),
            "ExpressionAttributeValues": marshal_item(values),
        }

    def _partition(self, *, new: bool) -> str:
        return poll_partition(self._tenant, self._webhook_id, new=new)

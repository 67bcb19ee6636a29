"""The due index: the deliveries that the sweeper has to look at, and the sweeper's lease of each shard of it.

    byDue: dueShard <shard>   dueAt <Unix ms>     deliveries that wait for another attempt, or are at one
    pk #sweeper               sk <shard>          the lease of a shard (no tenant has an empty name)

Polling endpoints have partitions of their own in it (`repositories.poll_queue`), which the sweeper never reads.

The index is read a moment late, so an entry may be out of date: `postpone` changes only what is as it was read.
"""

from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.deliveries import DeliveryTask
from jobsprint.repositories.dynamodb import Item, marshal_item, unmarshal_item, written

_INDEX = "byDue"
_SWEEPER = "#sweeper"
_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Due:
    """A delivery that is due at `due_at` (Unix ms), with the task of the attempt that it waits for or is at.

    `sweeps` counts how often the sweeper has enqueued that attempt before.
    """

    task: DeliveryTask
    due_at: int
    sweeps: int


class DueShard:
    """One shard of the due index, for the `holder` of its lease. It spans all tenants."""

    def __init__(self, shard: int, holder: str) -> None:
        self._shard = str(shard)
        self._holder = holder
        self._table = settings().events_table

    def take(self, now: int, until: int) -> bool:
        """Take the lease until `until`; False while another holder has it. Both in ms."""
        return written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=marshal_item(
                    {
                        **self._lease(),
                        "holder": self._holder,
                        "leaseUntil": until,
                        "expiresAt": until // 1000 + _DAY_SECONDS,
                    }
                ),
                ConditionExpression="attribute_not_exists(pk) OR leaseUntil <= :now OR holder = :holder",
                ExpressionAttributeValues=marshal_item({":now": now, ":holder": self._holder}),
            )
        )

    def give_back(self) -> None:
        """End the lease, unless it has expired and another holder has it."""
        written(
            lambda: aws.dynamodb().delete_item(
                TableName=self._table,
                Key=marshal_item(self._lease()),
                ConditionExpression="holder = :holder",
                ExpressionAttributeValues=marshal_item({":holder": self._holder}),
            )
        )

    def page(self, until: int, limit: int, position: Any = None) -> tuple[list[Due], Any]:
        """Up to `limit` deliveries that are due by `until` (ms), the longest due first, and where to go on."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "IndexName": _INDEX,
            "KeyConditionExpression": "dueShard = :shard AND dueAt <= :until",
            "ExpressionAttributeValues": marshal_item({":shard": self._shard, ":until": until}),
            "Limit": limit,
        }
        if position:
            request["ExclusiveStartKey"] = position
        answer = aws.dynamodb().query(**request)
        return [due_of(unmarshal_item(item)) for item in answer["Items"]], answer.get("LastEvaluatedKey")

    def postpone(self, due: Due, due_at: int) -> bool:
        """Make a delivery due again at `due_at`, one sweep later; False where it has changed since it was read."""
        task = due.task
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item({"pk": f"{task.tenant}#{task.webhook_id}", "sk": task.delivery_id}),
                UpdateExpression="SET dueAt = :later, sweeps = :sweeps",
                ConditionExpression="dueAt = :read",
                ExpressionAttributeValues=marshal_item(
                    {":later": due_at, ":sweeps": due.sweeps + 1, ":read": due.due_at}
                ),
            )
        )

    def _lease(self) -> dict[str, str]:
        return {"pk": _SWEEPER, "sk": self._shard}


def due_of(item: Item) -> Due:
    """What an entry of the index says."""
    tenant, _, webhook_id = item["pk"].partition("#")
    task = DeliveryTask(
        tenant=tenant,
        webhook_id=webhook_id,
        delivery_id=item["sk"],
        event_id=item["eventId"],
        event=item["event"],
        timestamp=item["timestamp"],
        event_key=item["eventKey"],
        # While an attempt is leased, it is that very attempt that is looked at.
        attempt=item["attempt"] if "leaseToken" in item else item["attempt"] + 1,
        not_before=item["dueAt"],
        base=item.get("base", 0),
    )
    return Due(task, item["dueAt"], item.get("sweeps", 0))

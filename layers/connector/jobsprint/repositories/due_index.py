"""The due index: which deliveries somebody has to look after, and who does so for each shard of it.

    byDue: dueShard <shard>   dueAt <Unix ms>                    what waits for another try, or is at one
    pk #sweeper               sk <shard>                         the lease of a shard (no tenant has an empty name)

The index is read a moment late, so whatever is read may no longer stand: `move_on` changes only what does.
"""

from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.deliveries import Ticket
from jobsprint.repositories.dynamodb import Item, marshal_item, unmarshal_item, written

_INDEX = "byDue"
_SWEEPER = "#sweeper"
_DAY_SECONDS = 86400


@dataclass(frozen=True)
class Due:
    """A delivery that is due at `due_at` (Unix ms), with the ticket of the attempt that it waits for or is at.

    `sweeps` counts how often the sweeper has enqueued that attempt before.
    """

    ticket: Ticket
    due_at: int
    sweeps: int


class DueShard:
    """One shard of the due index, for the one `holder` that has its lease. It spans all tenants."""

    def __init__(self, shard: int, holder: str) -> None:
        self._shard = str(shard)
        self._holder = holder
        self._table = settings().events_table

    def take(self, now: int, until: int) -> bool:
        """Takes the lease until `until`; False while somebody else has it. Both in ms."""
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
        """Ends the lease, unless it ran out and somebody else has it."""
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
        return [_due(unmarshal_item(item)) for item in answer["Items"]], answer.get("LastEvaluatedKey")

    def move_on(self, due: Due, due_at: int) -> bool:
        """Makes a delivery due again at `due_at`, one sweep later; False where it moved since it was read."""
        ticket = due.ticket
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item({"pk": f"{ticket.tenant}#{ticket.webhook_id}", "sk": ticket.delivery_id}),
                UpdateExpression="SET dueAt = :later, sweeps = :sweeps",
                ConditionExpression="dueAt = :read",
                ExpressionAttributeValues=marshal_item(
                    {":later": due_at, ":sweeps": due.sweeps + 1, ":read": due.due_at}
                ),
            )
        )

    def _lease(self) -> dict[str, str]:
        return {"pk": _SWEEPER, "sk": self._shard}


def _due(item: Item) -> Due:
    tenant, _, webhook_id = item["pk"].partition("#")
    ticket = Ticket(
        tenant=tenant,
        webhook_id=webhook_id,
        delivery_id=item["sk"],
        event_id=item["eventId"],
        event=item["event"],
        timestamp=item["timestamp"],
        event_key=item["eventKey"],
        # An open claim asks what became of that very attempt.
        attempt=item["attempt"] if "claim" in item else item["attempt"] + 1,
        not_before=item["dueAt"],
        base=item.get("base", 0),
    )
    return Due(ticket, item["dueAt"], item.get("sweeps", 0))

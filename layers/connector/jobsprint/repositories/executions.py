"""Actions that run in the background: pk <tenant>#execution, sk <unique part of the id>.

`queued` → `running` by a conditional write right before the call is sent → an end with its outcome, or `queued` again
where the other side turned the call away unread. Parameters and
outcome are encrypted texts, which go on beside the item where they are long.
"""

from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import is_id, unique_part
from jobsprint.domain.actions import Execution, ExecutionState
from jobsprint.repositories import dynamodb
from jobsprint.repositories.dynamodb import Item, Value, live, marshal_item, unmarshal_item, written

KEPT_SECONDS = 7 * 86400
# Parts of one text stand beside the item, those of the other behind this.
_OUTCOME = "outcome"


class ExecutionStore:
    """The executions of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._pk = f"{tenant}#execution"
        self._table = settings().tenants_table

    def create(self, execution: Execution) -> None:
        """Keeps a new execution with its parameters; one that is there already stays as it is."""
        sk = unique_part(execution.id)
        expires = execution.created_at // 1000 + KEPT_SECONDS
        first, parts = dynamodb.keep_rest(
            self._table, self._pk, sk, execution.encrypted_parameters or "", expires=expires
        )
        item: dict[str, Value | None] = {
            "pk": self._pk,
            "sk": sk,
            "id": execution.id,
            "integrationId": execution.integration_id,
            "action": execution.action,
            "state": execution.state,
            "createdAt": execution.created_at,
            "traceparent": execution.traceparent,
            "parameters": first,
            "parts": parts,
            "expiresAt": expires,
        }
        written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def get(self, execution_id: str, now: int) -> Execution:
        """The execution of that id; `now` in ms. Raises NotFound."""
        missing = NotFound(f"There is no execution {execution_id[:100]!r}", code="execution_not_found")
        if not is_id(execution_id, "exe"):
            raise missing
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(execution_id), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        if not item or not live(item, now):
            raise missing
        return self._from_item(item)

    def start(self, execution_id: str, *, holder: str, now: int, lease_until: int) -> bool:
        """Says that `holder` sends the call from `now` (ms) on; False unless it is queued still."""
        return self._change(
            execution_id,
            {"state": "running", "holder": holder, "startedAt": now, "leaseUntil": lease_until},
            condition="#state = :before",
            names={":before": "queued"},
        )

    def postpone(self, execution: Execution, *, holder: str | None, not_before: int) -> bool:
        """Queues again, until a time (ms), what `holder` runs, or what is queued still (None); False as in `finish`."""
        return self._change(
            execution.id,
            {"state": "queued", "notBefore": not_before, "postponed": execution.postponed + 1},
            condition="#state = :before" + (" AND holder = :owner" if holder else ""),
            names={":before": "running" if holder else "queued", **({":owner": holder} if holder else {})},
            remove=("holder", "startedAt", "leaseUntil"),
        )

    def finish(
        self, execution_id: str, state: ExecutionState, encrypted_outcome: str, *, holder: str | None, now: int
    ) -> bool:
        """Ends what `holder` runs, or what is queued still (None); False when it is somebody else's by now."""
        first, parts = dynamodb.keep_rest(
            self._table,
            self._pk,
            f"{unique_part(execution_id)}#{_OUTCOME}",
            encrypted_outcome,
            expires=now // 1000 + KEPT_SECONDS,
        )
        return self._change(
            execution_id,
            {"state": state, "finishedAt": now, "outcome": first, "outcomeParts": parts},
            condition="#state = :before" + (" AND holder = :owner" if holder else ""),
            names={":before": "running" if holder else "queued", **({":owner": holder} if holder else {})},
            remove=("parameters", "parts"),
        )

    def _change(
        self,
        execution_id: str,
        changes: dict[str, Value],
        *,
        condition: str,
        names: dict[str, Value],
        remove: tuple[str, ...] = (),
    ) -> bool:
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        removed = f" REMOVE {', '.join(f'#{name}' for name in remove)}" if remove else ""
        values = {**{f":{name}": value for name, value in changes.items()}, **names}
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(execution_id),
                UpdateExpression=f"SET {sets}{removed}",
                ConditionExpression=condition,
                ExpressionAttributeNames={f"#{name}": name for name in (*changes, *remove)},
                ExpressionAttributeValues=marshal_item(values),
            )
        )

    def _key(self, execution_id: str) -> Any:
        return marshal_item({"pk": self._pk, "sk": unique_part(execution_id)})

    def _from_item(self, item: Item) -> Execution:
        def text(name: str, beside: str, parts: str) -> str | None:
            return dynamodb.whole(self._table, self._pk, beside, item[name], item[parts]) if name in item else None

        return Execution(
            id=item["id"],
            integration_id=item["integrationId"],
            action=item["action"],
            state=item["state"],
            created_at=item["createdAt"],
            traceparent=item.get("traceparent"),
            encrypted_parameters=text("parameters", item["sk"], "parts"),
            encrypted_outcome=text("outcome", f"{item['sk']}#{_OUTCOME}", "outcomeParts"),
            holder=item.get("holder"),
            started_at=item.get("startedAt", 0),
            lease_until=item.get("leaseUntil", 0),
            not_before=item.get("notBefore", 0),
            postponed=item.get("postponed", 0),
            finished_at=item.get("finishedAt"),
        )

"""Actions that run in the background: pk <tenant>#execution#<integration id>, sk <execution id>.

Its states are those of `actions.executions`. Parameters and outcome are encrypted texts, which go on beside the item
where they are long.
"""

from dataclasses import replace
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import id_range, is_id
from jobsprint.domain.actions import Approved, Execution, ExecutionFilter, ExecutionState
from jobsprint.repositories import dynamodb
from jobsprint.repositories.dynamodb import Item, Query, Value, live, marshal_item, read_page, unmarshal_item, written

KEPT_SECONDS = 7 * 86400
# Parts of one text stand beside the item, those of the other behind this.
_OUTCOME = "outcome"

_LISTED = ("sk", "integrationId", "action", "state", "createdAt", "startedAt", "leaseUntil", "finishedAt", "expiresAt")


class ExecutionStore:
    """The executions of one integration. No method reaches those of another, or of another tenant."""

    def __init__(self, tenant: str, integration_id: str) -> None:
        self._pk = f"{tenant}#execution#{integration_id}"
        self._table = settings().requests_table

    def create(self, execution: Execution) -> None:
        """Store a new execution with its parameters; one that exists already stays as it is."""
        expires = execution.created_at // 1000 + KEPT_SECONDS
        first, parts = dynamodb.keep_rest(
            self._table, self._pk, execution.id, execution.encrypted_parameters or "", expires=expires
        )
        item: dict[str, Value | None] = {
            "pk": self._pk,
            "sk": execution.id,
            "integrationId": execution.integration_id,
            "action": execution.action,
            "state": execution.state,
            "createdAt": execution.created_at,
            "traceparent": execution.traceparent,
            "requestId": execution.request_id,
            "approval": execution.approval.to_fields() if execution.approval else None,
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
        missing = NotFound(f"This integration has no execution {execution_id[:100]!r}", code="execution_not_found")
        if not is_id(execution_id, "exe"):
            raise missing
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(execution_id), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        if not item or not live(item, now):
            raise missing
        return self._whole(item)

    def page(
        self, wanted: ExecutionFilter, *, limit: int, position: str | None, now: int
    ) -> tuple[list[Execution], str | None]:
        """A page without parameters and outcomes, newest first, and the position to go on from; `now` in ms.

        Time is a key; state and action are filtered within 1,000 items, and long texts count with all their parts.
        """
        low, high = id_range("exe", wanted.from_ms, wanted.to_ms)
        query = Query(
            table=self._table,
            key=("pk", self._pk),
            resume=lambda sk: {"pk": self._pk, "sk": sk},
            low=low,
            high=high,
            fields=_LISTED,
        )
        found = read_page(
            query,
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: "state" in item and live(item, now) and wanted.matches(_head(item).as_of(now)),
        )
        return [_head(item).as_of(now) for item in found.items], found.position

    def start(self, execution_id: str, *, lease_token: str, now: int, lease_until: int) -> bool:
        """Lease a queued execution to the worker that sends the call from `now` (ms) on; False unless it is queued."""
        return self._change(
            execution_id,
            {"state": "running", "leaseToken": lease_token, "startedAt": now, "leaseUntil": lease_until},
            condition="#state = :before",
            values={":before": "queued"},
        )

    def retry(self, execution: Execution, *, lease_token: str | None, not_before: int) -> bool:
        """Queue a running execution again, or one that is still queued (no token), until a time (ms).

        False as in `finish`.
        """
        return self._change(
            execution.id,
            {"state": "queued", "notBefore": not_before, "retries": execution.retries + 1},
            **_still(lease_token),
            remove=("leaseToken", "startedAt", "leaseUntil"),
        )

    def finish(
        self, execution_id: str, state: ExecutionState, encrypted_outcome: str, *, lease_token: str | None, now: int
    ) -> bool:
        """End a running execution, or one that is still queued (no token); False when the lease is another's by now."""
        first, parts = dynamodb.keep_rest(
            self._table,
            self._pk,
            f"{execution_id}#{_OUTCOME}",
            encrypted_outcome,
            expires=now // 1000 + KEPT_SECONDS,
        )
        return self._change(
            execution_id,
            {"state": state, "finishedAt": now, "outcome": first, "outcomeParts": parts},
            **_still(lease_token),
            remove=("parameters", "parts"),
        )

    def _change(
        self,
        execution_id: str,
        changes: dict[str, Value],
        *,
        condition: str,
        values: dict[str, Value],
        remove: tuple[str, ...] = (),
    ) -> bool:
        sets = ", ".join(f"#{name} = :{name}" for name in changes)
        removed = f" REMOVE {', '.join(f'#{name}' for name in remove)}" if remove else ""
        values = {**{f":{name}": value for name, value in changes.items()}, **values}
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
        return marshal_item({"pk": self._pk, "sk": execution_id})

    def _whole(self, item: Item) -> Execution:
        def text(name: str, beside: str, parts: str) -> str | None:
            return dynamodb.whole(self._table, self._pk, beside, item[name], item[parts]) if name in item else None

        return replace(
            _head(item),
            encrypted_parameters=text("parameters", item["sk"], "parts"),
            encrypted_outcome=text("outcome", f"{item['sk']}#{_OUTCOME}", "outcomeParts"),
        )


def _head(item: Item) -> Execution:
    """The execution in an item, without its texts."""
    return Execution(
        id=item["sk"],
        integration_id=item["integrationId"],
        action=item["action"],
        state=item["state"],
        created_at=item["createdAt"],
        traceparent=item.get("traceparent"),
        request_id=item.get("requestId"),
        approval=Approved.from_fields(item["approval"]) if "approval" in item else None,
        lease_token=item.get("leaseToken"),
        started_at=item.get("startedAt", 0),
        lease_until=item.get("leaseUntil", 0),
        not_before=item.get("notBefore", 0),
        retries=item.get("retries", 0),
        finished_at=item.get("finishedAt"),
    )


def _still(lease_token: str | None) -> dict[str, Any]:
    """The condition that the holder of a lease still has it, or without a token that there is none."""
    if lease_token is None:
        return {"condition": "#state = :before", "values": {":before": "queued"}}
    return {
        "condition": "#state = :before AND leaseToken = :token",
        "values": {":before": "running", ":token": lease_token},
    }

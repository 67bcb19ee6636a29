"""Recoveries of webhooks, and the one of each webhook that may run.

    pk <tenant>#recovery   sk <webhook>#<job>      the unique parts of both ids
    pk <tenant>#recovery   sk <webhook>#running    names the job that runs

A step is written down by one conditional write, so of two workers at the same step one counts.
"""

from dataclasses import replace

import msgspec

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import is_id, unique_part
from jobsprint.domain.replay import Position, Recovery, RecoveryStatus, Wanted
from jobsprint.repositories.dynamodb import Item, Lost, Value, live, marshal_item, try_write, unmarshal_item, written

KEPT_SECONDS = 30 * 86400
HELD_MS = 60_000
"""How long a webhook is held for a job that is not written yet: longer than a request may take."""

_RUNNING = "running"


class RecoveryStore:
    """The recoveries of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def create(self, recovery: Recovery) -> Recovery | None:
        """Keeps a new recovery, unless another one of its webhook runs: then that one."""
        running = self._hold(recovery)
        if running:
            return running
        aws.dynamodb().put_item(
            TableName=self._table,
            Item=marshal_item(self._to_item(recovery)),
            ConditionExpression="attribute_not_exists(pk)",
        )
        return None

    def get(self, webhook_id: str, job_id: str, now: int) -> Recovery:
        """The recovery of that id and webhook; `now` in ms. Raises NotFound."""
        found = self._find(webhook_id, job_id, now) if is_id(job_id, "job") else None
        if found is None:
            raise NotFound(f"There is no recovery {job_id[:100]!r}", code="recovery_not_found")
        return found

    def advance(self, before: Recovery, after: Recovery) -> Recovery:
        """Writes down what a step of `before` did and gives the recovery as it is from now on.

        What was sent counts also where the recovery was cancelled in between. Where another worker was first, nothing
        is written. Frees the webhook when it ended.
        """
        progress = {"step": after.step, "matched": after.matched, "sent": after.sent, "dueAt": after.due_at}
        plan: dict[str, Value | None] = {
            "position": after.position.to_text() if after.position else None,
            "page": list(after.page) or None,
            "worker": after.worker,
            "status": after.status,
            "finishedAt": after.finished_at,
            "reason": after.reason,
        }
        stands = self._change(before, {**progress, **plan}, step=before.step)
        if stands and stands.status != _RUNNING and stands.step == before.step:
            counted: dict[str, Value | None] = {**progress, "matched": before.matched}
            self._change(before, counted, step=before.step, running=False)
            return replace(stands, sent=after.sent, step=after.step)
        if stands:
            return stands
        if after.status != _RUNNING:
            self._release(after)
        return after

    def end(self, recovery: Recovery, status: RecoveryStatus, now: int, reason: str | None = None) -> Recovery:
        """Ends a recovery that runs, and frees its webhook; one that has ended stays as it is. Gives what stands."""
        ended = replace(recovery, status=status, finished_at=now, reason=reason, page=())
        stands = self._change(recovery, {"status": status, "finishedAt": now, "reason": reason, "page": None})
        if stands and stands.status != status:
            return stands
        self._release(recovery)
        return stands or ended

    # --- which one runs -----------------------------------------------------------------------------------------------

    def _hold(self, recovery: Recovery) -> Recovery | None:
        """Takes the webhook for a new recovery, or gives the one that has it."""
        now = recovery.created_at
        key = self._key(recovery.webhook_id, _RUNNING)
        answer = aws.dynamodb().get_item(TableName=self._table, Key=marshal_item(key), ConsistentRead=True)
        holder = unmarshal_item(answer.get("Item", {}))
        if holder:
            other = self._find(recovery.webhook_id, holder["job"], now)
            if other is None and holder["heldAt"] + HELD_MS > now:
                return replace(recovery, id=holder["job"])
            if other and other.status == _RUNNING:
                if not other.is_stalled(now):
                    return other
                self.end(other, "failed", now, "stalled")
        return None if self._take(recovery, key, holder.get("job")) else self._hold(recovery)

    def _take(self, recovery: Recovery, key: dict[str, str], seen: str | None) -> bool:
        item: dict[str, Value | None] = {
            **key,
            "job": recovery.id,
            "heldAt": recovery.created_at,
            "expiresAt": recovery.created_at // 1000 + KEPT_SECONDS,
        }
        return written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=marshal_item(item),
                ConditionExpression="attribute_not_exists(pk) OR #job = :seen",
                ExpressionAttributeNames={"#job": "job"},
                ExpressionAttributeValues=marshal_item({":seen": seen or ""}),
            )
        )

    def _release(self, recovery: Recovery) -> None:
        written(
            lambda: aws.dynamodb().delete_item(
                TableName=self._table,
                Key=marshal_item(self._key(recovery.webhook_id, _RUNNING)),
                ConditionExpression="#job = :own",
                ExpressionAttributeNames={"#job": "job"},
                ExpressionAttributeValues=marshal_item({":own": recovery.id}),
            )
        )

    # --- items --------------------------------------------------------------------------------------------------------

    def _find(self, webhook_id: str, job_id: str, now: int) -> Recovery | None:
        key = marshal_item(self._key(webhook_id, unique_part(job_id)))
        answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return self._from_item(item) if item and live(item, now) else None

    def _change(
        self,
        recovery: Recovery,
        changes: dict[str, Value | None],
        *,
        step: int | None = None,
        running: bool = True,
    ) -> Recovery | None:
        """Changes an item that is at that step, and running; else gives what stands. A None removes its name."""
        sets = {name: value for name, value in changes.items() if value is not None}
        removes = [f"#{name}" for name, value in changes.items() if value is None]
        conditions = ["attribute_exists(pk)"]
        values: dict[str, Value | None] = {f":{name}": value for name, value in sets.items()}
        names = {f"#{name}": name for name in changes}
        if running:
            conditions.append("#status = :running")
            names["#status"], values[":running"] = "status", _RUNNING
        if step is not None:
            conditions.append("#step = :at")
            names["#step"], values[":at"] = "step", step
        removed = f" REMOVE {', '.join(removes)}" if removes else ""
        answer = try_write(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item(self._key(recovery.webhook_id, unique_part(recovery.id))),
                UpdateExpression=f"SET {', '.join(f'#{name} = :{name}' for name in sets)}{removed}",
                ConditionExpression=" AND ".join(conditions),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=marshal_item(values),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )
        if not isinstance(answer, Lost):
            return None
        return self._from_item(answer.item) if answer.item else replace(recovery, status="cancelled")

    def _key(self, webhook_id: str, name: str) -> dict[str, str]:
        return {"pk": f"{self._tenant}#recovery", "sk": f"{unique_part(webhook_id)}#{name}"}

    def _to_item(self, recovery: Recovery) -> dict[str, Value | None]:
        return {
            **self._key(recovery.webhook_id, unique_part(recovery.id)),
            "id": recovery.id,
            "webhookId": recovery.webhook_id,
            "wanted": msgspec.json.encode(recovery.wanted).decode(),
            "status": recovery.status,
            "createdAt": recovery.created_at,
            "position": recovery.position.to_text() if recovery.position else None,
            "step": recovery.step,
            "dueAt": recovery.due_at,
            "page": list(recovery.page) or None,
            "matched": recovery.matched,
            "sent": recovery.sent,
            "expiresAt": recovery.created_at // 1000 + KEPT_SECONDS,
        }

    def _from_item(self, item: Item) -> Recovery:
        return Recovery(
            tenant=self._tenant,
            id=item["id"],
            webhook_id=item["webhookId"],
            wanted=msgspec.json.decode(item["wanted"], type=Wanted),
            status=item["status"],
            created_at=item["createdAt"],
            position=Position.of(item["position"]) if "position" in item else None,
            step=item["step"],
            due_at=item["dueAt"],
            worker=item.get("worker", ""),
            page=tuple(item.get("page", [])),
            matched=item["matched"],
            sent=item["sent"],
            finished_at=item.get("finishedAt"),
            reason=item.get("reason"),
        )

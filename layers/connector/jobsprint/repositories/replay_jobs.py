"""Replay jobs of webhooks, and the one of each webhook that may run.

    pk <tenant>#replay   sk <webhook>#<job>      the unique parts of both ids
    pk <tenant>#replay   sk <webhook>#running    names the job that runs

A step is stored by one conditional write, so of two workers at the same step one counts.
"""

from dataclasses import replace

from pydantic import TypeAdapter

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import is_id, unique_part
from jobsprint.domain.replay import Position, ReplayJob, ReplayRequest, ReplayStatus
from jobsprint.repositories.dynamodb import (
    Item,
    Lost,
    Query,
    Value,
    live,
    marshal_item,
    read_page,
    unmarshal_item,
    update_item,
    written,
)

KEPT_SECONDS = 30 * 86400
RESERVED_MS = 60_000
"""How long a webhook is reserved for a job that is not stored yet: longer than a request may take."""

_RUNNING = "running"
_REQUEST = TypeAdapter(ReplayRequest)


class ReplayJobStore:
    """The replay jobs of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def create(self, job: ReplayJob) -> ReplayJob | None:
        """Store a new job, unless another one of its webhook is running; then return that one."""
        running = self._reserve(job)
        if running:
            return running
        aws.dynamodb().put_item(
            TableName=self._table,
            Item=marshal_item(self._to_item(job)),
            ConditionExpression="attribute_not_exists(pk)",
        )
        return None

    def get(self, webhook_id: str, job_id: str, now: int) -> ReplayJob:
        """The job of that id and webhook; `now` in ms. Raises NotFound."""
        found = self._find(webhook_id, job_id, now) if is_id(job_id, "job") else None
        if found is None:
            raise NotFound(f"There is no recovery {job_id[:100]!r}", code="recovery_not_found")
        return found

    def page(
        self, webhook_id: str, now: int, *, limit: int, position: str | None
    ) -> tuple[list[ReplayJob], str | None]:
        """A page of a webhook's jobs, newest first, and the position to go on from; `now` in ms."""
        pk = f"{self._tenant}#replay"
        query = Query(
            table=self._table,
            key=("pk", pk),
            resume=lambda sk: {"pk": pk, "sk": sk},
            # The unique part of an id begins with a digit, so the reservation (`running`) is not among them.
            low=f"{unique_part(webhook_id)}#0",
            high=f"{unique_part(webhook_id)}#:",
        )
        found = read_page(
            query,
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now),
        )
        return [self._from_item(item) for item in found.items], found.position

    def advance(self, before: ReplayJob, after: ReplayJob) -> ReplayJob:
        """Store what a step of `before` did and return the job as it is from now on.

        What was sent counts also where the job was cancelled in between. Where another worker was first, nothing is
        written. Releases the webhook when the job has ended.
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
        current = self._change(before, {**progress, **plan}, step=before.step)
        if current and current.status != _RUNNING and current.step == before.step:
            counted: dict[str, Value | None] = {**progress, "matched": before.matched}
            self._change(before, counted, step=before.step, running=False)
            return replace(current, sent=after.sent, step=after.step)
        if current:
            return current
        if after.status != _RUNNING:
            self._release(after)
        return after

    def end(self, job: ReplayJob, status: ReplayStatus, now: int, reason: str | None = None) -> ReplayJob:
        """End a running job and release its webhook; one that has ended stays as it is. Returns the current job."""
        ended = replace(job, status=status, finished_at=now, reason=reason, page=())
        current = self._change(job, {"status": status, "finishedAt": now, "reason": reason, "page": None})
        if current and current.status != status:
            return current
        self._release(job)
        return current or ended

    # --- which one runs -----------------------------------------------------------------------------------------------

    def _reserve(self, job: ReplayJob) -> ReplayJob | None:
        """Reserve the webhook for a new job, or return the job that has it."""
        now = job.created_at
        key = self._key(job.webhook_id, _RUNNING)
        answer = aws.dynamodb().get_item(TableName=self._table, Key=marshal_item(key), ConsistentRead=True)
        holder = unmarshal_item(answer.get("Item", {}))
        if holder:
            other = self._find(job.webhook_id, holder["job"], now)
            if other is None and holder["reservedAt"] + RESERVED_MS > now:
                return replace(job, id=holder["job"])
            if other and other.status == _RUNNING:
                if not other.is_stalled(now):
                    return other
                self.end(other, "failed", now, "stalled")
        return None if self._take(job, key, holder.get("job")) else self._reserve(job)

    def _take(self, job: ReplayJob, key: dict[str, str], seen: str | None) -> bool:
        item: dict[str, Value | None] = {
            **key,
            "job": job.id,
            "reservedAt": job.created_at,
            "expiresAt": job.created_at // 1000 + KEPT_SECONDS,
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

    def _release(self, job: ReplayJob) -> None:
        written(
            lambda: aws.dynamodb().delete_item(
                TableName=self._table,
                Key=marshal_item(self._key(job.webhook_id, _RUNNING)),
                ConditionExpression="#job = :own",
                ExpressionAttributeNames={"#job": "job"},
                ExpressionAttributeValues=marshal_item({":own": job.id}),
            )
        )

    # --- items --------------------------------------------------------------------------------------------------------

    def _find(self, webhook_id: str, job_id: str, now: int) -> ReplayJob | None:
        key = marshal_item(self._key(webhook_id, unique_part(job_id)))
        answer = aws.dynamodb().get_item(TableName=self._table, Key=key, ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return self._from_item(item) if item and live(item, now) else None

    def _change(
        self,
        job: ReplayJob,
        changes: dict[str, Value | None],
        *,
        step: int | None = None,
        running: bool = True,
    ) -> ReplayJob | None:
        """Change a job that is at that step, and running; else return the current job. A None removes its attribute."""
        conditions = ["attribute_exists(#pk)"]
        values: dict[str, Value] = {}
        if running:
            conditions.append("#status = :running")
            values[":running"] = _RUNNING
        if step is not None:
            conditions.append("#step = :at")
            values[":at"] = step
        updated = update_item(
            self._table,
            self._key(job.webhook_id, unique_part(job.id)),
            changes,
            condition=" AND ".join(conditions),
            values=values,
        )
        if not isinstance(updated, Lost):
            return None
        return self._from_item(updated.item) if updated.item else replace(job, status="cancelled")

    def _key(self, webhook_id: str, name: str) -> dict[str, str]:
        return {"pk": f"{self._tenant}#replay", "sk": f"{unique_part(webhook_id)}#{name}"}

    def _to_item(self, job: ReplayJob) -> dict[str, Value | None]:
        return {
            **self._key(job.webhook_id, unique_part(job.id)),
            "id": job.id,
            "webhookId": job.webhook_id,
            "request": _REQUEST.dump_json(job.request).decode(),
            "status": job.status,
            "createdAt": job.created_at,
            "position": job.position.to_text() if job.position else None,
            "step": job.step,
            "dueAt": job.due_at,
            "page": list(job.page) or None,
            "matched": job.matched,
            "sent": job.sent,
            "expiresAt": job.created_at // 1000 + KEPT_SECONDS,
        }

    def _from_item(self, item: Item) -> ReplayJob:
        return ReplayJob(
            tenant=self._tenant,
            id=item["id"],
            webhook_id=item["webhookId"],
            request=_REQUEST.validate_json(item["request"]),
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

"""Logs of action calls: pk <tenant>#<integration id>, sk the log id; `byAction` adds the action to the key.

Log ids are time-ordered, so a time range is a key range with and without an action.
"""

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.ids import id_range
from jobsprint.domain.actions import Approved, LogEntry, LogFilter
from jobsprint.repositories.dynamodb import Item, Query, Value, live, marshal_item, read_page, written


class LogStore:
    """The logs of one tenant."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().logs_table

    def add(self, integration_id: str, entry: LogEntry) -> bool:
        """Store a log entry until its time to live ends; False when there is one of that id."""
        item: dict[str, Value | None] = {
            "pk": f"{self._tenant}#{integration_id}",
            "sk": entry.id,
            "actionKey": f"{self._tenant}#{integration_id}#{entry.action}",
            "action": entry.action,
            "status": entry.status,
            "input": entry.input,
            "output": entry.output,
            "executionMs": entry.execution_ms,
            "at": entry.at,
            "requestId": entry.request_id,
            "approval": entry.approval.to_fields() if entry.approval else None,
            "expiresAt": entry.at // 1000 + settings().log_retention_days * 86400,
        }
        return written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def page(
        self, integration_id: str, wanted: LogFilter, *, limit: int, position: str | None, now: int
    ) -> tuple[list[LogEntry], str | None]:
        """A page, newest first, and the position to go on from. Time and action are keys; status reads and drops."""
        pk = f"{self._tenant}#{integration_id}"
        action_key = f"{pk}#{wanted.action}"
        low, high = id_range("log", wanted.from_ms, wanted.to_ms)

        def resume(sk: str) -> dict[str, str]:
            return {"pk": pk, "sk": sk} | ({"actionKey": action_key} if wanted.action else {})

        query = Query(
            table=self._table,
            key=("actionKey", action_key) if wanted.action else ("pk", pk),
            resume=resume,
            index="byAction" if wanted.action else None,
            low=low,
            high=high,
            consistent=wanted.action is None,
        )
        page = read_page(
            query,
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now) and wanted.status in (None, item["status"]),
        )
        return [_from_item(item) for item in page.items], page.position


def _from_item(item: Item) -> LogEntry:
    return LogEntry(
        id=item["sk"],
        action=item["action"],
        status=item["status"],
        input=item["input"],
        output=item["output"],
        execution_ms=item["executionMs"],
        at=item["at"],
        request_id=item.get("requestId"),
        approval=Approved.from_fields(item["approval"]) if "approval" in item else None,
    )

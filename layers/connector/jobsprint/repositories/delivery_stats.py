"""Statistics of a webhook's attempts: totals without end, and counts by the hour for a week.

The current hour is counted in the webhook's activity item, beside the totals (`repositories.integrations`), so a batch
is one write. The first batch of another hour finds the old one there, and moves it to an item of its own:

    pk <tenant>#stats   sk <webhook id>#<hour>

In both a count `ok` is the attribute `w:ok`. Hours are whole hours since 1970.
"""

from collections.abc import Mapping
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.delivery_stats import BAD, OK
from jobsprint.domain.endpoint_health import Totals
from jobsprint.repositories.dynamodb import (
    Item,
    Lost,
    Query,
    marshal_item,
    read_page,
    try_write,
    unmarshal_item,
    written,
)

HOUR_MS = 3_600_000
HOURS_KEPT = 8 * 24
_PREFIX = "w:"
_TRIES = 5


class StatsStore:
    """The statistics of one tenant's webhooks. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def count(self, webhook_id: str, counts: Mapping[str, int], at: int) -> Totals:
        """Add the counts of a batch (`domain.delivery_stats`) that ended at `at` (ms), and return the totals.

        One write.

        The first batch of an hour takes three writes, which move the previous hour to its own item. A clock that is
        behind counts for the hour that others have begun. Raises RuntimeError if others are always first.
        """
        hour = at // HOUR_MS
        for _ in range(_TRIES):
            found = self._add(webhook_id, counts, hour, at)
            if isinstance(found, Totals):
                return found
            # First stored and then replaced: a crash in between repeats the first and loses nothing.
            self._store_hour(webhook_id, found)
            totals = self._begin(webhook_id, counts, hour, at, found)
            if totals:
                return totals
        raise RuntimeError(f"the statistics of {webhook_id} changed {_TRIES} times in between")

    def hours(self, webhook_id: str, since: int) -> dict[int, dict[str, int]]:
        """The counts of each hour from `since` on; hours without an attempt are missing."""
        # The current hour is read first: if it ends in between it is read twice, and the later one counts.
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=marshal_item(self._activity_key(webhook_id)), ConsistentRead=True
        )
        current = unmarshal_item(answer.get("Item", {}))
        found = {current["statsHour"]: _counts(current)} if "statsHour" in current else {}
        pk = f"{self._tenant}#stats"
        page = read_page(
            Query(
                table=self._table,
                key=("pk", pk),
                resume=lambda sk: {"pk": pk, "sk": sk},
                low=_sort(webhook_id, since),
                high=f"{webhook_id}#~",
            ),
            limit=HOURS_KEPT + 1,
            position=None,
            position_of=lambda item: str(item["sk"]),
            keep=lambda _: True,
        )
        found |= {int(item["sk"].rpartition("#")[2]): _counts(item) for item in page.items}
        return {hour: counts for hour, counts in found.items() if hour >= since}

    def _add(self, webhook_id: str, counts: Mapping[str, int], hour: int, at: int) -> Totals | Item:
        """Add to the current hour and return the totals; or the item as it is, where that is an earlier hour."""
        adds = ", ".join(["successful :ok", "failed :bad", *(f"#{i} :{i}" for i in range(len(counts)))])
        answer = try_write(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item(self._activity_key(webhook_id)),
                UpdateExpression=f"ADD {adds} SET lastUsed = :at, statsHour = if_not_exists(statsHour, :hour)",
                ConditionExpression="attribute_not_exists(statsHour) OR statsHour >= :hour",
                ExpressionAttributeNames={f"#{i}": _PREFIX + name for i, name in enumerate(counts)},
                ExpressionAttributeValues=self._values(counts, hour, at),
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        )
        return answer.item if isinstance(answer, Lost) else _totals(answer["Attributes"])

    def _store_hour(self, webhook_id: str, earlier: Item) -> None:
        """Store the counts of an hour that is over. Of two writers the one that has seen more of it wins."""
        hour = earlier["statsHour"]
        counts = _counts(earlier)
        item = {
            "pk": f"{self._tenant}#stats",
            "sk": _sort(webhook_id, hour),
            "seen": counts.get(OK, 0) + counts.get(BAD, 0),
            "expiresAt": (hour + HOURS_KEPT) * HOUR_MS // 1000,
            **{_PREFIX + name: count for name, count in counts.items()},
        }
        written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=marshal_item(item),
                ConditionExpression="attribute_not_exists(pk) OR seen < :seen",
                ExpressionAttributeValues=marshal_item({":seen": item["seen"]}),
            )
        )

    def _begin(self, webhook_id: str, counts: Mapping[str, int], hour: int, at: int, earlier: Item) -> Totals | None:
        """Begin an hour with these counts in place of the earlier ones; None if those changed meanwhile."""
        sets = ["lastUsed = :at", "statsHour = :hour", *(f"#{i} = :{i}" for i in range(len(counts)))]
        over = [_PREFIX + name for name in _counts(earlier) if name not in counts]
        removes = f" REMOVE {', '.join(f'#r{i}' for i in range(len(over)))}" if over else ""
        answer = try_write(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item(self._activity_key(webhook_id)),
                UpdateExpression=f"ADD successful :ok, failed :bad SET {', '.join(sets)}{removes}",
                # The totals only ever grow, so they tell whether anything was counted since.
                ConditionExpression="statsHour = :earlier AND successful = :successful AND failed = :failed",
                ExpressionAttributeNames={f"#{i}": _PREFIX + name for i, name in enumerate(counts)}
                | {f"#r{i}": name for i, name in enumerate(over)},
                ExpressionAttributeValues=self._values(counts, hour, at)
                | marshal_item(
                    {
                        ":earlier": earlier["statsHour"],
                        ":successful": earlier["successful"],
                        ":failed": earlier["failed"],
                    }
                ),
                ReturnValues="ALL_NEW",
            )
        )
        return None if isinstance(answer, Lost) else _totals(answer["Attributes"])

    def _values(self, counts: Mapping[str, int], hour: int, at: int) -> dict[str, Any]:
        by_index = {f":{i}": count for i, count in enumerate(counts.values())}
        totals = {":ok": counts.get(OK, 0), ":bad": counts.get(BAD, 0)}
        return marshal_item({":hour": hour, ":at": at, **totals, **by_index})

    def _activity_key(self, webhook_id: str) -> dict[str, str]:
        return {"pk": f"{self._tenant}#activity", "sk": webhook_id}


def _sort(webhook_id: str, hour: int) -> str:
    return f"{webhook_id}#{hour:07d}"


def _totals(attributes: Mapping[str, Any]) -> Totals:
    item = unmarshal_item(attributes)
    return Totals(item["successful"], item["failed"])


def _counts(item: Item) -> dict[str, int]:
    return {name.removeprefix(_PREFIX): count for name, count in item.items() if name.startswith(_PREFIX)}

"""Audit records: pk <tenant>#<month>, sk the entry's id, for intents; pk <tenant>#<month>#outcome for outcomes.

A record is written once. Until it is sealed (`repositories.audit_chain`) it stands in the index `byPending`, and only a
sealed one has a time to live: none can expire before it is in the chain.
"""

from collections.abc import Iterator
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.ids import id_range, made_at
from jobsprint.domain.audit import AuditEntry, AuditFilter, Intent, Outcome, Phase, month, partition
from jobsprint.repositories.audit_chain import pending_key, shard_of
from jobsprint.repositories.dynamodb import Item, Query, batch_get, live, marshal_item, read_page, written

_DAY_MS = 86_400_000
_KEYS_OF_A_READ = 100
_SKEW_MS = 60_000  # by which the clock of the function that wrote an entry may be ahead


class AuditStore:
    """The audit records of one tenant."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().audit_table

    def add_intent(self, intent: Intent) -> None:
        """Store an intent."""
        self._add(intent.id, "intent", intent.at, intent.record())

    def add_outcome(self, outcome: Outcome) -> None:
        """Store an outcome. An intent that has one keeps it."""
        self._add(outcome.id, "outcome", outcome.at, outcome.record())

    def _add(self, entry_id: str, phase: Phase, at: int, record: str) -> None:
        item: dict[str, Any] = {
            "pk": partition(self._tenant, entry_id, phase),
            "sk": entry_id,
            "record": record,
            "pendingShard": shard_of(self._tenant),
            "pendingKey": pending_key(self._tenant, at),
        }
        # A request that is repeated by the client, because its answer was lost, must not undo a seal.
        written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def page(
        self, wanted: AuditFilter, *, limit: int, position: str | None, now: int
    ) -> tuple[list[AuditEntry], str | None]:
        """A page, newest first, and the position to go on from. Time is a key; all else reads and drops."""
        found: list[AuditEntry] = []
        for one in self._months(wanted, position, now):
            if len(found) == limit:
                return found, found[-1].intent.id  # an older month may have more
            entries, position = self._page_of_month(one, wanted, limit - len(found), position, now)
            found += entries
            if position is not None:
                break
        return found, position

    def _months(self, wanted: AuditFilter, position: str | None, now: int) -> Iterator[str]:
        """The months to read, newest first: none is longer ago than what is kept."""
        latest = now + _SKEW_MS
        newest = min(
            latest if wanted.to_ms is None else wanted.to_ms, latest if position is None else made_at(position)
        )
        kept_since = now - (settings().audit_retention_days + 1) * _DAY_MS
        oldest = month(max(kept_since, wanted.from_ms or 0))
        current = month(newest)
        while current >= oldest:
            yield current
            year, number = map(int, current.split("-"))
            current = f"{year - (number == 1)}-{(number - 2) % 12 + 1:02d}"

    def _page_of_month(
        self, partition_month: str, wanted: AuditFilter, limit: int, position: str | None, now: int
    ) -> tuple[list[AuditEntry], str | None]:
        pk = f"{self._tenant}#{partition_month}"
        low, high = id_range("aud", wanted.from_ms, wanted.to_ms)
        page = read_page(
            Query(self._table, ("pk", pk), lambda sk: {"pk": pk, "sk": sk}, low=low, high=high),
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now) and wanted.takes(_entry(item)),
            load=self._with_outcomes,
        )
        return [_entry(item) for item in page.items], page.position

    def _with_outcomes(self, items: list[Item]) -> list[Item | None]:
        """Intents, each with the record of its outcome where it has one."""
        outcomes: dict[str, str] = {}
        for start in range(0, len(items), _KEYS_OF_A_READ):
            keys = [
                {"pk": f"{item['pk']}#outcome", "sk": item["sk"]} for item in items[start : start + _KEYS_OF_A_READ]
            ]
            for outcome in batch_get(self._table, keys, consistent=True, fields=("sk", "record")):
                outcomes[outcome["sk"]] = outcome["record"]
        return [{**item, "outcome": outcomes.get(item["sk"])} for item in items]


def _entry(item: Item) -> AuditEntry:
    return AuditEntry(
        intent=Intent.read(item["record"]),
        outcome=Outcome.read(item["outcome"]) if item["outcome"] else None,
        sequence=item.get("sequence"),
    )

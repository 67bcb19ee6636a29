"""Lists of a webhook's deliveries, and of their attempts as log entries, newest first."""

import json
from collections.abc import Iterable

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.ids import derived_id, first_at, id_range
from jobsprint.domain.actions import LogEntry, LogFilter
from jobsprint.domain.deliveries import Attempt, DeliveryFilter, DeliveryRow, DeliveryState
from jobsprint.repositories.deliveries import LISTED
from jobsprint.repositories.delivery_items import attempts_of, key_of, listed_as, row_of
from jobsprint.repositories.dynamodb import Item, Query, batch_get, live, read_page

_FIRST, _LAST = "dlv_", "dlv_~"
_MAX_KEYS = 100  # of one BatchGetItem


class DeliveryLists:
    """The lists of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    def page(
        self,
        webhook_id: str,
        wanted: DeliveryFilter,
        *,
        limit: int,
        position: str | None,
        now: int,
        indexed: bool = True,
    ) -> tuple[list[DeliveryRow], str | None]:
        """A page of a webhook's deliveries, newest first, and the position to go on from.

        Time is a key, and so is a state that `byState` lists: its entries may be a moment old, so each row is read and
        matched again. Everything else filters within at most 1,000 items a page, and so does the state where it is not
        `indexed`.
        """
        low, high = id_range("dlv", wanted.from_ms, wanted.to_ms)
        by_state = indexed and wanted.state in LISTED
        page = read_page(
            self._listed(webhook_id, str(wanted.state), low, high) if by_state else self._query(webhook_id, low, high),
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now) and wanted.matches(row_of(item).at(now).delivery),
            load=self._whole if by_state else None,
        )
        return [row_of(item).at(now) for item in page.items], page.position

    def count_listed(self, webhook_id: str, state: DeliveryState, limit: int) -> tuple[int, bool]:
        """How many deliveries `byState` lists in that state, and whether there are more than `limit` of them."""
        request = self._listed(webhook_id, state, _FIRST, _LAST).request(limit, None)
        answer = aws.dynamodb().query(**request, Select="COUNT")
        return answer["Count"], "LastEvaluatedKey" in answer

    def states(self, deliveries: Iterable[tuple[str, str]], now: int) -> dict[str, DeliveryState]:
        """The states of those deliveries (webhook id, delivery id) that have a row, by delivery id; 100 a read."""
        wanted = [key_of(self._tenant, webhook_id, id_) for webhook_id, id_ in deliveries]
        chunks = [wanted[start : start + _MAX_KEYS] for start in range(0, len(wanted), _MAX_KEYS)]
        fields = ("sk", "state", "endsAt", "expiresAt")
        items = [item for chunk in chunks for item in batch_get(self._table, chunk, consistent=True, fields=fields)]
        return {
            item["sk"]: "exhausted" if item.get("endsAt", now + 1) <= now else item["state"]
            for item in items
            if live(item, now)
        }

    def attempts_page(
        self, webhook_id: str, wanted: LogFilter, *, limit: int, position: str | None, now: int
    ) -> tuple[list[LogEntry], str | None]:
        """A page of a webhook's delivery attempts as log entries, and the position to go on from.

        Newest delivery first, and within one its last attempt first. `wanted.action` is an event name. All filters work
        within at most 1,000 deliveries a page; deliveries of events published after `to_ms` are not even read.
        """
        high, below = _resume(position)
        if wanted.to_ms is not None:
            # No attempt starts before its event is published, and the delivery's key has that time.
            high = min(high, f"{_FIRST}{first_at(wanted.to_ms)}~")

        def matching(item: Item) -> list[Attempt]:
            return [
                attempt
                for attempt in reversed(attempts_of(item))
                if (item["sk"] != high or below is None or attempt.number < below)
                and wanted.status in (None, attempt.status)
                and (wanted.from_ms is None or attempt.started_at >= wanted.from_ms)
                and (wanted.to_ms is None or attempt.started_at <= wanted.to_ms)
            ]

        page = read_page(
            self._query(webhook_id, _FIRST, high),
            limit=limit,
            position=None,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now) and wanted.action in (None, item["event"]) and bool(matching(item)),
        )
        found = [(item, attempt) for item in page.items for attempt in matching(item)]
        entries = [_log_entry(item, attempt) for item, attempt in found[:limit]]
        if len(found) > limit:
            item, attempt = found[limit - 1]
            return entries, f"{item['sk']}#{attempt.number}"
        return entries, page.position and f"{page.position}#1"

    def _whole(self, keys: list[Item]) -> list[Item | None]:
        found: dict[str, Item] = {}
        for start in range(0, len(keys), _MAX_KEYS):
            wanted = ({"pk": key["pk"], "sk": key["sk"]} for key in keys[start : start + _MAX_KEYS])
            found |= {item["sk"]: item for item in batch_get(self._table, wanted, consistent=True)}
        return [found.get(key["sk"]) for key in keys]

    def _listed(self, webhook_id: str, state: str, low: str, high: str) -> Query:
        pk, listed = f"{self._tenant}#{webhook_id}", listed_as(self._tenant, webhook_id, state)
        return Query(
            table=self._table,
            key=("listed", listed),
            resume=lambda sk: {"pk": pk, "sk": sk, "listed": listed},
            index="byState",
            low=low,
            high=high,
            consistent=False,
        )

    def _query(self, webhook_id: str, low: str, high: str) -> Query:
        pk = f"{self._tenant}#{webhook_id}"
        return Query(table=self._table, key=("pk", pk), resume=lambda sk: {"pk": pk, "sk": sk}, low=low, high=high)


def _resume(position: str | None) -> tuple[str, int | None]:
    """Where a page of attempts begins: the newest delivery, and the number of its attempt that was listed last."""
    if position is None:
        return _LAST, None
    delivery, _, number = position.partition("#")
    return delivery, int(number)


def _log_entry(item: Item, attempt: Attempt) -> LogEntry:
    delivery = str(item["sk"])
    output = {
        "httpStatus": attempt.http_status,
        "failure": attempt.failure,
        "warning": attempt.warning,
        "response": attempt.response,
    }
    return LogEntry(
        id=derived_id("log", delivery, str(attempt.number)),
        action=item["event"],
        status=attempt.status,
        input=json.dumps({"eventId": item["eventId"], "deliveryId": delivery, "attempt": attempt.number}),
        output=json.dumps({name: value for name, value in output.items() if value is not None}),
        execution_ms=attempt.duration_ms,
        at=attempt.started_at,
    )

"""Deliveries: one item each, with every attempt in it.

    pk <tenant>#<webhook id>   sk <delivery id>

Attempt n takes two writes: the claim, which for n = 1 makes the row, and the result. Delivery ids carry the time of
their event, so the key order is the order of publishing. Attempts are JSON texts in a list; a first try that is
delivered stays below 1 KB, which is what one write unit holds.

Two sparse indexes find what needs attention. `byState` lists by `listed` = <tenant>#<webhook id>#<state>, which stands
on what waits for a try or ended undelivered. `byDue` sorts by `dueAt` (Unix ms) within `dueShard`, and both stand
on what waits for another try or is at one; there `dueAt` says when the sweeper has to look after it
(`repositories.due_index`).
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import derived_id, first_at, is_id
from jobsprint.domain.actions import LogEntry
from jobsprint.domain.deliveries import (
    GRACE_MS,
    LEASE_MS,
    LIVE_STATES,
    Attempt,
    Claim,
    Delivery,
    DeliveryRow,
    DeliveryState,
    Ticket,
    Wanted,
    due_at,
)
from jobsprint.repositories import statements
from jobsprint.repositories.dynamodb import (
    Item,
    Lost,
    Query,
    Value,
    batch_get,
    live,
    marshal,
    marshal_item,
    read_page,
    try_write,
    unmarshal_item,
)
from jobsprint.repositories.logs import id_range
from jobsprint.repositories.statements import Statement

DUE_SHARDS = 16
"""At least the peak of retries per second over 1,000: a throttled index throttles its table."""

_FIRST, _LAST = "dlv_", "dlv_~"
_INDEXED = ("listed", "dueShard", "dueAt", "sweeps")
_LISTED: tuple[DeliveryState, ...] = ("retrying", "exhausted", "discarded")  # wholly; others may be missing there
_ENDED: tuple[DeliveryState, ...] = ("delivered", "exhausted", "discarded")
_KEPT = ("createdAt",)  # a delivery that waited for its first attempt was made when it began to wait
_OPEN_CLAIM = ("claim", "claimedAt", "leaseUntil")
_DAY_SECONDS = 86400
_MOST_KEYS = 100  # of one BatchGetItem


class DeliveryStore:
    """The deliveries of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().events_table

    # --- attempts -----------------------------------------------------------------------------------------------------

    def claim(self, ticket: Ticket, claim: Claim, now: int) -> tuple[bool, DeliveryRow | None]:
        """Takes an attempt for one dispatcher.

        True when it is taken; else False and the row that stands against it (None when it is gone). Two claims of one
        attempt never both succeed, and no attempt is taken before the one before it is recorded.
        """
        changes = self._claimed(ticket, claim, now)
        if ticket.attempt > 1:
            # Should its worker die and the message be lost, the sweeper finds it. First attempts would pay for it all.
            changes |= self._due(ticket, now + LEASE_MS + GRACE_MS)
        # What is listed already stays in its state, so that the index and the row say the same.
        return self._update_in_turn(ticket, changes, keep=(*_KEPT, "state"))

    def first_claim(self, ticket: Ticket, claim: Claim, now: int) -> Statement:
        """Takes attempt 1 of a delivery that has no row yet; refused where there is one."""
        return statements.insert(self._table, self._key(ticket), self._claimed(ticket, claim, now))

    def _claimed(self, ticket: Ticket, claim: Claim, now: int) -> dict[str, Value]:
        return {
            **self._described(ticket, now),
            "attempt": ticket.attempt,
            "state": "pending" if ticket.attempt == 1 else "retrying",
            "claim": claim.token,
            "claimedAt": now,
            "leaseUntil": now + LEASE_MS,
        }

    def discard(self, ticket: Ticket, now: int) -> tuple[bool, DeliveryRow | None]:
        """Ends a delivery without the attempt it came for. Answers as `claim` does."""
        changes: dict[str, Value] = {**self._described(ticket, now), "state": "discarded"}
        if ticket.attempt == 1:
            changes["attempt"] = 0
        indexed, unindexed = self._indexed(ticket, "discarded", None)
        return self._update_in_turn(ticket, {**changes, **indexed}, remove=("nextAttemptAt", *unindexed))

    def park(self, ticket: Ticket, until: int, now: int) -> tuple[bool, DeliveryRow | None]:
        """Shows that a delivery waits until `until` (ms) for an attempt that was put off.

        Answers as `claim` does; also refused while it waits for that attempt already, so that of several messages one
        goes on.
        """
        state: DeliveryState = "pending" if ticket.attempt == 1 else "retrying"
        changes: dict[str, Value] = {**self._described(ticket, now), "state": state, "nextAttemptAt": until}
        if ticket.attempt == 1:
            changes["attempt"] = 0
        indexed, _ = self._indexed(ticket, state, due_at(until, now))
        return self._update_in_turn(
            ticket,
            {**changes, **indexed, "expiresAt": _expiry(until)},
            also=" AND (attribute_not_exists(nextAttemptAt) OR nextAttemptAt <= :now)",
            values={":now": now},
        )

    def record(
        self,
        ticket: Ticket,
        token: str,
        attempt: Attempt,
        state: DeliveryState,
        next_at: int | None,
        now: int,
    ) -> tuple[bool, DeliveryRow | None]:
        """Writes the result of a claimed attempt and what the delivery is now, and ends the claim.

        False when `token` does not hold the claim any more, and then the row as it stands. `next_at` in ms.
        """
        changes, remove = self._recorded(ticket, state, next_at, now)
        return self._update(
            ticket,
            _Update(changes, remove=remove),
            append=attempt,
            condition="claim = :token",
            values={":token": token},
        )

    def first_record(
        self, ticket: Ticket, token: str, attempt: Attempt, state: DeliveryState, next_at: int | None, now: int
    ) -> Statement:
        """The same for attempt 1, before which none was recorded; refused where `token` does not hold the claim."""
        changes, remove = self._recorded(ticket, state, next_at, now)
        return statements.update(
            self._table,
            self._key(ticket),
            {**changes, "attempts": [_attempt_text(attempt)]},
            remove=remove,
            where={"claim": token},
        )

    def _recorded(
        self, ticket: Ticket, state: DeliveryState, next_at: int | None, now: int
    ) -> tuple[dict[str, Value], tuple[str, ...]]:
        indexed, unindexed = self._indexed(ticket, state, None if next_at is None else due_at(next_at, now))
        changes: dict[str, Value] = {"state": state, "expiresAt": _expiry(max(now, next_at or 0)), **indexed}
        remove = (*_OPEN_CLAIM, *unindexed)
        if next_at is None:
            return changes, (*remove, "nextAttemptAt")
        return {**changes, "nextAttemptAt": next_at}, remove

    def _key(self, ticket: Ticket) -> dict[str, str]:
        return {"pk": f"{self._tenant}#{ticket.webhook_id}", "sk": ticket.delivery_id}

    def _described(self, ticket: Ticket, now: int) -> dict[str, Value]:
        described: dict[str, Value] = {
            "event": ticket.event,
            "eventId": ticket.event_id,
            "eventKey": ticket.event_key,
            "timestamp": ticket.timestamp,
            "expiresAt": _expiry(now),
        }
        return {**described, "createdAt": now} if ticket.attempt == 1 else described

    def _indexed(
        self, ticket: Ticket, state: DeliveryState, due: int | None
    ) -> tuple[dict[str, Value], tuple[str, ...]]:
        """What a delivery in that state has in the indexes, and what it has not; `due` in ms."""
        present: dict[str, Value] = {}
        if state in _LISTED or due is not None:
            present["listed"] = f"{self._tenant}#{ticket.webhook_id}#{state}"
        if due is not None:
            present |= self._due(ticket, due)
        return present, tuple(name for name in _INDEXED if name not in present)

    def _due(self, ticket: Ticket, due: int) -> dict[str, Value]:
        return {"dueShard": _due_shard(ticket.delivery_id), "dueAt": due}

    def _update_in_turn(
        self,
        ticket: Ticket,
        changes: dict[str, Value],
        *,
        remove: tuple[str, ...] = (),
        keep: tuple[str, ...] = _KEPT,
        also: str = "",
        values: Mapping[str, Value] | None = None,
    ) -> tuple[bool, DeliveryRow | None]:
        """Changes the row if it is this attempt's turn: the attempt before is recorded, or for the first one there is
        no row yet, or one that only waits (it was put off, or ended before its first attempt and was reopened). An
        attempt of the same number in an earlier round (it was discarded, then sent anew) has no turn any more.
        `also` is what a row that is there has to fulfil besides, with its `values`."""
        states = {f":live{place}": state for place, state in enumerate(LIVE_STATES)}
        turn = (
            f"attempt = :before AND attribute_not_exists(claim) AND #state IN ({', '.join(states)})"
            f" AND (attribute_not_exists(#base) OR #base = :base){also}"
        )
        return self._update(
            ticket,
            _Update(changes, remove, keep),
            condition=f"attribute_not_exists(pk) OR ({turn})" if ticket.attempt == 1 else turn,
            values={":before": ticket.attempt - 1, ":base": ticket.base, **states, **(values or {})},
            names={"#base": "base"},
        )

    def _update(
        self,
        ticket: Ticket,
        update: "_Update",
        *,
        condition: str,
        values: dict[str, Value] | None = None,
        names: dict[str, str] | None = None,
        append: Attempt | None = None,
    ) -> tuple[bool, DeliveryRow | None]:
        appended = {":none": marshal([]), ":one": marshal([_attempt_text(append)])} if append else {}
        return self._write(
            self._key(ticket),
            UpdateExpression=update.expression(appending=append is not None),
            ConditionExpression=condition,
            ExpressionAttributeNames=update.names(appending=append is not None) | (names or {}),
            ExpressionAttributeValues={**update.values(), **marshal_item(values or {}), **appended},
        )

    def _write(self, key: dict[str, str], **update: Any) -> tuple[bool, DeliveryRow | None]:
        """A conditional UpdateItem: True and the row after it where that is asked for, or False and what stands."""
        answer: Any = try_write(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item(key),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **update,
            )
        )
        if isinstance(answer, Lost):
            return False, _row(answer.item) if answer.item else None
        after = answer.get("Attributes")
        return True, _row(unmarshal_item(after)) if after else None

    # --- sending anew -------------------------------------------------------------------------------------------------

    def rows(self, webhook_id: str, delivery_ids: Iterable[str], now: int) -> dict[str, DeliveryRow]:
        """The deliveries of at most 100 ids that exist, by id."""
        pk = f"{self._tenant}#{webhook_id}"
        found = batch_get(self._table, ({"pk": pk, "sk": id_} for id_ in delivery_ids), consistent=True)
        return {item["sk"]: _row(item) for item in found if live(item, now)}

    def reopen(
        self,
        webhook_id: str,
        delivery_id: str,
        now: int,
        *,
        states: Sequence[DeliveryState] = _ENDED,
        next_at: int | None = None,
        recovery: str | None = None,
    ) -> tuple[bool, DeliveryRow | None]:
        """Begins a new round of a delivery in one of `states`; its next attempt is due at `next_at`, or `now`.

        Attempts go on counting, and the whole retry schedule applies from the next one. `recovery` is the job that does
        it, which begins one round of a delivery at most. True and the row as it is now; else False and the row that
        stands against it (None when it is gone).
        """
        ended = {f":in{place}": state for place, state in enumerate(states)}
        changes: dict[str, Value | None] = {
            **self._waiting(webhook_id, delivery_id, now if next_at is None else next_at, now),
            "recovery": recovery,
        }
        once = " AND (attribute_not_exists(#recovery) OR #recovery <> :recovery)" if recovery else ""
        return self._reset(
            webhook_id,
            delivery_id,
            changes,
            also="#base = #attempt",
            condition=(
                f"#state IN ({', '.join(ended)}) AND attribute_not_exists(claim) AND expiresAt > :seconds{once}"
            ),
            values={**ended, ":seconds": now // 1000},
        )

    def hasten(self, row: DeliveryRow, now: int) -> tuple[bool, DeliveryRow | None]:
        """Makes the attempt that a delivery waits for due at once. Answers as `reopen` does."""
        webhook_id, delivery_id = row.delivery.webhook_id, row.delivery.id
        return self._reset(
            webhook_id,
            delivery_id,
            self._waiting(webhook_id, delivery_id, now, now, row.delivery.state),
            condition="#state = :state AND attribute_not_exists(claim) AND #attempt = :attempt",
            values={":attempt": row.attempt},
        )

    def _waiting(
        self, webhook_id: str, delivery_id: str, next_at: int, now: int, state: DeliveryState = "retrying"
    ) -> dict[str, Value | None]:
        return {
            "state": state,
            "nextAttemptAt": next_at,
            "listed": f"{self._tenant}#{webhook_id}#{state}",
            "dueShard": _due_shard(delivery_id),
            "dueAt": due_at(next_at, now),
            "sweeps": None,
            "expiresAt": _expiry(max(now, next_at)),
        }

    def _reset(
        self,
        webhook_id: str,
        delivery_id: str,
        changes: dict[str, Value | None],
        *,
        condition: str,
        values: Mapping[str, Value],
        also: str | None = None,
    ) -> tuple[bool, DeliveryRow | None]:
        sets = [f"#{name} = :{name}" for name, value in changes.items() if value is not None]
        removes = [f"#{name}" for name, value in changes.items() if value is None]
        removed = f" REMOVE {', '.join(removes)}" if removes else ""
        names = {f"#{name}": name for name in (*changes, "attempt", *(["base"] if also else []))}
        return self._write(
            {"pk": f"{self._tenant}#{webhook_id}", "sk": delivery_id},
            UpdateExpression=f"SET {', '.join([*sets, *([also] if also else [])])}{removed}",
            ConditionExpression=condition,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=marshal_item(
                {**{f":{name}": value for name, value in changes.items()}, **values}
            ),
            ReturnValues="ALL_NEW",
        )

    # --- lists --------------------------------------------------------------------------------------------------------

    def get(self, webhook_id: str, delivery_id: str, now: int) -> DeliveryRow:
        """A webhook's delivery. Raises NotFound, also once its time to live has passed (`now` in ms)."""
        key = {"pk": f"{self._tenant}#{webhook_id}", "sk": delivery_id}
        answer = aws.dynamodb().get_item(TableName=self._table, Key=marshal_item(key), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        if not is_id(delivery_id, "dlv") or not item or not live(item, now):
            raise NotFound(f"There is no delivery {delivery_id[:100]!r} of this webhook", code="delivery_not_found")
        return _row(item)

    def page(
        self, webhook_id: str, wanted: Wanted, *, limit: int, position: str | None, now: int
    ) -> tuple[list[DeliveryRow], str | None]:
        """A page of a webhook's deliveries, newest first, and the position to go on from.

        Time is a key, and so is a state that `byState` lists: its entries may be a moment old, so each row is read and
        judged anew. Everything else filters within at most 1,000 items a page.
        """
        low, high = id_range("dlv", wanted.from_ms, wanted.to_ms)
        by_state = wanted.state in _LISTED
        page = read_page(
            self._listed(webhook_id, str(wanted.state), low, high) if by_state else self._query(webhook_id, low, high),
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now) and wanted.takes(_row(item).delivery),
            load=self._whole if by_state else None,
        )
        return [_row(item) for item in page.items], page.position

    def count_listed(self, webhook_id: str, state: DeliveryState, limit: int) -> tuple[int, bool]:
        """How many deliveries `byState` lists in that state, and whether there are more than `limit` of them."""
        request = self._listed(webhook_id, state, _FIRST, _LAST).request(limit, None)
        answer = aws.dynamodb().query(**request, Select="COUNT")
        return answer["Count"], "LastEvaluatedKey" in answer

    def attempts_page(
        self,
        webhook_id: str,
        *,
        limit: int,
        position: str | None,
        action: str | None,
        status: str | None,
        from_ms: int | None,
        to_ms: int | None,
        now: int,
    ) -> tuple[list[LogEntry], str | None]:
        """A page of a webhook's delivery attempts as log entries, and the position to go on from.

        Newest delivery first, and within one its last attempt first. `action` is an event name; `from_ms` and `to_ms`
        (both included) bound the start of an attempt. All filters work within at most 1,000 deliveries a page, but
        what was published after `to_ms` is not even read.
        """
        high, below = _after(position)
        if to_ms is not None:
            # No attempt starts before its event is published, and the delivery's key has that time.
            high = min(high, f"{_FIRST}{first_at(to_ms)}~")

        def wanted(item: Item) -> list[Attempt]:
            return [
                attempt
                for attempt in reversed(_attempts(item))
                if (item["sk"] != high or below is None or attempt.number < below)
                and status in (None, attempt.status)
                and (from_ms is None or attempt.started_at >= from_ms)
                and (to_ms is None or attempt.started_at <= to_ms)
            ]

        page = read_page(
            self._query(webhook_id, _FIRST, high),
            limit=limit,
            position=None,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: live(item, now) and action in (None, item["event"]) and bool(wanted(item)),
        )
        found = [(item, attempt) for item in page.items for attempt in wanted(item)]
        entries = [_entry(item, attempt) for item, attempt in found[:limit]]
        if len(found) > limit:
            item, attempt = found[limit - 1]
            return entries, f"{item['sk']}#{attempt.number}"
        return entries, page.position and f"{page.position}#1"

    def _whole(self, keys: list[Item]) -> list[Item | None]:
        found: dict[str, Item] = {}
        for start in range(0, len(keys), _MOST_KEYS):
            wanted = ({"pk": key["pk"], "sk": key["sk"]} for key in keys[start : start + _MOST_KEYS])
            found |= {item["sk"]: item for item in batch_get(self._table, wanted, consistent=True)}
        return [found.get(key["sk"]) for key in keys]

    def _listed(self, webhook_id: str, state: str, low: str, high: str) -> Query:
        pk, listed = f"{self._tenant}#{webhook_id}", f"{self._tenant}#{webhook_id}#{state}"
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


class _Update:
    """The SET and REMOVE of an update. Every name is aliased: some are words that DynamoDB keeps for itself.

    What is in `keep` is set only where it is not there yet.
    """

    def __init__(self, changes: dict[str, Value], remove: tuple[str, ...] = (), keep: tuple[str, ...] = _KEPT) -> None:
        self._changes = changes
        self._remove = remove
        self._keep = keep

    def expression(self, *, appending: bool) -> str:
        """The update expression; `appending` adds `:one` to the attempts."""
        sets = [f"#{name} = {self._value(name)}" for name in self._changes]
        if appending:
            sets.append("#attempts = list_append(if_not_exists(#attempts, :none), :one)")
        removed = f" REMOVE {', '.join(f'#{name}' for name in self._remove)}" if self._remove else ""
        return f"SET {', '.join(sets)}{removed}"

    def _value(self, name: str) -> str:
        return f"if_not_exists(#{name}, :{name})" if name in self._keep else f":{name}"

    def names(self, *, appending: bool) -> dict[str, str]:
        """The aliases in use; `#state`, which conditions name too, is in every change."""
        used = [*self._changes, *self._remove, *(["attempts"] if appending else [])]
        return {f"#{name}": name for name in used}

    def values(self) -> dict[str, Any]:
        """The new values."""
        return marshal_item({f":{name}": value for name, value in self._changes.items()})


def _due_shard(delivery_id: str) -> str:
    return str(hashlib.sha256(delivery_id.encode()).digest()[0] % DUE_SHARDS)


def _expiry(ms: int) -> int:
    return ms // 1000 + settings().log_retention_days * _DAY_SECONDS


# --- rows as data ---------------------------------------------------------------------------------------------------


def _attempt_text(attempt: Attempt) -> str:
    fields = {
        "attempt": attempt.number,
        "status": attempt.status,
        "httpStatus": attempt.http_status,
        "failure": attempt.failure,
        "durationMs": attempt.duration_ms,
        "startedAt": attempt.started_at,
        "response": attempt.response,
        "timings": dict(attempt.timings) or None,
        "url": attempt.url,
        "headers": list(attempt.header_names) or None,
        "signatures": attempt.signatures if attempt.signatures != 1 else None,
    }
    present = {name: value for name, value in fields.items() if value is not None}
    return json.dumps(present, ensure_ascii=False, separators=(",", ":"))


def _attempt_of(text: str) -> Attempt:
    fields = json.loads(text)
    return Attempt(
        number=fields["attempt"],
        status=fields["status"],
        started_at=fields["startedAt"],
        duration_ms=fields["durationMs"],
        http_status=fields.get("httpStatus"),
        failure=fields.get("failure"),
        response=fields.get("response"),
        timings=fields.get("timings", {}),
        url=fields.get("url"),
        header_names=tuple(fields.get("headers", ())),
        signatures=fields.get("signatures", 1),
    )


def _attempts(item: Item) -> tuple[Attempt, ...]:
    return tuple(_attempt_of(text) for text in item.get("attempts", []))


def _row(item: Item) -> DeliveryRow:
    tenant, _, webhook_id = item["pk"].partition("#")
    return DeliveryRow(
        delivery=Delivery(
            tenant=tenant,
            webhook_id=webhook_id,
            id=item["sk"],
            event_id=item["eventId"],
            event=item["event"],
            state=item["state"],
            attempts=_attempts(item),
            next_attempt_at=item.get("nextAttemptAt"),
        ),
        created_at=item["createdAt"],
        attempt=item["attempt"],
        event_key=item["eventKey"],
        timestamp=item["timestamp"],
        base=item.get("base", 0),
        claim=item.get("claim"),
        claimed_at=item.get("claimedAt", 0),
        lease_until=item.get("leaseUntil", 0),
        recovery=item.get("recovery"),
    )


# --- attempts as log entries ----------------------------------------------------------------------------------------


def _after(position: str | None) -> tuple[str, int | None]:
    """Where a page of attempts begins: the highest delivery, and the attempt number that was shown of it last."""
    if position is None:
        return _LAST, None
    delivery, _, number = position.partition("#")
    return delivery, int(number)


def _entry(item: Item, attempt: Attempt) -> LogEntry:
    delivery = str(item["sk"])
    said = {"httpStatus": attempt.http_status, "failure": attempt.failure, "response": attempt.response}
    return LogEntry(
        id=derived_id("log", delivery, str(attempt.number)),
        action=item["event"],
        status=attempt.status,
        input=json.dumps({"eventId": item["eventId"], "deliveryId": delivery, "attempt": attempt.number}),
        output=json.dumps({name: value for name, value in said.items() if value is not None}),
        execution_ms=attempt.duration_ms,
        at=attempt.started_at,
    )

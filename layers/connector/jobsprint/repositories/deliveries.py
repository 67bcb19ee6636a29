"""Deliveries: one item each (`repositories.delivery_items`), changed by one conditional update at a time.

An attempt takes two writes: the claim, which makes the item for a first attempt, and the result.

Two sparse indexes find the deliveries that need attention. `byState` lists those that wait for an attempt or ended
undelivered, by `listed` = <tenant>#<webhook id>#<state>. `byDue` sorts those that wait for another attempt, or are at
one, by `dueAt` (Unix ms) within `dueShard`: that is when the sweeper has to look at them (`repositories.due_index`).
Delivery ids carry the time of their event, so the key order is the order of publishing.
"""

from collections.abc import Iterable, Mapping, Sequence

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import is_id
from jobsprint.domain.deliveries import (
    LEASE_MS,
    LIVE_STATES,
    REENQUEUE_DELAY_MS,
    Attempt,
    DeliveryRow,
    DeliveryState,
    DeliveryTask,
    Lease,
    due_at,
)
from jobsprint.repositories.delivery_items import (
    attempt_text,
    attributes_of,
    due_shard,
    expiry,
    key_of,
    listed_as,
    poll_entries,
    row_of,
)
from jobsprint.repositories.dynamodb import Lost, Value, batch_get, live, marshal_item, unmarshal_item, update_item

ENDED: tuple[DeliveryState, ...] = ("delivered", "exhausted", "discarded")
LISTED: tuple[DeliveryState, ...] = ("retrying", "exhausted", "discarded")
"""States whose deliveries are all in `byState`; of the others some are missing there."""

Changed = tuple[bool, DeliveryRow | None]
"""True and the row after the change; or False and the row that refused it (None: there is none)."""


class DeliveryStore:
    """The deliveries of one tenant. No method reaches another tenant's items.

    `polled` ones are those of polling endpoints: what waits for another attempt waits for a poll, not for the sweeper.
    """

    def __init__(self, tenant: str, *, polled: bool = False) -> None:
        self._tenant = tenant
        self._polled = polled
        self._table = settings().events_table

    # --- attempts -----------------------------------------------------------------------------------------------------

    def claim(self, task: DeliveryTask, lease: Lease, now: int) -> Changed:
        """Claim an attempt for one worker: of two claims to one attempt at most one succeeds.

        No attempt is claimed before the previous one is recorded.
        """
        changes: dict[str, Value | None] = {
            "attempt": task.attempt,
            "state": "pending" if task.attempt == 1 else "retrying",
            "leaseToken": lease.token,
            "claimedAt": now,
            "leaseUntil": now + LEASE_MS,
        }
        if task.attempt > 1:
            # The sweeper finds it if the worker crashes and the message is lost. For first attempts, which are nearly
            # all, the queue alone has to do: an index entry would cost each of them two more writes.
            changes |= {"dueShard": due_shard(task.delivery_id), "dueAt": now + LEASE_MS + REENQUEUE_DELAY_MS}
        # A row that `byState` lists keeps its state, so that the index and the row agree.
        return self._update_in_turn(task, changes, now, expressions={"state": "if_not_exists(#state, :state)"})

    def record(
        self, task: DeliveryTask, token: str, attempt: Attempt, state: DeliveryState, next_at: int | None, now: int
    ) -> Changed:
        """Store the result of a claimed attempt and the delivery's new state, and end the lease.

        Refused where `token` does not hold the lease. `next_at` (ms) is when the next attempt is due.
        """
        changes: dict[str, Value | None] = {
            "state": state,
            "expiresAt": expiry(max(now, next_at or 0)),
            "nextAttemptAt": next_at,
            **self._index_entries(task.webhook_id, task.delivery_id, state, next_at, now),
            "leaseToken": None,
            "claimedAt": None,
            "leaseUntil": None,
        }
        return self._update(
            task.webhook_id,
            task.delivery_id,
            changes,
            condition="#leaseToken = :token",
            values={":token": token, ":none": [], ":attempts": [attempt_text(attempt)]},
            expressions={"attempts": "list_append(if_not_exists(#attempts, :none), :attempts)"},
        )

    def discard(self, task: DeliveryTask, now: int) -> Changed:
        """End a delivery without making the attempt of `task`."""
        changes = {
            "attempt": task.attempt - 1,
            "state": "discarded",
            "nextAttemptAt": None,
            **self._index_entries(task.webhook_id, task.delivery_id, "discarded", None, now),
        }
        return self._update_in_turn(task, changes, now)

    def defer(self, task: DeliveryTask, until: int, now: int) -> Changed:
        """Store that a delivery waits until `until` (ms) for the attempt of `task`.

        Also refused while it waits for that attempt already, so that of several messages one goes on.
        """
        state: DeliveryState = "pending" if task.attempt == 1 else "retrying"
        changes = {
            "attempt": task.attempt - 1,
            "state": state,
            "nextAttemptAt": until,
            "expiresAt": expiry(until),
            **self._index_entries(task.webhook_id, task.delivery_id, state, until, now),
        }
        return self._update_in_turn(
            task,
            changes,
            now,
            also=" AND (attribute_not_exists(#nextAttemptAt) OR #nextAttemptAt <= :now)",
            values={":now": now},
        )

    # --- resending ----------------------------------------------------------------------------------------------------

    def reopen(
        self,
        webhook_id: str,
        delivery_id: str,
        now: int,
        *,
        states: Sequence[DeliveryState] = ENDED,
        next_at: int | None = None,
        replay_id: str | None = None,
    ) -> Changed:
        """Begin a new round of attempts for a delivery in one of `states`, the first due at `next_at`, or `now`.

        Attempts keep counting, and the whole retry schedule applies from the next one. A replay job (`replay_id`)
        begins at most one round of a delivery.
        """
        allowed = {f":in{index}": state for index, state in enumerate(states)}
        once = " AND (attribute_not_exists(#replayId) OR #replayId <> :replayId)" if replay_id else ""
        condition = f"#state IN ({', '.join(allowed)}) AND attribute_not_exists(#leaseToken) AND #expiresAt > :seconds"
        return self._update(
            webhook_id,
            delivery_id,
            {
                **self._waiting(webhook_id, delivery_id, "retrying", now if next_at is None else next_at, now),
                "replayId": replay_id,
            },
            condition=condition + once,
            values={**allowed, ":seconds": now // 1000},
            expressions={"base": "#attempt"},
        )

    def expedite(self, row: DeliveryRow, now: int) -> Changed:
        """Make the attempt that a delivery waits for due now."""
        webhook_id, delivery_id = row.delivery.webhook_id, row.delivery.id
        return self._update(
            webhook_id,
            delivery_id,
            self._waiting(webhook_id, delivery_id, row.delivery.state, now, now),
            condition="#state = :state AND attribute_not_exists(#leaseToken) AND #attempt = :attempt",
            values={":attempt": row.attempt},
        )

    # --- reading ------------------------------------------------------------------------------------------------------

    def get(self, webhook_id: str, delivery_id: str, now: int) -> DeliveryRow:
        """A webhook's delivery. Raises NotFound, also once its time to live has passed (`now` in ms)."""
        key = key_of(self._tenant, webhook_id, delivery_id)
        answer = aws.dynamodb().get_item(TableName=self._table, Key=marshal_item(key), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        if not is_id(delivery_id, "dlv") or not item or not live(item, now):
            raise NotFound(f"There is no delivery {delivery_id[:100]!r} of this webhook", code="delivery_not_found")
        return row_of(item).at(now)

    def rows(self, webhook_id: str, delivery_ids: Iterable[str], now: int) -> dict[str, DeliveryRow]:
        """The deliveries of at most 100 ids that exist, by id."""
        keys = (key_of(self._tenant, webhook_id, id_) for id_ in delivery_ids)
        found = batch_get(self._table, keys, consistent=True)
        return {item["sk"]: row_of(item).at(now) for item in found if live(item, now)}

    # --- updates ------------------------------------------------------------------------------------------------------

    def _waiting(
        self, webhook_id: str, delivery_id: str, state: DeliveryState, next_at: int, now: int
    ) -> dict[str, Value | None]:
        return {
            "state": state,
            "nextAttemptAt": next_at,
            "expiresAt": expiry(max(now, next_at)),
            **self._index_entries(webhook_id, delivery_id, state, next_at, now),
        }

    def _index_entries(
        self, webhook_id: str, delivery_id: str, state: DeliveryState, next_at: int | None, now: int
    ) -> dict[str, Value | None]:
        """The attributes of both indexes for a delivery in that state that waits until `next_at`; None removes one."""
        waits = next_at is not None
        listed = listed_as(self._tenant, webhook_id, state) if waits or state in LISTED else None
        if self._polled:
            return {"listed": listed, **poll_entries(self._tenant, webhook_id, next_at, now)}
        return {
            "listed": listed,
            "dueShard": due_shard(delivery_id) if waits else None,
            "dueAt": None if next_at is None else due_at(next_at, now),
            "sweeps": None,
        }

    def _update_in_turn(
        self,
        task: DeliveryTask,
        changes: Mapping[str, Value | None],
        now: int,
        *,
        expressions: Mapping[str, str] | None = None,
        also: str = "",
        values: Mapping[str, Value] | None = None,
    ) -> Changed:
        """Update the row if it is this attempt's turn.

        That is when the previous attempt is recorded; for the first one, when there is no row, or one without any
        attempt. An attempt of the same number in an earlier round of the delivery has no turn. `also` is a further
        condition on an existing row.
        """
        live_states = {f":live{index}": state for index, state in enumerate(LIVE_STATES)}
        turn = (
            f"#attempt = :before AND attribute_not_exists(#leaseToken) AND #state IN ({', '.join(live_states)})"
            f" AND (attribute_not_exists(#base) OR #base = :base){also}"
        )
        if task.attempt == 1:
            turn = f"attribute_not_exists(#pk) OR ({turn})"
        return self._update(
            task.webhook_id,
            task.delivery_id,
            {**attributes_of(task, now), **changes},
            condition=turn,
            values={":before": task.attempt - 1, ":base": task.base, **live_states, **(values or {})},
            expressions=expressions,
        )

    def _update(
        self,
        webhook_id: str,
        delivery_id: str,
        changes: Mapping[str, Value | None],
        *,
        condition: str,
        values: Mapping[str, Value],
        expressions: Mapping[str, str] | None = None,
    ) -> Changed:
        key = key_of(self._tenant, webhook_id, delivery_id)
        updated = update_item(self._table, key, changes, condition=condition, values=values, expressions=expressions)
        if isinstance(updated, Lost):
            return False, row_of(updated.item) if updated.item else None
        return True, row_of(updated)

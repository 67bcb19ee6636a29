"""The invariant of a delivery's row: after any changes in any order it is in the indexes as its state says."""

import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from hypothesis.stateful import run_state_machine_as_test as run

from jobsprint.core import aws as clients
from jobsprint.core.ids import new_id
from jobsprint.domain.deliveries import Attempt, DeliveryState, DeliveryTask, Lease, due_again_at
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.due_index import DueShard
from jobsprint.repositories.dynamodb import Item, marshal_item, unmarshal_item

START = 1_767_225_600_000
HOUR_MS = 3_600_000
TIMESTAMP = "2026-01-01T00:00:00Z"
ENDED = ("delivered", "exhausted", "discarded")
LEASE = {"leaseToken", "claimedAt", "leaseUntil"}
DUE = {"dueShard", "dueAt"}
EXAMPLES = int(os.environ.get("DELIVERY_EXAMPLES", "15"))
"""The long suite takes more."""
WAITS = st.sampled_from([0, 5_000, 300_000, 900_000, 900_001, 10 * HOUR_MS])


class OneDelivery(RuleBasedStateMachine):
    """Messages come in any order and number, as a queue may hand them out; the store decides which of them counts."""

    tasks = Bundle("tasks")
    claims = Bundle("claims")

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.store = DeliveryStore("acme")
        self.webhook_id = new_id("wh", START)
        self.delivery_id = new_id("dlv", START)
        self.claimed: list[int] = []
        self.held: str | None = None
        self.recoveries = 0

    @initialize(target=tasks)
    def published(self) -> DeliveryTask:
        event = new_id("evt", START)
        return DeliveryTask(
            "acme", self.webhook_id, self.delivery_id, event, "a.b", "2026-01-01T00:00:00Z", f"0#{event}"
        )

    @rule(wait=st.sampled_from([1_000, 60_000, HOUR_MS]))
    def time_passes(self, wait: int) -> None:
        self.now += wait

    @rule(target=claims, task=tasks)
    def claim(self, task: DeliveryTask) -> Any:
        lease = Lease(f"message-{len(self.claimed)}", "00")
        taken, _ = self.store.claim(task, lease, self.now)
        if not taken:
            return multiple()
        assert self.held is None, "two workers at once"
        assert task.attempt == (self.claimed[-1] if self.claimed else 0) + 1
        assert task.base == self._row().get("base", 0), "a message of an earlier round"
        self.claimed.append(task.attempt)
        self.held = lease.token
        return task, lease.token

    @rule(
        target=tasks,
        one=consumes(claims),
        ends=st.sampled_from(("retrying", *ENDED)),
        wait=WAITS,
    )
    def record(self, one: tuple[DeliveryTask, str], ends: DeliveryState, wait: int) -> Any:
        task, token = one
        next_at = self.now + wait if ends == "retrying" else None
        attempt = Attempt(task.attempt, "success" if ends == "delivered" else "error", self.now, 1)
        recorded, _ = self.store.record(task, token, attempt, ends, next_at, self.now)
        assert recorded
        self.held = None
        return self._waiting()

    @rule(task=tasks)
    def discard(self, task: DeliveryTask) -> None:
        self.store.discard(task, self.now)

    @rule(task=tasks, wait=WAITS)
    def defer(self, task: DeliveryTask, wait: int) -> None:
        self.store.defer(task, self.now + wait, self.now)

    @rule(target=tasks, wait=st.none() | WAITS, by_job=st.booleans())
    def reopen(self, wait: int | None, by_job: bool) -> Any:
        before = self._row()
        next_at = None if wait is None else self.now + wait
        self.recoveries += 1
        job = f"job_{self.recoveries}" if by_job else None
        done, stands = self.store.reopen(self.webhook_id, self.delivery_id, self.now, next_at=next_at, replay_id=job)
        assert done == (before.get("state") in ENDED)
        return stands.next_task(None) if done and stands else multiple()

    @rule(target=tasks)
    def expedite(self) -> Any:
        found = self.store.rows(self.webhook_id, [self.delivery_id], self.now)
        if not found or found[self.delivery_id].delivery.state in ENDED:
            return multiple()
        done, stands = self.store.expedite(found[self.delivery_id], self.now)
        assert done == (self.held is None)
        return stands.next_task(None) if done and stands else multiple()

    @rule(target=tasks)
    def sweep(self) -> Any:
        row = self._row()
        swept = []
        shard = DueShard(int(row.get("dueShard", 0)), "sweeper")
        for due in shard.page(self.now, 100)[0]:
            if due.task.delivery_id == self.delivery_id:
                swept.append(due)
                assert shard.postpone(due, due_again_at(due.due_at, due.sweeps, self.now))
        assert len(swept) == ("dueAt" in row and row["dueAt"] <= self.now)
        for due in swept:
            assert due.task.attempt == row["attempt"] + ("leaseToken" not in row)
            assert due.task.base == row.get("base", 0)
        return multiple(*(due.task for due in swept))

    @invariant()
    def stands_as_its_state_says(self) -> None:
        row = self._row()
        if not row:
            return
        state, names = row["state"], set(row)
        assert (row.get("leaseToken") is None) == (self.held is None)
        assert names & LEASE in (set(), LEASE)
        assert row["attempt"] == (self.claimed[-1] if self.claimed else 0)
        assert row.get("base", 0) <= row["attempt"]
        if state in ENDED:
            assert not names & {*DUE, *LEASE, "nextAttemptAt", "sweeps"}, names
        elif "leaseToken" not in row or row["attempt"] > 1:
            assert names >= DUE, "the sweeper does not see it"
            assert "listed" in names
        if state in ENDED or "leaseToken" not in row:
            assert ("nextAttemptAt" in names) == (state not in ENDED)
        if state == "delivered":
            assert "listed" not in names
        elif state in ENDED:
            assert "listed" in names
        if "listed" in names:
            assert row["listed"] == f"acme#{self.webhook_id}#{state}"

    @invariant()
    def counts_strictly_up(self) -> None:
        found = self.store.rows(self.webhook_id, [self.delivery_id], START)
        for row in found.values():
            numbers = [attempt.number for attempt in row.delivery.attempts]
            assert numbers == sorted(set(numbers))
            assert numbers == (self.claimed[:-1] if self.held else self.claimed)

    def _waiting(self) -> Any:
        found = self.store.rows(self.webhook_id, [self.delivery_id], self.now)
        row = found[self.delivery_id]
        return multiple() if row.delivery.state in ENDED else row.next_task(None)

    def _row(self) -> Item:
        key = marshal_item({"pk": f"acme#{self.webhook_id}", "sk": self.delivery_id})
        return unmarshal_item(clients.dynamodb().get_item(TableName="EventsTable", Key=key).get("Item", {}))


def test_a_row_stands_in_the_indexes_as_its_state_says(aws: dict[str, Any]) -> None:
    run(
        OneDelivery,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )

"""Recovering what a webhook did not get, as a job in steps through a queue of its own (`domain.replay`).

Nothing is lost or doubled, whatever dies when: a step sends the page that stands in the job, plans the next one, writes
both down by one conditional write and only then puts the next step into the queue. A repeated step finds deliveries
that carry the job's id or have their derived id already, and the dispatcher's claim lets each attempt out once.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from jobsprint.core import aws
from jobsprint.core.clock import iso_millis, now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, Detail, InvalidFields, NotFound
from jobsprint.core.ids import first_at, made_at, new_id
from jobsprint.core.observability import logger
from jobsprint.delivery import publisher, queue, subscriptions
from jobsprint.delivery.resend import hold, require_deliverable
from jobsprint.domain import events as event_names
from jobsprint.domain import replay
from jobsprint.domain.deliveries import LIVE_STATES, MAX_DELAY_MS, DeliveryRow
from jobsprint.domain.integrations import Integration
from jobsprint.domain.replay import Position, Recovery, Wanted
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.replay_candidates import FAILED, KeptEvent, Recoverable
from jobsprint.repositories.replay_jobs import RecoveryStore

TRIES = 5
"""How often the queue hands a step out before it is a dead letter; the template says the same."""

DRY_RUN_SECONDS = 8.0
"""How long a dry run counts within its request before the queue goes on with it."""

PLAN_SECONDS = 10.0
"""How long a step looks for what it may send next."""

_SLACK_MS = 300_000
_MARGIN_MS = 60_000
_DAY_MS = 86_400_000
_CHUNK = 100
_WORKERS = 8
_MIN_READ, _MAX_READ = 16, 250
_DELIVERY = "dlv_"

_Item = TypeVar("_Item")


# --- what a caller does -----------------------------------------------------------------------------------------------


def start(
    tenant: str,
    webhook_id: str,
    wanted: Wanted,
    *,
    clock: Callable[[], int] = now_ms,
    stopwatch: Callable[[], float] = time.monotonic,
) -> Recovery:
    """Starts a recovery and gives it; a dry run is counted at once as far as `DRY_RUN_SECONDS` go.

    Raises NotFound, InvalidFields for a range that cannot be, and Conflict `webhook_disabled` or `recovery_running`:
    a webhook has one recovery at a time.
    """
    now = clock()
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    if not wanted.dry_run:
        require_deliverable(webhook)
    pace = min(wanted.per_second, webhook.policy.rate_limit or wanted.per_second)
    wanted = replace(_checked(wanted, now), per_second=pace)
    job = Recovery(
        tenant=tenant,
        id=new_id("job", now),
        webhook_id=webhook_id,
        wanted=wanted,
        status="running",
        created_at=now,
        position=replay.beginning(wanted.states),
        due_at=now,
    )
    running = RecoveryStore(tenant).create(job)
    if running:
        raise Conflict(f"{running.id} recovers this webhook already: wait for it or cancel it", code="recovery_running")
    try:
        return _begun(job, webhook, clock, stopwatch)
    except Exception:
        RecoveryStore(tenant).end(job, "failed", clock(), "internal_error")
        raise


def find(tenant: str, webhook_id: str, job_id: str, now: int) -> Recovery:
    """A recovery of that webhook; `now` in ms. Raises NotFound."""
    IntegrationStore(tenant).webhook(webhook_id)
    job = RecoveryStore(tenant).get(webhook_id, job_id, now)
    return replace(job, status="failed", reason="stalled") if job.is_stalled(now) else job


def cancel(tenant: str, webhook_id: str, job_id: str, now: int) -> Recovery:
    """Cancels a recovery that runs, from its next step on; again, it gives the same. `now` in ms.

    Raises NotFound, and Conflict `recovery_ended` for one that has ended otherwise.
    """
    job = find(tenant, webhook_id, job_id, now)
    ended = RecoveryStore(tenant).end(job, "cancelled", now) if job.status == "running" else job
    if ended.status != "cancelled":
        raise Conflict(f"{job_id} is {ended.status}: there is nothing to cancel", code="recovery_ended")
    return ended


def earliest(now: int) -> int:
    """The time (ms) since when all is kept still.

    The row of a delivery lives that long from its event on, so an event without one has had none.
    """
    return now - settings().log_retention_days * _DAY_MS + _MARGIN_MS


def _begun(job: Recovery, webhook: Integration, clock: Callable[[], int], stopwatch: Callable[[], float]) -> Recovery:
    if job.wanted.dry_run:
        counted = _counted(job, webhook, clock, _Stop(stopwatch, DRY_RUN_SECONDS))
        job = RecoveryStore(job.tenant).advance(job, counted)
    if job.status == "running":
        _enqueue(job, 0)
    return job


def _checked(wanted: Wanted, now: int) -> Wanted:
    wrong: list[Detail] = []
    if wanted.since > now:
        wrong.append(Detail("body.since", "a time that has passed: there is nothing to recover yet"))
    elif wanted.since < earliest(now) - _SLACK_MS:
        days, first = settings().log_retention_days, iso_millis(earliest(now))
        wrong.append(Detail("body.since", f"events are kept for {days} days: not before {first}"))
    if wanted.until < wanted.since:
        wrong.append(Detail("body.until", "not before `since`"))
    if wrong:
        raise InvalidFields("; ".join(f"{one.field}: {one.message}" for one in wrong), details=wrong)
    return replace(wanted, since=max(wanted.since, earliest(now)), until=min(wanted.until, now))


# --- what the worker does ---------------------------------------------------------------------------------------------


def work(
    message: Mapping[str, object],
    received: int,
    *,
    clock: Callable[[], int] = now_ms,
    stopwatch: Callable[[], float] = time.monotonic,
) -> None:
    """Works one message of the queue, handed out for the `received`-th time; what it raises brings it back.

    The last try that fails on our side ends the recovery as `failed`.
    """
    tenant, webhook_id, job_id = (str(message[name]) for name in ("tenant", "webhookId", "jobId"))
    store = RecoveryStore(tenant)
    try:
        job = store.get(webhook_id, job_id, clock())
    except NotFound:
        return
    if job.status != "running":
        return
    if job.step != message["step"]:
        # Its worker may have died between writing the step down and sending the next one.
        if job.step - 1 == message["step"] and received > 1:
            _enqueue(job, max(0, job.due_at - clock()))
        return
    try:
        _step(store, job, clock, stopwatch)
    except Exception:
        if received >= TRIES:
            store.end(job, "failed", clock(), "internal_error")
        raise


def _step(store: RecoveryStore, job: Recovery, clock: Callable[[], int], stopwatch: Callable[[], float]) -> None:
    try:
        webhook = IntegrationStore(job.tenant).webhook(job.webhook_id)
    except NotFound:
        store.end(job, "cancelled", clock(), "webhook_deleted")
        return
    if job.wanted.dry_run:
        after = _counted(job, webhook, clock, _Stop(stopwatch, PLAN_SECONDS))
    elif webhook.status != "connected":
        store.end(job, "cancelled", clock(), "webhook_disabled")
        return
    else:
        after = _sent_and_planned(job, webhook, clock, _Stop(stopwatch, PLAN_SECONDS))
    stands = store.advance(job, after)
    # The one whose write counted goes on, also where the answer to it was lost: else there were two chains, or none.
    if stands.status == "running" and stands.worker == after.worker:
        _enqueue(stands, max(0, stands.due_at - clock()))
    logger.info("recovery_step", extra={"jobId": job.id, "step": job.step, "sent": stands.sent, "ends": stands.status})


class _Stop:
    """Whether the time for something is up."""

    def __init__(self, stopwatch: Callable[[], float], seconds: float) -> None:
        self._stopwatch = stopwatch
        self._end = stopwatch() + seconds

    def __call__(self) -> bool:
        return self._stopwatch() >= self._end


def _counted(job: Recovery, webhook: Integration, clock: Callable[[], int], stop: _Stop) -> Recovery:
    """The job after it counted on, without an end other than the time for it."""
    plan = _Planner(job, webhook, clock()).plan(job.position, None, stop)
    now = clock()
    return _moved(replace(job, matched=job.matched + len(plan.page)), plan.position, (), now, now)


def _sent_and_planned(job: Recovery, webhook: Integration, clock: Callable[[], int], stop: _Stop) -> Recovery:
    """The job after it sent its page and planned the next one."""
    began, pace = clock(), job.wanted.per_second
    sent = _Sender(job, webhook, began).send()
    plan = _Planner(job, webhook, clock()).plan(job.position, replay.page_size(pace), stop)
    due_at = began + replay.pause_seconds(len(job.page), pace) * 1000
    counted = replace(job, sent=job.sent + sent, matched=job.matched + len(plan.page))
    return _moved(counted, plan.position, plan.page, due_at, clock())


def _moved(job: Recovery, position: Position | None, page: tuple[str, ...], due_at: int, now: int) -> Recovery:
    worker = os.urandom(8).hex()
    moved = replace(job, step=job.step + 1, position=position, page=page, due_at=due_at, worker=worker)
    return moved if page or position else replace(moved, status="done", finished_at=now)


def _enqueue(job: Recovery, wait_ms: int) -> None:
    body = {"tenant": job.tenant, "webhookId": job.webhook_id, "jobId": job.id, "step": job.step}
    aws.sqs().send_message(
        QueueUrl=settings().recovery_queue_url,
        MessageBody=json.dumps(body),
        MessageGroupId=job.tenant,  # makes the queue fair: a tenant with many recoveries waits behind the others
        DelaySeconds=math.ceil(min(wait_ms, MAX_DELAY_MS) / 1000),
    )


# --- planning ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Plan:
    """Delivery ids and event keys, and where to go on (None at the end)."""

    page: tuple[str, ...]
    position: Position | None


@dataclass(frozen=True)
class _Found:
    """What may be sent, with the sort key it stands at."""

    sort: str
    reference: str


class _Planner:
    """Looks for what a webhook did not get; `now` in ms."""

    def __init__(self, job: Recovery, webhook: Integration, now: int) -> None:
        self._webhook = webhook
        self._wanted = job.wanted
        self._since = max(job.wanted.since, earliest(now))
        self._now = now
        self._store = Recoverable(job.tenant)
        self._deliveries = DeliveryStore(job.tenant)
        self._reads = {"failed": self._failed, "missing": self._missing, "later": self._later, "named": self._named}

    def plan(self, position: Position | None, size: int | None, stop: _Stop) -> _Plan:
        """Goes on from `position` until `size` references are found (None: however many), or the time is up."""
        page: list[str] = []
        read = min(max(_MIN_READ, (size or replay.MAX_PAGE) // 8), _MAX_READ)
        while position and (size is None or len(page) < size):
            found, until = self._reads[position.phase](position, read)
            room = len(found) if size is None else size - len(page)
            page += [one.reference for one in found[:room]]
            if len(found) > room:
                position = replace(position, after=found[room - 1].sort)
            elif until is not None:
                position = replace(position, after=until)
            else:
                position = replay.following(position, self._wanted.states)
            if stop():
                break
            read = min(read * 2, _MAX_READ)
        return _Plan(tuple(page), position)

    def _failed(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        first, last = self._bounds("dlv")
        ids, until = self._store.failed(self._webhook.id, after=position.after, first=first, last=last, limit=limit)
        if self._wanted.events:
            ids = [id_ for chunk in _chunks(ids) for id_ in self._of_asked_events(chunk)]
        return [_Found(id_, id_) for id_ in ids], until

    def _of_asked_events(self, ids: Sequence[str]) -> list[str]:
        rows = self._deliveries.rows(self._webhook.id, ids, self._now)
        return [id_ for id_ in ids if id_ in rows and self._asked_for(rows[id_].delivery.event)]

    def _missing(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        first, last = self._bounds("evt")
        events, until = self._store.published(
            after=position.after, first=first, last=last, limit=limit, with_data=self._with_data, now=self._now
        )
        return [_Found(one.event.id, one.key) for one in self._undelivered(events)], until

    def _later(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        # Whoever kept it may have had a slower clock than its publisher.
        events, until = self._store.kept_later(
            since=self._since - _MARGIN_MS, after=position.after, limit=limit, with_data=self._with_data, now=self._now
        )
        within = [one for one in events if self._since <= made_at(one.event.id) <= self._wanted.until]
        return [_Found(one.sort, one.key) for one in self._undelivered(within)], until

    def _named(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        events, until = self._store.named(
            position.shard, after=position.after, limit=limit, with_data=self._with_data, now=self._now
        )
        within = [one for one in events if self._since <= one.created_at <= self._wanted.until]
        return [_Found(one.sort, one.key) for one in self._undelivered(within)], until

    def _bounds(self, prefix: str) -> tuple[str, str]:
        return f"{prefix}_{first_at(self._since)}", f"{prefix}_{first_at(self._wanted.until)}~"

    @property
    def _with_data(self) -> bool:
        return self._webhook.policy.filter is not None

    def _undelivered(self, events: Sequence[KeptEvent]) -> list[KeptEvent]:
        """The events that the webhook wants and has no delivery of."""
        wanted = [
            one for one in events if self._asked_for(one.event.name) and subscriptions.wants(self._webhook, one.event)
        ]
        if not wanted:
            return []
        # An event may stand in two items (`repositories.events`); the first counts, as the planning goes on behind it.
        by_id: dict[str, KeptEvent] = {}
        for one in wanted:
            by_id.setdefault(publisher.delivery_id(one.event, self._webhook.id), one)
        with ThreadPoolExecutor(_WORKERS) as workers:
            known = set().union(*workers.map(partial(self._store.known, self._webhook.id), _chunks(list(by_id))))
        return [one for id_, one in by_id.items() if id_ not in known]

    def _asked_for(self, name: str) -> bool:
        return not self._wanted.events or event_names.covers(self._wanted.events, name)


# --- sending ----------------------------------------------------------------------------------------------------------


class _Sender:
    """Sends the page of a job, at its pace from `now` (ms) on."""

    def __init__(self, job: Recovery, webhook: Integration, now: int) -> None:
        self._job = job
        self._webhook = webhook
        self._now = now
        self._store = Recoverable(job.tenant)
        self._deliveries = DeliveryStore(job.tenant)

    def send(self) -> int:
        """Sends it; how many deliveries that are, those included that an earlier try sent."""
        placed = list(enumerate(self._job.page))
        return sum(self._send(chunk) for chunk in _chunks(placed))

    def _send(self, chunk: Sequence[tuple[int, str]]) -> int:
        due_at = {
            reference: self._now + replay.wait_ms(place, self._job.wanted.per_second) for place, reference in chunk
        }
        deliveries = [reference for reference in due_at if reference.startswith(_DELIVERY)]
        rows = self._deliveries.rows(self._webhook.id, deliveries, self._now)
        keys = [reference for reference in due_at if not reference.startswith(_DELIVERY)]
        events = self._store.kept([*keys, *(row.event_key for row in rows.values())], self._now)
        for event in events.values():
            hold(self._webhook, event, self._now)
        with ThreadPoolExecutor(_WORKERS) as workers:
            reopened = workers.map(
                lambda row: self._reopened(row, due_at[row.delivery.id]),
                [row for row in rows.values() if row.event_key in events],
            )
            rounds = [row for row in reopened if row]
        tickets = [row.awaited(events[row.event_key].event.data) for row in rounds if _has_not_begun(row)]
        missing = [key for key in keys if key in events]
        tickets += [publisher.first_ticket(events[key].event, self._webhook.id, due_at[key]) for key in missing]
        queue.put_all(sorted(tickets, key=lambda ticket: ticket.not_before), self._now)
        return len(rounds) + len(missing)

    def _reopened(self, row: DeliveryRow, due_at: int) -> DeliveryRow | None:
        """The delivery in the round that this job began, now or in an earlier try; None if it is failed no more."""
        done, stands = self._deliveries.reopen(
            self._webhook.id, row.delivery.id, self._now, states=FAILED, next_at=due_at, recovery=self._job.id
        )
        return stands if done or (stands and stands.recovery == self._job.id) else None


def _has_not_begun(row: DeliveryRow) -> bool:
    return row.delivery.state in LIVE_STATES and row.attempt == row.base and row.claim is None


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))

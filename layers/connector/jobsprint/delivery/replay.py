"""Replaying what a webhook did not get, as a job in steps through a queue of its own (`domain.replay`).

Nothing is lost or doubled by a crash: a step sends the page that is stored in the job, plans the next one, stores both
by one conditional write and only then enqueues the next step. A repeated step finds deliveries that carry the job's id
or have their derived id already, and the dispatcher's claim lets each attempt out once.
"""

import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from jobsprint.core import aws
from jobsprint.core.clock import iso_millis, now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, Detail, InvalidFields, NotFound
from jobsprint.core.ids import id_range, new_id
from jobsprint.core.observability import logger
from jobsprint.delivery import publisher, queue, subscriptions
from jobsprint.delivery.resend import extend_event
from jobsprint.domain import events as event_names
from jobsprint.domain import replay
from jobsprint.domain.deliveries import JSON_FIELDS, LIVE_STATES, MAX_DELAY_MS, DeliveryRow
from jobsprint.domain.integrations import Integration, inactive_reason, require_connected
from jobsprint.domain.replay import Position, ReplayJob, ReplayRequest
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.replay_candidates import FAILED, ReplayCandidates, StoredEvent
from jobsprint.repositories.replay_jobs import ReplayJobStore

TRIES = 5
"""How often a step is received before it is a dead letter; the template says the same."""

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


class ReplayStep(BaseModel):
    """A message of the queue: work that step of a replay job."""

    model_config = ConfigDict(**JSON_FIELDS, frozen=True, validate_by_name=True, validate_by_alias=True)

    tenant: str
    webhook_id: str
    job_id: str
    step: int


# --- for callers ------------------------------------------------------------------------------------------------------


def start(
    tenant: str,
    webhook_id: str,
    request: ReplayRequest,
    *,
    clock: Callable[[], int] = now_ms,
    stopwatch: Callable[[], float] = time.monotonic,
) -> ReplayJob:
    """Start a replay job and return it; a dry run is counted at once as far as `DRY_RUN_SECONDS` allow.

    Raises NotFound, InvalidFields for an impossible range, and Conflict `webhook_paused`, `webhook_disabled` or
    `recovery_running`: a webhook has one replay job at a time.
    """
    now = clock()
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    if not request.dry_run:
        require_connected(webhook)
    rate = min(request.per_second, webhook.policy.rate_limit or request.per_second)
    request = replace(_checked(request, now), per_second=rate)
    job = ReplayJob(
        tenant=tenant,
        id=new_id("job", now),
        webhook_id=webhook_id,
        request=request,
        status="running",
        created_at=now,
        position=replay.beginning(request.states),
        due_at=now,
    )
    running = ReplayJobStore(tenant).create(job)
    if running:
        raise Conflict(f"{running.id} recovers this webhook already: wait for it or cancel it", code="recovery_running")
    try:
        return _begun(job, webhook, clock, stopwatch)
    except Exception:
        ReplayJobStore(tenant).end(job, "failed", clock(), "internal_error")
        raise


def find(tenant: str, webhook_id: str, job_id: str, now: int) -> ReplayJob:
    """A replay job of that webhook; `now` in ms. Raises NotFound."""
    IntegrationStore(tenant).webhook(webhook_id)
    return _seen(ReplayJobStore(tenant).get(webhook_id, job_id, now), now)


def page(
    tenant: str, webhook_id: str, now: int, *, limit: int, position: str | None
) -> tuple[list[ReplayJob], str | None]:
    """A page of that webhook's replay jobs, newest first, and the position to go on from. Raises NotFound."""
    IntegrationStore(tenant).webhook(webhook_id)
    jobs, more = ReplayJobStore(tenant).page(webhook_id, now, limit=limit, position=position)
    return [_seen(job, now) for job in jobs], more


def _seen(job: ReplayJob, now: int) -> ReplayJob:
    """The job as it is shown: one that no worker goes on with has failed."""
    return replace(job, status="failed", reason="stalled") if job.is_stalled(now) else job


def cancel(tenant: str, webhook_id: str, job_id: str, now: int) -> ReplayJob:
    """Cancel a running replay job from its next step on; cancelling it again returns the same. `now` in ms.

    Raises NotFound, and Conflict `recovery_ended` for one that has ended otherwise.
    """
    job = find(tenant, webhook_id, job_id, now)
    ended = ReplayJobStore(tenant).end(job, "cancelled", now) if job.status == "running" else job
    if ended.status != "cancelled":
        raise Conflict(f"{job_id} is {ended.status}: there is nothing to cancel", code="recovery_ended")
    return ended


def earliest(now: int) -> int:
    """The time (ms) since when every event is still stored.

    A delivery's row is kept that long after its event, so an event without one never had a delivery.
    """
    return now - settings().log_retention_days * _DAY_MS + _MARGIN_MS


def _begun(job: ReplayJob, webhook: Integration, clock: Callable[[], int], stopwatch: Callable[[], float]) -> ReplayJob:
    if job.request.dry_run:
        counted = _counted(job, webhook, clock, _Stop(stopwatch, DRY_RUN_SECONDS))
        job = ReplayJobStore(job.tenant).advance(job, counted)
    if job.status == "running":
        _enqueue(job, 0)
    return job


def _checked(request: ReplayRequest, now: int) -> ReplayRequest:
    wrong: list[Detail] = []
    if request.since > now:
        wrong.append(Detail("body.since", "a time that has passed: there is nothing to recover yet"))
    elif request.since < earliest(now) - _SLACK_MS:
        days, first = settings().log_retention_days, iso_millis(earliest(now))
        wrong.append(Detail("body.since", f"events are kept for {days} days: not before {first}"))
    if request.until < request.since:
        wrong.append(Detail("body.until", "not before `since`"))
    if wrong:
        raise InvalidFields("; ".join(f"{one.field}: {one.message}" for one in wrong), details=wrong)
    return replace(request, since=max(request.since, earliest(now)), until=min(request.until, now))


# --- the worker -------------------------------------------------------------------------------------------------------


def work(
    message: ReplayStep,
    received: int,
    *,
    clock: Callable[[], int] = now_ms,
    stopwatch: Callable[[], float] = time.monotonic,
) -> None:
    """Work one message of the queue, received for the `received`-th time; an exception returns it to the queue.

    The last try that fails on our side ends the job as `failed`.
    """
    store = ReplayJobStore(message.tenant)
    try:
        job = store.get(message.webhook_id, message.job_id, clock())
    except NotFound:
        return
    if job.status != "running":
        return
    if job.step != message.step:
        # Its worker may have crashed between storing the step and enqueuing the next one.
        if job.step - 1 == message.step and received > 1:
            _enqueue(job, max(0, job.due_at - clock()))
        return
    try:
        _step(store, job, clock, stopwatch)
    except Exception:
        if received >= TRIES:
            store.end(job, "failed", clock(), "internal_error")
        raise


def _step(store: ReplayJobStore, job: ReplayJob, clock: Callable[[], int], stopwatch: Callable[[], float]) -> None:
    try:
        webhook = IntegrationStore(job.tenant).webhook(job.webhook_id)
    except NotFound:
        store.end(job, "cancelled", clock(), "webhook_deleted")
        return
    if job.request.dry_run:
        after = _counted(job, webhook, clock, _Stop(stopwatch, PLAN_SECONDS))
    elif webhook.status != "connected":
        store.end(job, "cancelled", clock(), inactive_reason(webhook))
        return
    else:
        after = _sent_and_planned(job, webhook, clock, _Stop(stopwatch, PLAN_SECONDS))
    current = store.advance(job, after)
    # The worker whose write succeeded goes on, also where the response to it was lost: one chain of steps, not two.
    if current.status == "running" and current.worker == after.worker:
        _enqueue(current, max(0, current.due_at - clock()))
    logger.info("replay_step", extra={"jobId": job.id, "step": job.step, "sent": current.sent, "ends": current.status})


class _Stop:
    """Whether a time budget is used up."""

    def __init__(self, stopwatch: Callable[[], float], seconds: float) -> None:
        self._stopwatch = stopwatch
        self._end = stopwatch() + seconds

    def __call__(self) -> bool:
        return self._stopwatch() >= self._end


def _counted(job: ReplayJob, webhook: Integration, clock: Callable[[], int], stop: _Stop) -> ReplayJob:
    """The job after it has counted on until the end of its time."""
    plan = _Planner(job, webhook, clock()).plan(job.position, None, stop)
    now = clock()
    return _moved(replace(job, matched=job.matched + len(plan.page)), plan.position, (), now, now)


def _sent_and_planned(job: ReplayJob, webhook: Integration, clock: Callable[[], int], stop: _Stop) -> ReplayJob:
    """The job after it has sent its page and planned the next one."""
    began, rate = clock(), job.request.per_second
    sent = _Sender(job, webhook, began).send()
    plan = _Planner(job, webhook, clock()).plan(job.position, replay.page_size(rate), stop)
    due_at = began + replay.pause_seconds(len(job.page), rate) * 1000
    counted = replace(job, sent=job.sent + sent, matched=job.matched + len(plan.page))
    return _moved(counted, plan.position, plan.page, due_at, clock())


def _moved(job: ReplayJob, position: Position | None, page: tuple[str, ...], due_at: int, now: int) -> ReplayJob:
    worker = os.urandom(8).hex()
    moved = replace(job, step=job.step + 1, position=position, page=page, due_at=due_at, worker=worker)
    return moved if page or position else replace(moved, status="done", finished_at=now)


def _enqueue(job: ReplayJob, wait_ms: int) -> None:
    message = ReplayStep(tenant=job.tenant, webhook_id=job.webhook_id, job_id=job.id, step=job.step)
    aws.sqs().send_message(
        QueueUrl=settings().recovery_queue_url,
        MessageBody=message.model_dump_json(),
        MessageGroupId=job.tenant,  # makes the queue fair: a tenant with many replays waits behind the others
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
    """A delivery or event that may be sent, and the sort key where it was found."""

    sort: str
    reference: str


class _Planner:
    """Finds what a webhook did not get; `now` in ms."""

    def __init__(self, job: ReplayJob, webhook: Integration, now: int) -> None:
        self._webhook = webhook
        self._request = job.request
        self._since = max(job.request.since, earliest(now))
        self._now = now
        self._store = ReplayCandidates(job.tenant)
        self._deliveries = DeliveryStore(job.tenant)
        self._reads = {"failed": self._failed, "missing": self._missing, "named": self._named}

    def plan(self, position: Position | None, size: int | None, stop: _Stop) -> _Plan:
        """Go on from `position` until `size` references are found (None: no limit), or the time is up."""
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
                position = replay.following(position, self._request.states)
            if stop():
                break
            read = min(read * 2, _MAX_READ)
        return _Plan(tuple(page), position)

    def _failed(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        first, last = self._bounds("dlv")
        ids, until = self._store.failed(self._webhook.id, after=position.after, first=first, last=last, limit=limit)
        if self._request.events:
            ids = [id_ for chunk in _chunks(ids) for id_ in self._with_wanted_events(chunk)]
        return [_Found(id_, id_) for id_ in ids], until

    def _with_wanted_events(self, ids: Sequence[str]) -> list[str]:
        rows = self._deliveries.rows(self._webhook.id, ids, self._now)
        return [id_ for id_ in ids if id_ in rows and self._wants_event(rows[id_].delivery.event)]

    def _missing(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        first, last = self._bounds("evt")
        events, until = self._store.published(
            after=position.after, first=first, last=last, limit=limit, with_data=self._with_data, now=self._now
        )
        return [_Found(one.event.id, one.key) for one in self._undelivered(events)], until

    def _named(self, position: Position, limit: int) -> tuple[list[_Found], str | None]:
        events, until = self._store.named(
            position.shard, after=position.after, limit=limit, with_data=self._with_data, now=self._now
        )
        within = [one for one in events if self._since <= one.created_at <= self._request.until]
        return [_Found(one.sort, one.key) for one in self._undelivered(within)], until

    def _bounds(self, prefix: str) -> tuple[str, str]:
        return id_range(prefix, self._since, self._request.until)

    @property
    def _with_data(self) -> bool:
        return self._webhook.policy.filter is not None

    def _undelivered(self, events: Sequence[StoredEvent]) -> list[StoredEvent]:
        """The events that the webhook wants and has no delivery of."""
        wanted = [
            one for one in events if self._wants_event(one.event.name) and subscriptions.wants(self._webhook, one.event)
        ]
        if not wanted:
            return []
        by_id = {publisher.delivery_id(one.event, self._webhook.id): one for one in wanted}
        with ThreadPoolExecutor(_WORKERS) as workers:
            known = set().union(*workers.map(partial(self._store.known, self._webhook.id), _chunks(list(by_id))))
        return [one for id_, one in by_id.items() if id_ not in known]

    def _wants_event(self, name: str) -> bool:
        return not self._request.events or event_names.covers(self._request.events, name)


# --- sending ----------------------------------------------------------------------------------------------------------


class _Sender:
    """Sends the page of a job, at its rate from `now` (ms) on."""

    def __init__(self, job: ReplayJob, webhook: Integration, now: int) -> None:
        self._job = job
        self._webhook = webhook
        self._now = now
        self._store = ReplayCandidates(job.tenant)
        self._deliveries = DeliveryStore(job.tenant, polled=webhook.is_polling)

    def send(self) -> int:
        """Send it and return the number of deliveries, those that an earlier try sent included."""
        return sum(self._send(chunk) for chunk in _chunks(list(enumerate(self._job.page))))

    def _send(self, chunk: Sequence[tuple[int, str]]) -> int:
        due_at = {
            reference: self._now + replay.wait_ms(index, self._job.request.per_second) for index, reference in chunk
        }
        deliveries = [reference for reference in due_at if reference.startswith(_DELIVERY)]
        rows = self._deliveries.rows(self._webhook.id, deliveries, self._now)
        keys = [reference for reference in due_at if not reference.startswith(_DELIVERY)]
        events = self._store.stored([*keys, *(row.event_key for row in rows.values())], self._now)
        for event in events.values():
            extend_event(self._webhook, event, self._now)
        with ThreadPoolExecutor(_WORKERS) as workers:
            reopened = workers.map(
                lambda row: self._reopened(row, due_at[row.delivery.id]),
                [row for row in rows.values() if row.event_key in events],
            )
            rounds = [row for row in reopened if row]
        missing = [
            publisher.first_task(events[key].event, self._webhook.id, due_at[key]) for key in keys if key in events
        ]
        if self._webhook.is_polling:
            publisher.add_to_poll_queues(missing, self._now)
        else:
            begun = [row.next_task(events[row.event_key].event.data) for row in rounds if _has_not_begun(row)]
            queue.send_all(sorted([*begun, *missing], key=lambda task: task.not_before), self._now)
        return len(rounds) + len(missing)

    def _reopened(self, row: DeliveryRow, due_at: int) -> DeliveryRow | None:
        """The delivery in the round that this job began, now or in an earlier try; None if it no longer is failed."""
        reopened, current = self._deliveries.reopen(
            self._webhook.id, row.delivery.id, self._now, states=FAILED, next_at=due_at, replay_id=self._job.id
        )
        return current if reopened or (current and current.replay_id == self._job.id) else None


def _has_not_begun(row: DeliveryRow) -> bool:
    return row.delivery.state in LIVE_STATES and row.attempt == row.base and row.lease_token is None


def _chunks(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))

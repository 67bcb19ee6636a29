"""The dispatcher: delivers a batch of tasks from the queue. Admit → claim → send → record → schedule.

A message is done when the result of its attempt is recorded and the next attempt, if there is one within 15 minutes, is
in the queue; a later one is in the due index, and `delivery.sweeper` enqueues it. A crash anywhere returns the
message, and the delivery's row says how far it got (`domain.deliveries.resolve_claim_conflict`). Whatever an endpoint
does, its message succeeds: only faults of the service return it.

Each step is done for the whole batch. Admission control decides on all deliveries to one webhook together, and one
client sends all requests, which so share connections and name lookups. The writes are made in a small thread pool, also
because libcurl must not wait for DynamoDB.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.observability import logger
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import endpoints, metrics, operational_events, polling_expiry, queue
from jobsprint.delivery.admission import AdmissionControl, Key
from jobsprint.delivery.endpoints import WebhookEndpoint
from jobsprint.delivery.queue import ExpiryCheck, OutboxCheck, Received
from jobsprint.delivery.recorder import Recorder, Result
from jobsprint.domain.deliveries import (
    ConflictResolution,
    DeliveryRow,
    DeliveryTask,
    Lease,
    RecordedAttempt,
    fits_in_queue,
    is_deferred_by_another,
    resolve_claim_conflict,
    shows_deferral,
)
from jobsprint.domain.delivery_headers import USER_AGENT
from jobsprint.domain.delivery_stats import counted
from jobsprint.domain.endpoint_health import Totals
from jobsprint.outbound.address_policy import deployment_policy
from jobsprint.outbound.client import Client, Request, Response, TransferResult
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_stats import StatsStore
from jobsprint.repositories.events import EventStore

_WORKERS = 10


@dataclass(frozen=True)
class _Delivery:
    """A task that is due, the message that brought it, and its endpoint (None: none that takes it)."""

    message: Received
    task: DeliveryTask
    endpoint: WebhookEndpoint | None


@dataclass(frozen=True)
class _Claimed:
    """An attempt that this batch has claimed, and its signed request."""

    delivery: _Delivery
    endpoint: WebhookEndpoint
    request: Request
    lease: Lease
    started_at: int

    def result(self, outcome: TransferResult) -> Result:
        """The result of the attempt, to be recorded."""
        task = self.delivery.task
        attempt = self.endpoint.attempt_records.build(outcome, task.attempt, self.started_at)
        retry_after = outcome.headers.get("retry-after") if isinstance(outcome, Response) else None
        return Result(task, self.lease.token, attempt, retry_after, self.endpoint)


def dispatch(
    records: Sequence[Mapping[str, Any]],
    *,
    clock: Callable[[], int] = now_ms,
    chance: Callable[[], float] | None = None,
) -> list[str]:
    """Deliver the records of an SQS event and return the ids of the messages that must be returned to the queue.

    `clock` gives Unix ms, `chance` a random number from 0 to 1 for the jitter.
    """
    return _Batch(clock, chance or random_fraction).deliver([Received.of(record) for record in records])


class _Batch:
    """The messages of one invocation."""

    def __init__(self, clock: Callable[[], int], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._admission = AdmissionControl(clock, chance)
        self._recorder = Recorder(clock, chance)
        self._endpoints: dict[Key, WebhookEndpoint | None] = {}
        self._returned: list[str] = []
        self._discarded: list[DeliveryTask] = []
        self._writes: list[Future[None]] = []

    def deliver(self, messages: Sequence[Received]) -> list[str]:
        """Deliver every message; the ids of those that failed on our side."""
        # Clients are made here: doing so in several threads at once is not safe, and doing so after the claims would
        # leave those open if it failed.
        aws.dynamodb()
        aws.sqs()
        client = delivery_client()
        due = [delivery for message in messages if (delivery := self._read(message))]
        admitted = self._admit(due)
        claimed = [claim for claim in worker_pool().map(self._claim, admitted) if claim]
        try:
            if claimed:
                self._send(client, claimed)
        finally:
            wait(self._writes)  # also when sending fails: nothing of a batch goes on after it
        for write in self._writes:
            write.result()
        self._report()
        counts = {"messages": len(messages), "sent": len(claimed), "returned": len(self._returned)}
        logger.info("dispatched", extra=counts)
        return self._returned

    @contextmanager
    def _returning(self, message: Received) -> Iterator[None]:
        """An exception inside is a fault of the service: the message is returned to the queue."""
        try:
            yield
        except Exception:  # noqa: BLE001 - one message's failure must not touch the others
            logger.exception("delivery_failed_on_our_side", extra={"messageId": message.message_id})
            self._returned.append(message.message_id)

    # --- read ---------------------------------------------------------------------------------------------------------

    def _read(self, message: Received) -> _Delivery | None:
        """The delivery in a message; None where it is not due yet, and re-enqueued, or no delivery."""
        with self._returning(message):
            task, now = queue.from_text(message.body), self._clock()
            if task.not_before > now:
                queue.send(task, now)
            elif isinstance(task, OutboxCheck):
                operational_events.check_outbox(task, now)
            elif isinstance(task, ExpiryCheck):
                polling_expiry.check(task, now)
            else:
                return _Delivery(message, task, self._endpoint(task))
        return None

    def _endpoint(self, task: DeliveryTask) -> WebhookEndpoint | None:
        """The webhook as it is now, read once per batch."""
        key = (task.tenant, task.webhook_id)
        if key not in self._endpoints:
            self._endpoints[key] = endpoints.find(*key, self._clock())
        return self._endpoints[key]

    # --- admit --------------------------------------------------------------------------------------------------------

    def _admit(self, due: Sequence[_Delivery]) -> list[_Delivery]:
        """What may be sent now. The others are deferred, which uses up no attempt."""
        asking = [(delivery, delivery.endpoint.webhook) for delivery in due if delivery.endpoint]
        answers = self._admission.admit([(delivery.task, webhook) for delivery, webhook in asking])
        deferred = {
            delivery.message.message_id: until
            for (delivery, _), until in zip(asking, answers, strict=True)
            if until is not None
        }
        for delivery in due:
            if delivery.message.message_id in deferred:
                until = deferred[delivery.message.message_id]
                self._writes.append(worker_pool().submit(self._defer, delivery, until))
        return [delivery for delivery in due if delivery.message.message_id not in deferred]

    def _defer(self, delivery: _Delivery, until: int) -> None:
        with self._returning(delivery.message):
            now, task = self._clock(), delivery.task
            # If the message was received before, an attempt may be in progress, which only the row says.
            if delivery.message.count > 1 or shows_deferral(task, until, now):
                deferred, row = DeliveryStore(task.tenant).defer(task, until, now)
                if not deferred:
                    if not is_deferred_by_another(row, task):
                        self._resolve_conflict(delivery, row, Lease(delivery.message.message_id, ""))
                    return
                if not fits_in_queue(until, now):
                    return
            queue.send(replace(task, not_before=until, deferrals=task.deferrals + 1), now)

    # --- claim --------------------------------------------------------------------------------------------------------

    def _claim(self, delivery: _Delivery) -> _Claimed | None:
        """Claim the attempt of a task; None where it is not to be sent now, or not any more.

        Of two messages with the same task one gets the claim.
        """
        with self._returning(delivery.message):
            task, endpoint = delivery.task, delivery.endpoint
            payload = self._payload(task) if endpoint else None
            if endpoint is None or payload is None:
                self._discard(delivery)
                return None
            # Everything that can fail on our side is done before the claim: an open lease means "may have been sent".
            now = self._clock()
            lease = Lease(delivery.message.message_id, os.urandom(4).hex())
            request = attempts.request(task, payload, endpoint.webhook, endpoint.credentials, now)
            claim = _Claimed(delivery, endpoint, request, lease, now)
            claimed, row = DeliveryStore(task.tenant).claim(task, lease, now)
            if claimed or self._resolve_conflict(delivery, row, lease) == "proceed":
                return claim
        return None

    def _payload(self, task: DeliveryTask) -> str | None:
        """The event's data as canonical text; None where the event has expired."""
        return task.data if task.data is not None else EventStore(task.tenant).data_of(task.event_key, self._clock())

    def _discard(self, delivery: _Delivery) -> None:
        """End a delivery whose webhook takes no more, or whose event has expired."""
        discarded, row = DeliveryStore(delivery.task.tenant).discard(delivery.task, self._clock())
        if discarded:
            self._discarded.append(delivery.task)
        else:
            self._resolve_conflict(delivery, row, Lease(delivery.message.message_id, ""))

    def _resolve_conflict(self, delivery: _Delivery, row: DeliveryRow | None, lease: Lease) -> ConflictResolution:
        """Do what the row that refused a write asks for, and say what that is."""
        message, task = delivery.message, delivery.task
        resolution = resolve_claim_conflict(row, task, lease, received=message.count, now=self._clock())
        if resolution == "return":
            self._returned.append(message.message_id)
        elif resolution == "schedule" and row:
            self._recorder.schedule(replace(task, base=row.base), row.delivery.next_attempt_at)
        elif resolution == "abandoned" and row and row.lease_token:
            unknown = attempts.unknown(task.attempt, row.claimed_at)
            self._recorder.record(Result(task, row.lease_token, unknown, None, delivery.endpoint))
        return resolution

    # --- send, record and schedule ------------------------------------------------------------------------------------

    def _send(self, client: Client, claimed: Sequence[_Claimed]) -> None:
        """Send all requests at once; record each result, and schedule the next attempt, as its response ends."""

        def on_done(index: int, outcome: TransferResult) -> None:
            self._admission.responded(claimed[index].delivery.task)
            self._writes.append(worker_pool().submit(self._record, claimed[index], outcome))

        with self._admission.awaiting([claim.delivery.task for claim in claimed]):
            client.send_all(
                [claim.request for claim in claimed],
                timeout=attempts.BUDGET_SECONDS,
                max_body=attempts.MAX_RESPONSE_BYTES,
                on_done=on_done,
            )

    def _record(self, claim: _Claimed, outcome: TransferResult) -> None:
        with self._returning(claim.delivery.message):
            self._recorder.record(claim.result(outcome))

    # --- report -------------------------------------------------------------------------------------------------------

    def _report(self) -> None:
        """Count the batch, update the health of its webhooks, and write its metrics."""
        recorded = self._recorder.recorded
        by_webhook: dict[Key, list[RecordedAttempt]] = {}
        for one in recorded:
            by_webhook.setdefault((one.task.tenant, one.task.webhook_id), []).append(one)
        self._admission.close(by_webhook, self._count(by_webhook))
        metrics.report(recorded, discarded=len(self._discarded), returned=len(self._returned))

    def _count(self, recorded: Mapping[Key, Sequence[RecordedAttempt]]) -> dict[Key, Totals]:
        """Add the batch to the usage counters, one write per webhook, and return these.

        They may miss a batch; deliveries may not.
        """
        totals: dict[Key, Totals] = {}
        for (tenant, webhook_id), own in recorded.items():
            try:
                counts = counted([one.attempt for one in own])
                totals[tenant, webhook_id] = StatsStore(tenant).count(webhook_id, counts, self._clock())
            except Exception:  # noqa: BLE001 - the deliveries are recorded; failing here would send them again
                logger.exception("usage_not_counted", extra={"webhookId": webhook_id})
        return totals


def random_fraction() -> float:
    """A random number from 0 to 1."""
    return int.from_bytes(os.urandom(2)) / 0xFFFF


@cache
def delivery_client() -> Client:
    """The container's client, which keeps connections alive between batches."""
    return Client(deployment_policy(), user_agent=USER_AGENT)


@cache
def worker_pool() -> ThreadPoolExecutor:
    """The container's threads for writes. Starting ten for each batch took a tenth of its CPU."""
    return ThreadPoolExecutor(_WORKERS)

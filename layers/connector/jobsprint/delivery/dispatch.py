"""The dispatcher: sends a batch of tickets at once, and writes down what became of each.

A message is done when its attempt is recorded and, where there is another one within 15 minutes, the next ticket is in
the queue; a later one stands in the due index, and `delivery.sweep` brings it. A crash anywhere brings the message
back, and the row says how far it got (`domain.deliveries.standing`). What a receiver does never fails a message: only
our own faults do.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jobsprint import aws
from jobsprint.config import settings
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import queue, telling
from jobsprint.delivery.figures import Figures
from jobsprint.delivery.gate import Gate
from jobsprint.delivery.schedule import Verdict, schedule_of, verdict
from jobsprint.delivery.sent_headers import USER_AGENT
from jobsprint.domain import event_names
from jobsprint.domain.attempt_counts import counted
from jobsprint.domain.deliveries import (
    Claim,
    DeliveryRow,
    Ticket,
    held_by_queue,
    put_off_by_another,
    shows_wait,
    standing,
)
from jobsprint.domain.errors import NotFound
from jobsprint.domain.models import Attempt, Integration
from jobsprint.domain.times import now_ms
from jobsprint.domain.traffic import Totals
from jobsprint.observe import logger
from jobsprint.security.addresses import deployment_policy
from jobsprint.security.credentials import Credentials, open_credentials
from jobsprint.security.outbound import Answer, Client, Outcome, Request
from jobsprint.store.deliveries import DeliveryStore
from jobsprint.store.events import EventStore
from jobsprint.store.integrations import IntegrationStore
from jobsprint.store.webhook_stats import StatsStore

_WORKERS = 8


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the delivery queue; `received` counts how often it was handed out, this time included."""

    id: str
    body: str
    received: int = 1

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> "Message":
        """From a record of an SQS event."""
        count = (record.get("attributes") or {}).get("ApproximateReceiveCount", "1")
        return cls(record["messageId"], record["body"], int(count))


@dataclass(frozen=True, slots=True)
class _Receiver:
    """A webhook that may be sent to, with its open credentials."""

    webhook: Integration
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class _Work:
    """A message that is due, its ticket, and its receiver (None: deleted, paused or disabled)."""

    message: Message
    ticket: Ticket
    receiver: _Receiver | None


@dataclass(frozen=True, slots=True)
class _Sending:
    """A claimed attempt, ready to go."""

    message: Message
    ticket: Ticket
    receiver: _Receiver
    request: Request
    claim: Claim
    started_at: int


def dispatch(
    records: Sequence[Mapping[str, Any]],
    *,
    clock: Callable[[], int] = now_ms,
    chance: Callable[[], float] | None = None,
) -> list[str]:
    """Works the records of an SQS event and gives the ids of the messages that must come back.

    `clock` gives Unix ms, `chance` a random number from 0 to 1 for the jitter.
    """
    return _Batch(clock, chance or _fraction).run([Message.of(record) for record in records])


class _Batch:
    """One invocation: prepare → admit → claim → send → record → count.

    Claims and records run in threads, because each is a round trip to DynamoDB and libcurl must not wait for them.
    """

    def __init__(self, clock: Callable[[], int], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._receivers: dict[tuple[str, str], _Receiver | None] = {}
        self._failed: list[str] = []
        self._done: list[tuple[Ticket, Attempt]] = []
        self._gate = Gate(clock, chance)
        self._figures = Figures()

    def run(self, messages: Sequence[Message]) -> list[str]:
        """Works every message; the ids of those that failed on our side."""
        # Clients are made here: doing so in several threads at once is not safe, and doing so after the claims would
        # leave those open if it failed.
        aws.dynamodb()
        aws.sqs()
        client = _client()
        due = [work for message in messages if (work := self._prepare(message))]
        going, waiting = self._admitted(due)
        with ThreadPoolExecutor(_WORKERS) as workers:
            sendings = [sending for sending in workers.map(self._claim, going) if sending]
            recordings: list[Future[None]] = [workers.submit(self._put_off, work, until) for work, until in waiting]

            def record(index: int, outcome: Outcome) -> None:
                self._gate.answered(sendings[index].ticket)
                recordings.append(workers.submit(self._record, sendings[index], outcome))

            if sendings:
                with self._gate.watching([sending.ticket for sending in sendings]):
                    client.send_all(
                        [sending.request for sending in sendings],
                        timeout=attempts.BUDGET_SECONDS,
                        max_body=attempts.MAX_ANSWER_BYTES,
                        on_done=record,
                    )
            for recording in recordings:
                recording.result()
        self._gate.close(self._count())
        self._figures.report(came_back=len(self._failed))
        logger.info("dispatched", extra={"messages": len(messages), "sent": len(sendings), "back": len(self._failed)})
        return self._failed

    @contextmanager
    def _our_fault(self, message: Message) -> Iterator[None]:
        """Whatever is raised inside is our own fault: the message comes back."""
        try:
            yield
        except Exception:  # noqa: BLE001 - one message's failure must not touch the others
            logger.exception("delivery_failed_on_our_side", extra={"messageId": message.id})
            self._failed.append(message.id)

    # --- prepare ------------------------------------------------------------------------------------------------------

    def _prepare(self, message: Message) -> _Work | None:
        """What is to be done, or None where nothing is: not due yet, or not readable."""
        with self._our_fault(message):
            notice = queue.to_notice(message.body)
            if notice:
                self._follow_notice(notice)
                return None
            ticket = queue.to_ticket(message.body)
            if ticket.not_before > self._clock():
                queue.put_later(ticket, self._clock())
                return None
            return _Work(message, ticket, self._receiver(ticket))
        return None

    def _receiver(self, ticket: Ticket) -> _Receiver | None:
        """The webhook as it is now, read once per batch."""
        key = (ticket.tenant, ticket.webhook_id)
        if key not in self._receivers:
            self._receivers[key] = _find_receiver(*key)
        return self._receivers[key]

    def _follow_notice(self, notice: queue.Notice) -> None:
        now = self._clock()
        if notice.not_before > now:
            queue.put_notice(notice, now)
        else:
            telling.follow(notice, now)

    def _admitted(self, due: Sequence[_Work]) -> tuple[list[_Work], list[tuple[_Work, int]]]:
        """What may go now, and what is put off without using up an attempt, with the time of each."""
        asking = [(work, work.receiver.webhook) for work in due if work.receiver]
        again_at = self._gate.admit([(work.ticket, webhook) for work, webhook in asking])
        waiting = {work.message.id: at for (work, _), at in zip(asking, again_at, strict=True) if at is not None}
        going = [work for work in due if work.message.id not in waiting]
        return going, [(work, waiting[work.message.id]) for work in due if work.message.id in waiting]

    def _put_off(self, work: _Work, until: int) -> None:
        with self._our_fault(work.message):
            now, ticket = self._clock(), work.ticket
            if shows_wait(ticket, until, now):
                # The row also says whether there is anything to wait for, and whether another message does so already.
                parked, row = DeliveryStore(ticket.tenant).park(ticket, until, now)
                if not parked:
                    if not put_off_by_another(row, ticket):
                        self._settle(work, row, Claim(work.message.id, ""))
                    return
                if not held_by_queue(until, now):
                    return
            queue.put_later(replace(ticket, not_before=until, deferred=ticket.deferred + 1), now)

    # --- claim --------------------------------------------------------------------------------------------------------

    def _claim(self, work: _Work) -> _Sending | None:
        with self._our_fault(work.message):
            data = work.ticket.data if work.receiver else None
            if work.receiver and data is None:
                data = EventStore(work.ticket.tenant).data_of(work.ticket.event_key, self._clock())
            if work.receiver is None or data is None:
                self._discard(work)
                return None
            return self._claimed(work, work.receiver, data)
        return None

    def _claimed(self, work: _Work, receiver: _Receiver, data: str) -> _Sending | None:
        # Everything that can fail on our side is done before the claim: an open claim means "may have been sent".
        now = self._clock()
        claim = Claim(work.message.id, os.urandom(4).hex())
        sending = _Sending(
            work.message,
            work.ticket,
            receiver,
            attempts.request(work.ticket, data, receiver.credentials, now),
            claim,
            now,
        )
        taken, row = DeliveryStore(work.ticket.tenant).claim(work.ticket, claim, now)
        if taken or self._settle(work, row, claim) == "ours":
            return sending
        return None

    def _discard(self, work: _Work) -> None:
        """Ends the delivery: its webhook takes no more, or its event is gone."""
        taken, row = DeliveryStore(work.ticket.tenant).discard(work.ticket, self._clock())
        if taken:
            self._figures.discarded(work.ticket)
        else:
            self._settle(work, row, Claim(work.message.id, ""))

    def _settle(self, work: _Work, row: DeliveryRow | None, claim: Claim) -> str:
        """Does what a row that stands against this attempt asks for, and says how it stands."""
        found = standing(
            row,
            work.ticket.attempt,
            claim,
            base=work.ticket.base,
            received=work.message.received,
            now=self._clock(),
        )
        if found == "busy":
            self._failed.append(work.message.id)
        elif found == "follow" and row:
            self._follow(replace(work.ticket, base=row.base), row.delivery.next_attempt_at)
        elif found == "died" and row and row.claim:
            lost = attempts.died(work.ticket.attempt, row.claimed_at)
            self._conclude(work.ticket, row.claim, lost, None, work.receiver)
        return found

    # --- record -------------------------------------------------------------------------------------------------------

    def _record(self, sending: _Sending, outcome: Outcome) -> None:
        with self._our_fault(sending.message):
            attempt = attempts.attempt_of(
                outcome, sending.ticket.attempt, sending.started_at, sending.receiver.credentials
            )
            retry_after = outcome.headers.get("retry-after") if isinstance(outcome, Answer) else None
            self._conclude(sending.ticket, sending.claim.token, attempt, retry_after, sending.receiver)

    def _conclude(
        self, ticket: Ticket, token: str, attempt: Attempt, retry_after: str | None, receiver: _Receiver | None
    ) -> None:
        """Records an attempt, and puts the next one into the queue where there is to be one soon."""
        now = self._clock()
        decision = Verdict("discarded")
        if receiver:
            decision = verdict(
                attempt,
                retry_after,
                schedule=schedule_of(receiver.webhook.policy, settings().retry_schedule),
                base=ticket.base,
                now=now,
                fraction=self._chance(),
            )
            if decision.gone:
                # First: a crash in between then leaves an open claim, and not a webhook that wants no more and gets it.
                may_tell = not event_names.is_own(ticket.event)
                telling.disable(receiver.webhook, "gone", totals=None, may_tell=may_tell, now=now)
        recorded, row = DeliveryStore(ticket.tenant).record(
            ticket, token, attempt, decision.state, decision.next_at, now
        )
        next_at = decision.next_at
        if recorded:
            self._done.append((ticket, attempt))
            self._gate.ended(ticket, attempt, decision.state)
            self._figures.attempted(ticket, attempt, decision.state)
        else:
            # Either the answer to our own write was lost, or we were taken for dead: the row says what comes next.
            next_at = row.delivery.next_attempt_at if row and row.attempt == ticket.attempt else None
            ticket = replace(ticket, base=row.base) if row else ticket
        self._follow(ticket, next_at)

    def _follow(self, ticket: Ticket, next_at: int | None) -> None:
        now = self._clock()
        if next_at is not None and held_by_queue(next_at, now):
            queue.put_later(queue.next_ticket(ticket, next_at), now)

    # --- count --------------------------------------------------------------------------------------------------------

    def _count(self) -> dict[tuple[str, str], Totals]:
        """Adds the batch to the usage counters, one write per webhook, and gives these.

        They may miss a batch; deliveries may not.
        """
        totals: dict[tuple[str, str], Totals] = {}
        for tenant, webhook_id in {(ticket.tenant, ticket.webhook_id) for ticket, _ in self._done}:
            own = [
                attempt for ticket, attempt in self._done if (ticket.tenant, ticket.webhook_id) == (tenant, webhook_id)
            ]
            try:
                totals[tenant, webhook_id] = StatsStore(tenant).count(webhook_id, counted(own), self._clock())
            except Exception:  # noqa: BLE001 - the deliveries are recorded; failing here would send them again
                logger.exception("usage_not_counted", extra={"webhookId": webhook_id})
        return totals


def _find_receiver(tenant: str, webhook_id: str) -> _Receiver | None:
    try:
        webhook = IntegrationStore(tenant).get(webhook_id)
    except NotFound:
        return None
    if webhook.type != "webhook" or webhook.status != "connected":
        return None
    return _Receiver(webhook, open_credentials(webhook))


def _fraction() -> float:
    return int.from_bytes(os.urandom(2)) / 0xFFFF


@cache
def _client() -> Client:
    """The container's client, which keeps connections alive between batches."""
    return Client(deployment_policy(), user_agent=USER_AGENT)

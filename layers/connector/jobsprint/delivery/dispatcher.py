"""The dispatcher: sends a batch of tickets at once, and writes down what became of each.

A message is done when its attempt is recorded and, where there is another one within 15 minutes, the next ticket is in
the queue; a later one stands in the due index, and `delivery.sweeper` brings it. A crash anywhere brings the message
back, and the row says how far it got (`domain.deliveries.standing`). What a receiver does never fails a message: only
our own faults do.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.observability import logger
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import endpoints, metrics, operational_events, queue
from jobsprint.delivery.admission import Gate, Key
from jobsprint.delivery.attempt import USER_AGENT
from jobsprint.delivery.endpoints import Receiver
from jobsprint.delivery.gathering import Gathering
from jobsprint.delivery.queue import Message
from jobsprint.delivery.recorder import Recorder, Result
from jobsprint.domain.deliveries import (
    Claim,
    DeliveryRow,
    Ended,
    Ticket,
    carried_event,
    held_by_queue,
    put_off_by_another,
    shows_wait,
    standing,
)
from jobsprint.domain.delivery_stats import counted
from jobsprint.domain.endpoint_health import Totals
from jobsprint.outbound.address_policy import deployment_policy
from jobsprint.outbound.client import Client, Request, Response, TransferResult
from jobsprint.repositories import statements
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_stats import StatsStore
from jobsprint.repositories.events import EventStore, event_key

_WORKERS = 8
GATHER_SECONDS = 0.05
"""How long a result waits for others to be written with it, while any are still to come."""


@dataclass(frozen=True)
class _Work:
    """A message that is due, its ticket, and its receiver (None: deleted, paused or disabled)."""

    message: Message
    ticket: Ticket
    receiver: Receiver | None

    @property
    def is_ready(self) -> bool:
        """Whether it can be signed without a call to AWS."""
        return self.receiver is not None and self.ticket.data is not None


@dataclass(frozen=True)
class _Sending:
    """A signed attempt: about to be claimed, or claimed and ready to go."""

    work: _Work
    receiver: Receiver
    request: Request
    claim: Claim
    started_at: int

    @property
    def is_new(self) -> bool:
        """Whether no row is to be expected for its delivery."""
        ticket = self.work.ticket
        return ticket.attempt == 1 and not (ticket.base or ticket.deferred) and self.work.message.received == 1


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
    """One invocation: prepare → keep → admit → claim → send → record → count.

    First attempts, nearly all there are, are claimed and recorded several to a call. What that leaves takes a call
    each. Results are recorded in threads, because libcurl must not wait for DynamoDB.
    """

    def __init__(self, clock: Callable[[], int], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._receivers: dict[Key, Receiver | None] = {}
        self._failed: list[str] = []
        self._discarded: list[Ticket] = []
        self._gate = Gate(clock, chance)
        self._recorder = Recorder(clock, chance, self._our_fault)

    def run(self, messages: Sequence[Message]) -> list[str]:
        """Works every message; the ids of those that failed on our side."""
        # Clients are made here: doing so in several threads at once is not safe, and doing so after the claims would
        # leave those open if it failed.
        aws.dynamodb()
        aws.sqs()
        client = _client()
        due = [work for message in messages if (work := self._prepare(message))]
        with ThreadPoolExecutor(_WORKERS) as workers:
            going, waiting = self._admitted(self._kept(due, workers))
            sendings = self._claim_all(going, workers)
            others = [workers.submit(self._put_off, work, until) for work, until in waiting]
            if sendings:
                with self._gate.watching([sending.work.ticket for sending in sendings]):
                    self._send(client, sendings, workers)
            for other in others:
                other.result()
        self._close()
        logger.info("dispatched", extra={"messages": len(messages), "sent": len(sendings), "back": len(self._failed)})
        return self._failed

    def _send(self, client: Client, sendings: Sequence[_Sending], workers: Executor) -> None:
        """Sends all at once, and records each as it ends."""
        firsts = sum(sending.work.ticket.attempt == 1 for sending in sendings)
        gathering = Gathering(self._recorder.record_firsts, workers, expected=firsts, seconds=GATHER_SECONDS)
        retries: list[Future[None]] = []

        def record(index: int, outcome: TransferResult) -> None:
            sending = sendings[index]
            self._gate.answered(sending.work.ticket)
            with self._our_fault(sending.work.message):
                result = _result(sending, outcome)
                if result.ticket.attempt == 1:
                    gathering.add(result)
                else:
                    retries.append(workers.submit(self._record, result))

        client.send_all(
            [sending.request for sending in sendings],
            timeout=attempts.BUDGET_SECONDS,
            max_body=attempts.MAX_ANSWER_BYTES,
            on_done=record,
        )
        gathering.finish()
        for retry in retries:
            retry.result()

    @contextmanager
    def _our_fault(self, *messages: Message) -> Iterator[None]:
        """Whatever is raised inside is our own fault: the messages come back."""
        try:
            yield
        except Exception:  # noqa: BLE001 - one message's failure must not touch the others
            ids = [message.id for message in messages]
            logger.exception("delivery_failed_on_our_side", extra={"messageIds": ids})
            self._failed += ids

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

    def _receiver(self, ticket: Ticket) -> Receiver | None:
        """The webhook as it is now, read once per batch."""
        key = (ticket.tenant, ticket.webhook_id)
        if key not in self._receivers:
            self._receivers[key] = endpoints.find(*key)
        return self._receivers[key]

    def _follow_notice(self, notice: queue.Notice) -> None:
        now = self._clock()
        if notice.not_before > now:
            queue.put_notice(notice, now)
        else:
            operational_events.follow(notice, now)

    def _kept(self, due: Sequence[_Work], workers: Executor) -> list[_Work]:
        """The same, each with its event kept: what its ticket alone had so far is kept now, a tenant's together."""
        carrying: dict[str, list[_Work]] = {}
        for work in due:
            if not work.ticket.event_key:
                carrying.setdefault(work.ticket.tenant, []).append(work)
        kept = [work for work in due if work.ticket.event_key]
        return kept + [work for now_kept in workers.map(self._keep, carrying.values()) for work in now_kept]

    def _keep(self, carrying: Sequence[_Work]) -> list[_Work]:
        """The same of one tenant with their events kept."""
        with self._our_fault(*(work.message for work in carrying)):
            [tenant] = {work.ticket.tenant for work in carrying}
            events = EventStore(tenant).keep_later([carried_event(work.ticket) for work in carrying], self._clock())
            return [
                replace(work, ticket=replace(work.ticket, event_key=event_key(event)))
                for work, event in zip(carrying, events, strict=True)
            ]
        return []

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
            # A message that was handed out before may have an attempt under way, which only the row tells.
            if work.message.received > 1 or shows_wait(ticket, until, now):
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

    def _claim_all(self, going: Sequence[_Work], workers: Executor) -> list[_Sending]:
        """The attempts that are ours now. The same work may stand in a batch twice: one of the two gets it."""
        # Everything that can fail on our side is done before the claim: an open claim means "may have been sent".
        signed = [sending for work in going if work.is_ready and (sending := self._sign(work))]
        signed += [sending for sending in workers.map(self._sign, [w for w in going if not w.is_ready]) if sending]
        ours, rest = self._claim_together([sending for sending in signed if sending.is_new])
        rest += [sending for sending in signed if not sending.is_new]
        return ours + [sending for sending, done in zip(rest, workers.map(self._claim, rest), strict=True) if done]

    def _claim_together(self, new: Sequence[_Sending]) -> tuple[list[_Sending], list[_Sending]]:
        """Claims first attempts in one call: those that are ours, and those of which a claim by itself must tell."""
        taken: list[bool] | None = None
        with self._our_fault(*(sending.work.message for sending in new)):
            taken = statements.run([_first_claim(sending) for sending in new], self._recorder.faults.append)
        if taken is None:
            return [], []
        asked = list(zip(new, taken, strict=True))
        return [sending for sending, done in asked if done], [sending for sending, done in asked if not done]

    def _sign(self, work: _Work) -> _Sending | None:
        """The attempt as it is sent; None, and the delivery ended, where its webhook or event is gone."""
        with self._our_fault(work.message):
            data = work.ticket.data
            if work.receiver and data is None:
                data = EventStore(work.ticket.tenant).data_of(work.ticket.event_key, self._clock())
            if work.receiver is None or data is None:
                self._discard(work)
                return None
            now = self._clock()
            request = attempts.request(work.ticket, data, work.receiver.credentials, now)
            return _Sending(work, work.receiver, request, Claim(work.message.id, os.urandom(4).hex()), now)
        return None

    def _claim(self, sending: _Sending) -> bool:
        """Claims an attempt by itself, and sees to it where that is not to be sent now."""
        work = sending.work
        with self._our_fault(work.message):
            taken, row = DeliveryStore(work.ticket.tenant).claim(work.ticket, sending.claim, sending.started_at)
            return taken or self._settle(work, row, sending.claim) == "ours"
        return False

    def _discard(self, work: _Work) -> None:
        """Ends the delivery: its webhook takes no more, or its event is gone."""
        taken, row = DeliveryStore(work.ticket.tenant).discard(work.ticket, self._clock())
        if taken:
            self._discarded.append(work.ticket)
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
            self._recorder.follow([(replace(work.ticket, base=row.base), row.delivery.next_attempt_at)])
        elif found == "died" and row and row.claim:
            lost = attempts.died(work.ticket.attempt, row.claimed_at)
            self._recorder.record(Result(work.message, work.ticket, row.claim, lost, None, work.receiver))
        return found

    # --- record -------------------------------------------------------------------------------------------------------

    def _record(self, result: Result) -> None:
        with self._our_fault(result.message):
            self._recorder.record(result)

    # --- count --------------------------------------------------------------------------------------------------------

    def _close(self) -> None:
        """Counts the batch, judges its webhooks by it, and writes its metrics."""
        ended = self._recorder.ended
        by_webhook: dict[Key, list[Ended]] = {}
        for one in ended:
            by_webhook.setdefault((one.ticket.tenant, one.ticket.webhook_id), []).append(one)
        self._gate.close(by_webhook, self._count(by_webhook))
        faults = self._recorder.faults
        if faults:
            logger.warning("statements_failed", extra={"codes": Counter(faults)})
        metrics.report(ended, discarded=len(self._discarded), came_back=len(self._failed), faults=len(faults))

    def _count(self, ended: Mapping[Key, Sequence[Ended]]) -> dict[Key, Totals]:
        """Adds the batch to the usage counters, one write per webhook, and gives these.

        They may miss a batch; deliveries may not.
        """
        totals: dict[Key, Totals] = {}
        for (tenant, webhook_id), own in ended.items():
            try:
                counts = counted([one.attempt for one in own])
                totals[tenant, webhook_id] = StatsStore(tenant).count(webhook_id, counts, self._clock())
            except Exception:  # noqa: BLE001 - the deliveries are recorded; failing here would send them again
                logger.exception("usage_not_counted", extra={"webhookId": webhook_id})
        return totals


def _first_claim(sending: _Sending) -> statements.Statement:
    ticket = sending.work.ticket
    return DeliveryStore(ticket.tenant).first_claim(ticket, sending.claim, sending.started_at)


def _result(sending: _Sending, outcome: TransferResult) -> Result:
    ticket, receiver = sending.work.ticket, sending.receiver
    attempt = receiver.keeper.attempt_of(outcome, ticket.attempt, sending.started_at)
    retry_after = outcome.headers.get("retry-after") if isinstance(outcome, Response) else None
    return Result(sending.work.message, ticket, sending.claim.token, attempt, retry_after, receiver)


def _fraction() -> float:
    return int.from_bytes(os.urandom(2)) / 0xFFFF


@cache
def _client() -> Client:
    """The container's client, which keeps connections alive between batches."""
    return Client(deployment_policy(), user_agent=USER_AGENT)

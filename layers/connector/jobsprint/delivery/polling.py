"""Polling endpoints: webhooks whose deliveries a client fetches, works on and acknowledges.

The delivery's row is the queue (`repositories.poll_queue`): one conditional write leases it to a poll, one records what
the client reports. If client or function dies in between, the lease ends and the delivery is handed out again, as the
same attempt.
"""

import json
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, JobsprintError, NotFound
from jobsprint.core.observability import count, logger
from jobsprint.delivery import attempt as attempts
from jobsprint.delivery import endpoints, poll_limit
from jobsprint.delivery.attempt import Report
from jobsprint.delivery.endpoints import WebhookEndpoint
from jobsprint.domain.deliveries import Attempt, DeliveryRow
from jobsprint.domain.delivery_stats import counted
from jobsprint.domain.integrations import require_connected, require_polling
from jobsprint.domain.retry_policy import decide, schedule_of
from jobsprint.repositories.deliveries import DeliveryStore
from jobsprint.repositories.delivery_stats import StatsStore
from jobsprint.repositories.due_index import Due
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.repositories.poll_queue import PollQueue
from jobsprint.repositories.replay_candidates import ReplayCandidates, StoredEvent

MAX_MESSAGES = 100
MAX_WAIT_SECONDS = 20
MIN_LEASE_SECONDS, MAX_LEASE_SECONDS = 10, 900

MAX_BYTES = 4_000_000
"""Of the bodies in one answer, and two thirds of the answer as Lambda gives it to API Gateway, which may be 6 MB."""

LOOK_SECONDS = 1.0
"""How often a poll that waits looks for messages."""

_RACE_SECONDS, _RACE_MS = 0.2, 3_000
"""How soon, and for how long at least, a poll looks again where other polls took what it found."""

_EVENTS = 25
_WORKERS = 8


@dataclass(frozen=True)
class PollRequest:
    """How long a poll waits for a first message, how long its messages are leased (seconds), and how many it takes."""

    wait: int = 0
    lease: int = 60
    limit: int = MAX_MESSAGES


@dataclass(frozen=True)
class Message:
    """A delivery that is handed out: the headers and the body of the request that an endpoint would get, and the lease
    under which it is to be acknowledged, until `lease_until` (Unix ms)."""

    due: Due
    headers: dict[str, str]
    body: str
    lease: str
    lease_until: int

    @property
    def weight(self) -> int:
        """What it counts towards `MAX_BYTES`: Lambda's answer has the answer's JSON as a JSON string."""
        return max(len(self.body.encode()), len(json.dumps(json.dumps([self.headers, self.body]))) * 2 // 3)


@dataclass(frozen=True)
class Acknowledgement:
    """What a client says of a message that it got."""

    delivery_id: str
    lease: str
    report: Report


def poll(
    tenant: str,
    webhook_id: str,
    asked: PollRequest,
    *,
    clock: Callable[[], int] = now_ms,
    sleep: Callable[[float], None] = time.sleep,
) -> list[Message]:
    """Lease the oldest messages that wait at a polling endpoint; none where no message comes in time.

    At most `asked.limit` and `MAX_BYTES`, but one at least if any waits. Raises NotFound, RateLimited where too many
    polls are under way, and Conflict for a webhook that is paused or no polling endpoint.
    """
    store = IntegrationStore(tenant)
    webhook = store.webhook(webhook_id)
    require_polling(webhook)
    require_connected(webhook)
    with poll_limit.slot(tenant, clock()):
        store.keep_polled(webhook_id, clock())
        messages = _Poll(tenant, webhook_id, asked, clock, sleep).run()
    count({"MessagesPolled": len(messages)})
    return messages


class _Poll:
    """One poll that is under way."""

    def __init__(
        self,
        tenant: str,
        webhook_id: str,
        asked: PollRequest,
        clock: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> None:
        self._tenant = tenant
        self._webhook_id = webhook_id
        self._asked = asked
        self._clock = clock
        self._sleep = sleep
        self._queue = PollQueue(tenant, webhook_id)

    def run(self) -> list[Message]:
        """Look until there are messages, or the time is up."""
        began = self._clock()
        waits = self._asked.wait * 1000
        while True:
            found = self._queue.waiting(self._asked.limit, self._clock())
            messages = self._leased(found) if found else []
            # What was found and not leased was taken by others, or is at its end: there may be more behind it.
            most, pause = (max(waits, _RACE_MS), _RACE_SECONDS) if found else (waits, LOOK_SECONDS)
            if messages or self._clock() + pause * 1000 > began + most:
                return messages
            self._sleep(pause)

    def _leased(self, found: Sequence[Due]) -> list[Message]:
        """Those of the oldest messages that fit into an answer and that no other poll took."""
        now = self._clock()
        # Read again: it may have been paused, or its secret rotated, while the poll waited.
        webhook = IntegrationStore(self._tenant).webhook(self._webhook_id)
        require_connected(webhook)
        chosen = self._chosen(found, endpoints.of(webhook), now)
        aws.dynamodb()  # made here, because making a client in several threads at once is not safe
        with ThreadPoolExecutor(_WORKERS) as workers:
            leased = list(workers.map(lambda message: self._lease(message, now), chosen))
        return [message for message, taken in zip(chosen, leased, strict=True) if taken]

    def _chosen(self, found: Sequence[Due], endpoint: WebhookEndpoint, now: int) -> list[Message]:
        chosen: list[Message] = []
        size = 0
        for due, event in self._with_events(found, now):
            if event is None:
                self._exhaust(due, now)
                continue
            message = self._message(due, event, endpoint, now)
            size += message.weight
            if chosen and size > MAX_BYTES:
                break
            chosen.append(message)
            if len(chosen) == self._asked.limit:
                break
        return chosen

    def _with_events(self, found: Sequence[Due], now: int) -> Iterator[tuple[Due, StoredEvent | None]]:
        """What was found, each with its event, which is read no sooner than needed; None for an expired one."""
        for start in range(0, len(found), _EVENTS):
            chunk = found[start : start + _EVENTS]
            events = ReplayCandidates(self._tenant).stored((due.task.event_key for due in chunk), now)
            yield from ((due, events.get(due.task.event_key)) for due in chunk)

    def _message(self, due: Due, event: StoredEvent, endpoint: WebhookEndpoint, now: int) -> Message:
        headers, body = attempts.signed(due.task, event.event.data, endpoint.credentials, now)
        return Message(due, headers, body.decode(), os.urandom(12).hex(), now + self._asked.lease * 1000)

    def _lease(self, message: Message, now: int) -> bool:
        leased, row = self._queue.lease(message.due, message.lease, message.lease_until, now)
        if not leased and row and row.ends_at is not None and row.ends_at <= now:
            self._queue.exhaust(row, now)
        return leased

    def _exhaust(self, due: Due, now: int) -> None:
        """End a delivery whose event is no longer kept."""
        rows = DeliveryStore(self._tenant).rows(self._webhook_id, [due.task.delivery_id], now)
        for row in rows.values():
            self._queue.exhaust(row, now)


# --- acknowledging ----------------------------------------------------------------------------------------------------


def acknowledge(
    tenant: str, webhook_id: str, acknowledgements: Sequence[Acknowledgement], now: int
) -> list[DeliveryRow | JobsprintError]:
    """Record what a client reports of each message, as an attempt, and answer in their order; `now` in ms.

    A failed attempt is due again by the webhook's retry schedule. The answer is the delivery afterwards, also to a
    repeat, which changes nothing; NotFound; or Conflict `lease_ended` where the message was handed out again since, or
    the delivery has ended otherwise. Raises NotFound and Conflict for the webhook.
    """
    webhook = IntegrationStore(tenant).webhook(webhook_id)
    require_polling(webhook)
    return _Acknowledging(endpoints.of(webhook), now).run(acknowledgements)


class _Acknowledging:
    """One request that acknowledges messages."""

    def __init__(self, endpoint: WebhookEndpoint, now: int) -> None:
        self._endpoint = endpoint
        self._webhook = endpoint.webhook
        self._now = now
        self._store = DeliveryStore(self._webhook.tenant, polled=True)
        self._recorded: list[Attempt] = []

    def run(self, acknowledgements: Sequence[Acknowledgement]) -> list[DeliveryRow | JobsprintError]:
        """Record them in parallel, and count what is new."""
        ids = {each.delivery_id for each in acknowledgements}
        rows = self._store.rows(self._webhook.id, ids, self._now)
        with ThreadPoolExecutor(_WORKERS) as workers:
            answers = list(workers.map(lambda each: self._answer(each, rows.get(each.delivery_id)), acknowledgements))
        self._count()
        return answers

    def _answer(self, said: Acknowledgement, row: DeliveryRow | None) -> DeliveryRow | JobsprintError:
        if row and row.lease_token == said.lease:
            row = self._record(said, row)
        if row is None:
            message = f"There is no delivery {said.delivery_id!r} of this webhook"
            return NotFound(message, code="delivery_not_found")
        if any(attempt.lease == said.lease for attempt in row.delivery.attempts):
            return row
        message = f"The lease of {said.delivery_id} has ended, and it was handed out again or ended otherwise"
        return Conflict(message, code="lease_ended")

    def _record(self, said: Acknowledgement, row: DeliveryRow) -> DeliveryRow | None:
        """The row with the attempt in it, or as it is now where others were first."""
        attempt = self._endpoint.attempt_records.reported(
            said.report, row.attempt, lease=said.lease, started_at=row.claimed_at, now=self._now
        )
        decision = decide(
            attempt,
            None,
            schedule=schedule_of(self._webhook.policy, settings().retry_schedule),
            base=row.base,
            now=self._now,
            fraction=random.random(),  # noqa: S311 - jitter
        )
        task = row.next_task(None)
        stored, current = self._store.record(task, said.lease, attempt, decision.state, decision.next_at, self._now)
        if stored:
            self._recorded.append(attempt)
        return current

    def _count(self) -> None:
        if not self._recorded:
            return
        count({"MessagesAcknowledged": len(self._recorded)})
        try:
            StatsStore(self._webhook.tenant).count(self._webhook.id, counted(self._recorded), self._now)
        except Exception:  # noqa: BLE001 - the attempts are recorded; a client would repeat for nothing
            logger.exception("usage_not_counted", extra={"webhookId": self._webhook.id})

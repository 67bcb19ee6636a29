"""A delivery: its task in the queue, its stored row, and how a conflict between the two is resolved.

Pure. `repositories.deliveries` writes the rows, `delivery.queue` carries the tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import ConfigDict, with_config
from pydantic.alias_generators import to_camel

from jobsprint.core.ids import made_at
from jobsprint.domain.delivery_failures import kind_of

DeliveryState = Literal["pending", "delivered", "retrying", "exhausted", "discarded"]
EventDeliveryState = Literal["queued", DeliveryState]
"""The state of a delivery as its event shows it: `queued` without a row of its own."""

AttemptStatus = Literal["success", "error", "unknown"]


JSON_FIELDS = ConfigDict(alias_generator=to_camel, serialize_by_alias=True, extra="forbid", hide_input_in_errors=True)
"""JSON of messages and items: names in camelCase, and no unknown ones."""


@with_config(JSON_FIELDS)
@dataclass(frozen=True)
class Attempt:
    """One attempt to deliver. `failure` is a typed cause such as `dns`, `timeout_headers` or `http_5xx`.

    `warning` says what was wrong with the body of an answer whose head decided: `timeout_body`, `reset`,
    `protocol: encoding`, `body_too_large` and the like.

    The request can be reconstructed from the delivery, `started_at` and what is stored here: the URL as it may be
    shown, the names of the webhook's own headers, and the number of secrets that signed. `url` is None where unknown,
    and at a polling endpoint, where `lease` is the token under which a client acknowledged the attempt.
    """

    number: int
    status: AttemptStatus
    started_at: int
    duration_ms: int
    http_status: int | None = None
    failure: str | None = None
    response: str | None = None
    timings: Mapping[str, int] = field(default_factory=dict)
    url: str | None = None
    header_names: tuple[str, ...] = ()
    signatures: int = 1
    warning: str | None = None
    lease: str | None = None


@dataclass(frozen=True)
class Delivery:
    """The delivery of one event to one webhook, with all attempts so far."""

    tenant: str
    webhook_id: str
    id: str
    event_id: str
    event: str
    state: DeliveryState
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: int | None = None


LEASE_MS = 90_000
"""How long an attempt is leased: longer than the dispatcher may run (30 s), shorter than the queue's visibility timeout
(180 s)."""

MAX_DELAY_MS = 900_000
"""The longest delay of a message (DelaySeconds of SQS); a longer wait is in the due index."""

REENQUEUE_DELAY_MS = 300_000
"""How long the sweeper waits for a message in the queue before it enqueues another; the delay doubles each time."""

MAX_DOUBLINGS = 6
"""After this many doublings the re-enqueue delay stays at 5 h 20 min."""

OVERDUE_MS = 60_000
"""An attempt this late was never enqueued: the message that recorded the previous one enqueues it again."""

SHOWN_DEFERRAL_MS = 5_000
"""A first attempt gets its row when it is deferred for longer than this, or more than once."""

LIVE_STATES = ("pending", "retrying")

CodeClass = Literal["2xx", "3xx", "4xx", "5xx", "none"]
_CODE_CLASSES: dict[int, CodeClass] = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

ConflictResolution = Literal["proceed", "return", "abandoned", "schedule", "done"]


@with_config(JSON_FIELDS)
@dataclass(frozen=True)
class DeliveryTask:
    """A message of the delivery queue: make attempt `attempt` (from 1) to deliver an event to a webhook.

    `event_key` finds the stored event (`repositories.events`). `data` is the event's canonical text, or None where it
    is too long for a message. `not_before` is Unix milliseconds. The retry schedule counts from the attempt after
    `base`, which is more than 0 once the delivery was resent. `deferrals` counts how often this attempt was deferred.
    """

    tenant: str
    webhook_id: str
    delivery_id: str
    event_id: str
    event: str
    timestamp: str
    event_key: str
    attempt: int = 1
    data: str | None = None
    not_before: int = 0
    base: int = 0
    deferrals: int = 0
    kind: Literal["delivery"] = "delivery"


@dataclass(frozen=True)
class DeliveryRow:
    """A stored delivery. `attempt` is the number claimed last, `timestamp` the event's, `base` as in `DeliveryTask`.

    `lease_token` names the worker that has claimed the attempt, or is None; `claimed_at` and `lease_until` (ms) belong
    to it. `replay_id` is the replay job that began the current round of attempts, if one did. `ends_at` (ms) is until
    when it waits for a client to poll, at a polling endpoint.
    """

    delivery: Delivery
    attempt: int
    event_key: str
    timestamp: str
    base: int = 0
    lease_token: str | None = None
    claimed_at: int = 0
    lease_until: int = 0
    replay_id: str | None = None
    ends_at: int | None = None

    def at(self, now: int) -> "DeliveryRow":
        """The row at `now` (ms): what waited at a polling endpoint past its end is exhausted, also where no poll has
        written that down yet."""
        if self.ends_at is None or self.ends_at > now:
            return self
        return self._ended("exhausted")

    def discarded(self) -> "DeliveryRow":
        """The row once its webhook is deleted."""
        return self._ended("discarded")

    def _ended(self, state: DeliveryState) -> "DeliveryRow":
        return replace(self, delivery=replace(self.delivery, state=state, next_attempt_at=None))

    @property
    def created_at(self) -> int:
        """When its event was published (Unix ms): the id of a delivery is derived from the event's, with its time."""
        return made_at(self.delivery.id)

    def next_task(self, data: str | None) -> DeliveryTask:
        """The task of the attempt that the delivery waits for."""
        return DeliveryTask(
            tenant=self.delivery.tenant,
            webhook_id=self.delivery.webhook_id,
            delivery_id=self.delivery.id,
            event_id=self.delivery.event_id,
            event=self.delivery.event,
            timestamp=self.timestamp,
            event_key=self.event_key,
            attempt=self.attempt + 1,
            data=data,
            not_before=self.delivery.next_attempt_at or 0,
            base=self.base,
        )


@dataclass(frozen=True)
class Lease:
    """A worker's claim to an attempt: the queue message that brought it, and a nonce for this receipt of it."""

    message_id: str
    nonce: str

    @property
    def token(self) -> str:
        """The lease token as it is stored in the row."""
        return f"{self.message_id}#{self.nonce}"

    def is_same_message(self, token: str) -> bool:
        """Whether the holder of `token` was brought by the same queue message."""
        return token.partition("#")[0] == self.message_id


def fits_in_queue(next_at: int, now: int) -> bool:
    """Whether the queue can delay a message until `next_at`; otherwise the sweeper enqueues it."""
    return next_at - now <= MAX_DELAY_MS


def due_at(next_at: int, now: int) -> int:
    """When the sweeper looks at an attempt due at `next_at`: then, or later where its message is in the queue."""
    return next_at + REENQUEUE_DELAY_MS if fits_in_queue(next_at, now) else next_at


def due_again_at(due: int, sweeps: int, now: int) -> int:
    """When an attempt due at `due` is due again, after the sweeper enqueued it `sweeps` times before."""
    return max(due, now) + (REENQUEUE_DELAY_MS << min(sweeps, MAX_DOUBLINGS))


def shows_deferral(task: DeliveryTask, until: int, now: int) -> bool:
    """Whether a deferral until then (ms) is written to the delivery's row; that of a retry always is."""
    return task.attempt > 1 or task.deferrals > 0 or until - now > SHOWN_DEFERRAL_MS


def is_deferred_by_another(row: DeliveryRow | None, task: DeliveryTask) -> bool:
    """Whether the row that refused a deferral already waits for the same attempt.

    Then another message, or the sweeper, brings that attempt, and this message is done.
    """
    return (
        row is not None
        and row.lease_token is None
        and row.delivery.state in LIVE_STATES
        and (row.attempt, row.base) == (task.attempt - 1, task.base)
    )


@dataclass(frozen=True)
class RecordedAttempt:
    """An attempt whose result is stored, and the state of its delivery since."""

    task: DeliveryTask
    attempt: Attempt
    state: DeliveryState


@dataclass(frozen=True)
class DeliveryFilter:
    """Which deliveries a list shows; None matches all.

    `code_class` and `failure` have to match the same attempt. `from_ms` and `to_ms` (both included) bound the time of
    publishing.
    """

    state: DeliveryState | None = None
    event: str | None = None
    code_class: CodeClass | None = None
    failure: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def matches(self, delivery: Delivery) -> bool:
        """Whether a delivery matches, apart from its time."""
        if self.state not in (None, delivery.state) or self.event not in (None, delivery.event):
            return False
        if self.code_class is None and self.failure is None:
            return True
        return any(self._matches(attempt) for attempt in delivery.attempts)

    def _matches(self, attempt: Attempt) -> bool:
        kind = None if attempt.failure is None else kind_of(attempt.failure)
        return self.code_class in (None, code_class(attempt)) and self.failure in (None, kind, attempt.failure)


def code_class(attempt: Attempt) -> CodeClass:
    """The class of the response's status: `2xx`, …, or `none` without a response."""
    return _CODE_CLASSES.get((attempt.http_status or 0) // 100, "none")


def resolve_claim_conflict(
    row: DeliveryRow | None, task: DeliveryTask, lease: Lease, *, received: int, now: int
) -> ConflictResolution:
    """What to do with a message whose claim was refused by `row`; the message was received `received` times.

    - `proceed`: the claim is our own, and only the response to it was lost.
    - `return`: an earlier receipt of this very message holds the claim; return the message to the queue, as that
      worker may have crashed.
    - `abandoned`: the lease of the attempt has expired.
    - `schedule`: the attempt is recorded, but the next one may never have been enqueued.
    - `done`: nothing is left to do. This includes a claim held by another message, which is returned by itself.
    """
    if row is None or row.delivery.state not in LIVE_STATES or row.attempt > task.attempt:
        return "done"
    if row.attempt < task.attempt:
        # A different base shows that the delivery was resent since.
        return "return" if row.base == task.base else "done"
    if row.lease_token is None:
        overdue = (row.delivery.next_attempt_at or now) + OVERDUE_MS < now
        return "schedule" if received > 1 or overdue else "done"
    if row.lease_token == lease.token:
        return "proceed"
    if row.lease_until < now:
        return "abandoned"
    return "return" if lease.is_same_message(row.lease_token) else "done"

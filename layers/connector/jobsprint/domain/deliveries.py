"""A delivery on its way: the ticket that waits in the queue, the row it leaves, and what the one means for the other.

Pure. `repositories.deliveries` writes the rows, `delivery.queue` carries the tickets.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from jobsprint.domain.delivery_failures import kind_of
from jobsprint.domain.events import Event

DeliveryState = Literal["pending", "delivered", "retrying", "exhausted", "discarded"]
AttemptStatus = Literal["success", "error", "unknown"]


@dataclass(frozen=True)
class Attempt:
    """One try at a delivery. `failure` is a typed cause such as `dns`, `timeout_headers` or `http_5xx`.

    What was sent can be told from the delivery and `started_at`, but for what stands here: the URL as it may be shown,
    the names of the webhook's own headers, and the number of secrets that signed. `url` is None where nobody knows.
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


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one webhook, with every attempt so far."""

    tenant: str
    webhook_id: str
    id: str
    event_id: str
    event: str
    state: DeliveryState
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: int | None = None


LEASE_MS = 90_000
"""How long a claim holds: longer than the dispatcher may run (30 s), shorter than the queue's visibility (180 s)."""

MAX_DELAY_MS = 900_000
"""The longest wait that the queue itself keeps (DelaySeconds of SQS); a longer one stands in the due index."""

GRACE_MS = 300_000
"""How long the queue has for a message before the sweeper puts in another; it doubles each time."""

MAX_DOUBLINGS = 6
"""After that many the grace stays as it is, at 5 h 20 min."""

OVERDUE_MS = 60_000
"""An attempt this late was never put into the queue: the message that recorded the one before does it again."""

SHOWN_WAIT_MS = 5_000
"""A first attempt that is put off for longer, or once more, gets its row: a shorter wait is over before one looks."""

LIVE_STATES = ("pending", "retrying")

CodeClass = Literal["2xx", "3xx", "4xx", "5xx", "none"]
_CODE_CLASSES: dict[int, CodeClass] = {2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

Standing = Literal["ours", "busy", "died", "follow", "over"]


@dataclass(frozen=True)
class Ticket:
    """Attempt `attempt` (from 1) at delivering an event to a webhook.

    `event_key` finds the event's row (`repositories.events`); it is empty as long as the event is kept nowhere else
    than in this ticket. `data` is its canonical text, or None where it is too long to travel along. `not_before` is
    Unix milliseconds. The retry schedule counts from the attempt after `base`, which is more than 0 once the delivery
    was sent anew. `deferred` counts how often this attempt was put off.
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
    deferred: int = 0


def carried_event(ticket: Ticket) -> Event:
    """The event that a ticket alone keeps (`event_key`)."""
    if ticket.data is None:
        raise ValueError(f"the ticket of {ticket.delivery_id} has neither its event nor a key to it")
    return Event(
        tenant=ticket.tenant, id=ticket.event_id, name=ticket.event, timestamp=ticket.timestamp, data=ticket.data
    )


@dataclass(frozen=True)
class DeliveryRow:
    """A stored delivery. `attempt` is the number claimed last, `timestamp` the event's own, `base` as in `Ticket`.

    `claim` is the token of whoever is at it now, or None; `claimed_at` and `lease_until` (ms) belong to it. `recovery`
    is the job that began its last round, if one did.
    """

    delivery: Delivery
    created_at: int
    attempt: int
    event_key: str
    timestamp: str
    base: int = 0
    claim: str | None = None
    claimed_at: int = 0
    lease_until: int = 0
    recovery: str | None = None

    def awaited(self, data: str | None) -> Ticket:
        """The ticket of the attempt that the delivery waits for."""
        return Ticket(
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
class Claim:
    """Who is at an attempt: the queue message that brought it, and a word that tells two receipts of it apart."""

    message_id: str
    nonce: str

    @property
    def token(self) -> str:
        """What stands in the row."""
        return f"{self.message_id}#{self.nonce}"

    def same_message(self, token: str) -> bool:
        """Whether the holder of `token` was brought by the same queue message."""
        return token.partition("#")[0] == self.message_id


def held_by_queue(next_at: int, now: int) -> bool:
    """Whether the message of an attempt at `next_at` goes into the queue at once; else the sweeper brings it."""
    return next_at - now <= MAX_DELAY_MS


def due_at(next_at: int, now: int) -> int:
    """When the sweeper looks after an attempt at `next_at`: then, or a grace later where the queue holds it."""
    return next_at + GRACE_MS if held_by_queue(next_at, now) else next_at


def due_again_at(due: int, sweeps: int, now: int) -> int:
    """When what was due at `due` is so again, after the sweeper has enqueued the same attempt `sweeps` times before."""
    return max(due, now) + (GRACE_MS << min(sweeps, MAX_DOUBLINGS))


def shows_wait(ticket: Ticket, until: int, now: int) -> bool:
    """Whether the row of an attempt that is put off until then (ms) is to say so; a retry's row always does."""
    return ticket.attempt > 1 or ticket.deferred > 0 or until - now > SHOWN_WAIT_MS


def put_off_by_another(row: DeliveryRow | None, ticket: Ticket) -> bool:
    """Whether the row that refused to wait for this ticket does so because it waits for the same attempt already.

    Then another message brings it, or else the sweeper, and this one may end.
    """
    return (
        row is not None
        and row.claim is None
        and row.delivery.state in LIVE_STATES
        and (row.attempt, row.base) == (ticket.attempt - 1, ticket.base)
    )


@dataclass(frozen=True)
class Ended:
    """A recorded attempt, and what its delivery is now."""

    ticket: Ticket
    attempt: Attempt
    state: DeliveryState


@dataclass(frozen=True)
class Wanted:
    """What a list of deliveries is to show; None asks for everything.

    `code_class` and `failure` ask for deliveries of which one attempt fits both. `from_ms` and `to_ms` (both included)
    bound the time of publishing.
    """

    state: DeliveryState | None = None
    event: str | None = None
    code_class: CodeClass | None = None
    failure: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None

    def takes(self, delivery: Delivery) -> bool:
        """Whether a delivery fits, its time left aside."""
        if self.state not in (None, delivery.state) or self.event not in (None, delivery.event):
            return False
        if self.code_class is None and self.failure is None:
            return True
        return any(self._fits(attempt) for attempt in delivery.attempts)

    def _fits(self, attempt: Attempt) -> bool:
        kind = None if attempt.failure is None else kind_of(attempt.failure)
        return self.code_class in (None, code_class(attempt)) and self.failure in (None, kind, attempt.failure)


def code_class(attempt: Attempt) -> CodeClass:
    """The class of the status that an attempt was answered with: `2xx`, …, or `none` without an answer."""
    return _CODE_CLASSES.get((attempt.http_status or 0) // 100, "none")


def standing(row: DeliveryRow | None, attempt: int, claim: Claim, *, base: int, received: int, now: int) -> Standing:
    """What a row that refused the claim of `attempt` means for its message, which was received `received` times.

    `base` is the message's own: another one than the row's shows that the delivery was sent anew since.

    - `ours`: the claim is our own, only the answer to it was lost. Go on.
    - `busy`: an earlier receipt of this very message is at it; come back, in case its worker dies.
    - `died`: whoever was at it let the lease run out.
    - `follow`: the attempt is recorded, but the next one may never have been put into the queue.
    - `over`: nothing is left to do. So it is when another message holds the claim: that one comes back by itself.
    """
    if row is None or row.delivery.state not in LIVE_STATES or row.attempt > attempt:
        return "over"
    if row.attempt < attempt:
        return "busy" if row.base == base else "over"
    if row.claim is None:
        overdue = (row.delivery.next_attempt_at or now) + OVERDUE_MS < now
        return "follow" if received > 1 or overdue else "over"
    if row.claim == claim.token:
        return "ours"
    if row.lease_until < now:
        return "died"
    return "busy" if claim.same_message(row.claim) else "over"

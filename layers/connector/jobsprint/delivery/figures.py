"""What a batch of deliveries came to, as metrics."""

from collections import Counter

from jobsprint import observe
from jobsprint.domain.deliveries import Ticket
from jobsprint.domain.failures import kind_of
from jobsprint.domain.ids import made_at
from jobsprint.domain.models import Attempt, DeliveryState

_STATES: dict[DeliveryState, str] = {
    "delivered": "DeliveriesDelivered",
    "retrying": "RetriesScheduled",
    "exhausted": "DeliveriesExhausted",
    "discarded": "DeliveriesDiscarded",
}


class Figures:
    """Collects from any thread; `report` writes at the end."""

    def __init__(self) -> None:
        self._ended: list[tuple[Ticket, Attempt, DeliveryState]] = []
        self._discarded: list[Ticket] = []

    def attempted(self, ticket: Ticket, attempt: Attempt, state: DeliveryState) -> None:
        """An attempt was recorded, and the delivery is in `state` now."""
        self._ended.append((ticket, attempt, state))

    def discarded(self, ticket: Ticket) -> None:
        """A delivery ended without an attempt."""
        self._discarded.append(ticket)

    def report(self, *, came_back: int) -> None:
        """Writes the batch's metrics; `came_back` messages failed on our side."""
        observe.count(self.totals() | {"MessagesReturned": came_back})
        for kind, number in self.failures().items():
            observe.count({"AttemptFailures": number}, failure=kind)

    def totals(self) -> dict[str, int | list[int]]:
        """Attempts by how they ended, deliveries by what state they reached, and two times in ms: how long attempts
        took, and from an event's publishing to the start of the first attempt at it.
        """
        sent = [attempt for _, attempt, _ in self._ended if attempt.status != "unknown"]
        states = Counter(_STATES[state] for _, _, state in self._ended if state in _STATES)
        states["DeliveriesDiscarded"] += len(self._discarded)
        return {
            "AttemptsSucceeded": sum(attempt.status == "success" for attempt in sent),
            "AttemptsFailed": sum(attempt.status == "error" for attempt in sent),
            "AttemptsUnknown": len(self._ended) - len(sent),
            **states,
            "AttemptMs": [attempt.duration_ms for attempt in sent],
            "FirstAttemptMs": [
                max(0, attempt.started_at - made_at(ticket.event_id))
                for ticket, attempt, _ in self._ended
                if attempt.number == 1
            ],
        }

    def failures(self) -> Counter[str]:
        """Failed attempts by their kind, without the detail after the colon: some twenty values."""
        return Counter(kind_of(attempt.failure or "") for _, attempt, _ in self._ended if attempt.status != "success")

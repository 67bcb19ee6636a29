"""What a batch of deliveries came to, as metrics."""

from collections import Counter
from collections.abc import Sequence

from jobsprint.core import observability
from jobsprint.core.ids import made_at
from jobsprint.domain.deliveries import DeliveryState, Ended
from jobsprint.domain.delivery_failures import kind_of

_STATES: dict[DeliveryState, str] = {
    "delivered": "DeliveriesDelivered",
    "retrying": "RetriesScheduled",
    "exhausted": "DeliveriesExhausted",
    "discarded": "DeliveriesDiscarded",
}


def report(ended: Sequence[Ended], *, discarded: int, came_back: int, faults: int = 0) -> None:
    """Writes the batch's metrics; `discarded` deliveries ended without an attempt, `came_back` messages failed on our
    side, and `faults` writes failed together with others and were done again by themselves."""
    observability.count(totals(ended, discarded) | {"MessagesReturned": came_back, "StatementsFailed": faults})
    for kind, number in failures(ended).items():
        observability.count({"AttemptFailures": number}, failure=kind)


def totals(ended: Sequence[Ended], discarded: int) -> dict[str, int | list[int]]:
    """Attempts by how they ended, deliveries by what state they reached, and two times in ms: how long attempts
    took, and from an event's publishing to the start of the first attempt at it.
    """
    sent = [one.attempt for one in ended if one.attempt.status != "unknown"]
    states = Counter(_STATES[one.state] for one in ended if one.state in _STATES)
    states["DeliveriesDiscarded"] += discarded
    return {
        "AttemptsSucceeded": sum(attempt.status == "success" for attempt in sent),
        "AttemptsFailed": sum(attempt.status == "error" for attempt in sent),
        "AttemptsUnknown": len(ended) - len(sent),
        **states,
        "AttemptMs": [attempt.duration_ms for attempt in sent],
        "FirstAttemptMs": [
            max(0, one.attempt.started_at - made_at(one.ticket.event_id)) for one in ended if one.attempt.number == 1
        ],
    }


def failures(ended: Sequence[Ended]) -> Counter[str]:
    """Failed attempts by their kind, without the detail after the colon: some twenty values."""
    return Counter(kind_of(one.attempt.failure or "") for one in ended if one.attempt.status != "success")

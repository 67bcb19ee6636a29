"""The metrics of a batch of deliveries."""

from collections import Counter
from collections.abc import Sequence

from jobsprint.core import observability
from jobsprint.core.ids import made_at
from jobsprint.domain.deliveries import DeliveryState, RecordedAttempt
from jobsprint.domain.delivery_failures import kind_of

_STATES: dict[DeliveryState, str] = {
    "delivered": "DeliveriesDelivered",
    "retrying": "RetriesScheduled",
    "exhausted": "DeliveriesExhausted",
    "discarded": "DeliveriesDiscarded",
}


def report(recorded: Sequence[RecordedAttempt], *, discarded: int, returned: int) -> None:
    """Write the batch's metrics; `discarded` deliveries ended without an attempt, `returned` messages failed on our
    side."""
    observability.count(totals(recorded, discarded) | {"MessagesReturned": returned})
    for kind, number in failures(recorded).items():
        observability.count({"AttemptFailures": number}, failure=kind)


def totals(recorded: Sequence[RecordedAttempt], discarded: int) -> dict[str, int | list[int]]:
    """Attempts by outcome, deliveries by the state they reached, and two times in ms: how long attempts took, and how
    late first attempts started: after the event's publishing, or after the time that a schedule, a rate limit or a
    replay had put them off to.
    """
    sent = [one.attempt for one in recorded if one.attempt.status != "unknown"]
    states = Counter(_STATES[one.state] for one in recorded if one.state in _STATES)
    states["DeliveriesDiscarded"] += discarded
    return {
        "AttemptsSucceeded": sum(attempt.status == "success" for attempt in sent),
        "AttemptsFailed": sum(attempt.status == "error" for attempt in sent),
        "AttemptsUnknown": len(recorded) - len(sent),
        **states,
        "AttemptMs": [attempt.duration_ms for attempt in sent],
        "FirstAttemptMs": [
            max(0, one.attempt.started_at - max(made_at(one.task.event_id), one.task.not_before))
            for one in recorded
            if one.attempt.number == 1
        ],
    }


def failures(recorded: Sequence[RecordedAttempt]) -> Counter[str]:
    """Failed attempts by their kind, without the detail after the colon: some twenty values."""
    return Counter(kind_of(one.attempt.failure or "") for one in recorded if one.attempt.status != "success")

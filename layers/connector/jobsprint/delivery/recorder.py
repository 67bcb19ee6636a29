"""What became of attempts: it is written down, and the next attempt put into the queue where it is to come soon."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from jobsprint.core.config import settings
from jobsprint.delivery import operational_events, queue
from jobsprint.delivery.endpoints import Receiver
from jobsprint.domain import events
from jobsprint.domain.deliveries import Attempt, Ended, Ticket, held_by_queue
from jobsprint.domain.retry_policy import Verdict, schedule_of, verdict
from jobsprint.repositories import statements
from jobsprint.repositories.deliveries import DeliveryStore


@dataclass(frozen=True)
class Result:
    """How a claimed attempt ended. `token` holds the claim, `retry_after` is that header of the answer, and `receiver`
    is None where the webhook takes no more."""

    message: queue.Message
    ticket: Ticket
    token: str
    attempt: Attempt
    retry_after: str | None
    receiver: Receiver | None


class Recorder:
    """Records the results of one batch, from any thread. `ended` is what was recorded, `faults` are DynamoDB's codes
    for what could not be written together with others, and was by itself.

    `our_fault` is a context in which whatever is raised brings those messages back. A result is always recorded before
    the next ticket is put into the queue.
    """

    def __init__(
        self,
        clock: Callable[[], int],
        chance: Callable[[], float],
        our_fault: Callable[..., AbstractContextManager[None]],
    ) -> None:
        self._clock, self._chance, self._our_fault = clock, chance, our_fault
        self.ended: list[Ended] = []
        self.faults: list[str] = []

    def record(self, result: Result) -> None:
        """Records one result."""
        self._record(result, self._decided(result))

    def record_firsts(self, results: Sequence[Result]) -> None:
        """Records results of first attempts in one call; what that does not write takes the long way, one by one."""
        with self._our_fault(*(result.message for result in results)):
            decided = [(result, self._decided(result)) for result in results]
            together = [one for one in decided if not one[1].gone]
            recorded: list[tuple[Result, Verdict]] = []
            alone = [one for one in decided if one[1].gone]
            written = statements.run([self._statement(*one) for one in together], self.faults.append)
            for one, done in zip(together, written, strict=True):
                (recorded if done else alone).append(one)
            for one in recorded:
                self._note(*one)
            self._follow_all(recorded)
            for result, decision in alone:
                with self._our_fault(result.message):
                    self._record(result, decision)

    def _follow_all(self, recorded: Sequence[tuple[Result, Verdict]]) -> None:
        retried = [(result, decision) for result, decision in recorded if decision.next_at is not None]
        with self._our_fault(*(result.message for result, _ in retried)):
            self.follow([(result.ticket, decision.next_at) for result, decision in retried])

    def follow(self, ended: Sequence[tuple[Ticket, int | None]]) -> None:
        """Puts the attempts after these into the queue that it holds; each comes with its time (Unix ms)."""
        now = self._clock()
        queue.put_all(
            [
                queue.next_ticket(ticket, next_at)
                for ticket, next_at in ended
                if next_at is not None and held_by_queue(next_at, now)
            ],
            now,
        )

    def _decided(self, result: Result) -> Verdict:
        if not result.receiver:
            return Verdict("discarded")
        return verdict(
            result.attempt,
            result.retry_after,
            schedule=schedule_of(result.receiver.webhook.policy, settings().retry_schedule),
            base=result.ticket.base,
            now=self._clock(),
            fraction=self._chance(),
        )

    def _record(self, result: Result, decision: Verdict) -> None:
        ticket, now = result.ticket, self._clock()
        if decision.gone and result.receiver:
            # First: a crash in between then leaves an open claim, and not a webhook that wants no more and gets it.
            may_tell = not events.is_own(ticket.event)
            operational_events.disable(result.receiver.webhook, "gone", totals=None, may_tell=may_tell, now=now)
        recorded, row = DeliveryStore(ticket.tenant).record(
            ticket, result.token, result.attempt, decision.state, decision.next_at, now
        )
        if recorded:
            self._note(result, decision)
            self.follow([(ticket, decision.next_at)])
        elif row and row.attempt == ticket.attempt:
            # Either the answer to our own write was lost, or we were taken for dead: the row says what comes next.
            self.follow([(replace(ticket, base=row.base), row.delivery.next_attempt_at)])

    def _statement(self, result: Result, decision: Verdict) -> statements.Statement:
        return DeliveryStore(result.ticket.tenant).first_record(
            result.ticket, result.token, result.attempt, decision.state, decision.next_at, self._clock()
        )

    def _note(self, result: Result, decision: Verdict) -> None:
        self.ended.append(Ended(result.ticket, result.attempt, decision.state))

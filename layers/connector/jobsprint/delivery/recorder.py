"""Recording the result of an attempt, and scheduling the next one."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from jobsprint.core.clock import iso_millis
from jobsprint.core.config import settings
from jobsprint.core.observability import logger
from jobsprint.delivery import operational_events, queue
from jobsprint.delivery.endpoints import WebhookEndpoint
from jobsprint.domain import events, mcp_events
from jobsprint.domain.deliveries import Attempt, DeliveryTask, RecordedAttempt, fits_in_queue
from jobsprint.domain.retry_policy import RetryDecision, decide, schedule_of
from jobsprint.repositories.deliveries import DeliveryStore


@dataclass(frozen=True)
class Result:
    """The result of a claimed attempt.

    `token` holds the lease, `retry_after` is that header of the response, and `endpoint` is None where the webhook
    takes no more deliveries.
    """

    task: DeliveryTask
    token: str
    attempt: Attempt
    retry_after: str | None
    endpoint: WebhookEndpoint | None


class Recorder:
    """Records the results of one batch, from any thread. `recorded` holds those that were stored."""

    def __init__(self, clock: Callable[[], int], chance: Callable[[], float]) -> None:
        self._clock, self._chance = clock, chance
        self.recorded: list[RecordedAttempt] = []

    def record(self, result: Result) -> None:
        """Store a result, then enqueue the next attempt where it is due soon."""
        task, decision, now = result.task, self._decision(result), self._clock()
        if decision.gone and result.endpoint:
            # First: a crash in between then leaves an open lease, and not an active webhook that answers 410.
            may_publish = not events.is_own(task.event)
            operational_events.disable(result.endpoint.webhook, "gone", totals=None, may_publish=may_publish, now=now)
        stored, row = DeliveryStore(task.tenant).record(
            task, result.token, result.attempt, decision.state, decision.next_at, now
        )
        if stored:
            self.recorded.append(RecordedAttempt(task, result.attempt, decision.state))
            _log_failure(task, result.attempt, decision)
            self.schedule(task, decision.next_at)
        elif row and row.attempt == task.attempt:
            # Either the response to our own write was lost, or the lease had expired: the row says what comes next.
            self.schedule(replace(task, base=row.base), row.delivery.next_attempt_at)

    def schedule(self, task: DeliveryTask, next_at: int | None) -> None:
        """Enqueue the attempt after `task`, due at `next_at` (Unix ms), unless there is none or the sweeper does it."""
        now = self._clock()
        if next_at is not None and fits_in_queue(next_at, now):
            queue.send(queue.next_task(task, next_at), now)

    def _decision(self, result: Result) -> RetryDecision:
        if not result.endpoint:
            return RetryDecision("discarded")
        return decide(
            result.attempt,
            result.retry_after,
            schedule=schedule_of(result.endpoint.webhook.policy, settings().retry_schedule),
            base=result.task.base,
            now=self._clock(),
            fraction=self._chance(),
            final=mcp_events.FINAL_STATUSES if result.endpoint.webhook.is_mcp else (),
        )


def _log_failure(task: DeliveryTask, attempt: Attempt, decision: RetryDecision) -> None:
    if attempt.status != "success":
        logger.warning(
            "attempt_failed",
            extra={
                "tenant": task.tenant,
                "webhookId": task.webhook_id,
                "eventId": task.event_id,
                "event": task.event,
                "deliveryId": task.delivery_id,
                "attempt": attempt.number,
                "status": attempt.http_status,
                "failure": attempt.failure,
                "state": decision.state,
                "nextAttemptAt": decision.next_at and iso_millis(decision.next_at),
            },
        )

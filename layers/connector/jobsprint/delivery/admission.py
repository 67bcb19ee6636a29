"""Admission control: which deliveries of a batch may be sent now, and what the batch says of its webhooks' health.

A healthy webhook without a rate limit costs nothing here: its own item, which is read anyway, says that its health need
not be looked at, and only failures and slow responses are written down. The rules are in `domain.endpoint_health` and
`domain.rate_limiter`.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from jobsprint.core.cache import BoundedCache
from jobsprint.core.observability import logger
from jobsprint.delivery import operational_events
from jobsprint.domain import endpoint_health, events, rate_limiter
from jobsprint.domain.deliveries import DeliveryTask, RecordedAttempt
from jobsprint.domain.endpoint_health import Admission, BatchReport, EndpointHealth, Totals
from jobsprint.domain.integrations import Integration
from jobsprint.domain.rate_limiter import RateLimiter
from jobsprint.domain.retry_policy import GONE
from jobsprint.repositories.endpoint_health import Contended, EndpointHealthStore, Versioned
from jobsprint.repositories.integrations import IntegrationStore

CACHED_SECONDS = 3.0
"""How long a container believes that a breaker is open without reading its state."""

_MAX_CACHED = 1_000
_CONTENDED_WAIT_MS = 2_000

Key = tuple[str, str]
"""Tenant and webhook id."""

open_breakers: BoundedCache[Key, tuple[float, EndpointHealth]] = BoundedCache(_MAX_CACHED)  # with monotonic seconds
rate_limiters: BoundedCache[Key, Versioned[RateLimiter]] = BoundedCache(_MAX_CACHED)


@dataclass
class _Endpoint:
    """A webhook in this batch: as it was read, its health if known, whether the batch counts as in flight to it, and
    the deliveries that await a response."""

    webhook: Integration
    token: str
    health: Versioned[EndpointHealth] | None = None
    counted_in_flight: bool = False
    awaiting: set[str] = field(default_factory=set)


class AdmissionControl:
    """Admission control of one batch. `clock` gives Unix ms, `chance` a random number from 0 to 1."""

    def __init__(self, clock: Callable[[], int], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._endpoints: dict[Key, _Endpoint] = {}

    # --- before sending -----------------------------------------------------------------------------------------------

    def admit(self, due: Sequence[tuple[DeliveryTask, Integration]]) -> list[int | None]:
        """For each task None, when it may be sent now, or until when (Unix ms) it is to be deferred.

        It fails open: a task that cannot be decided on is sent.
        """
        answers: list[int | None] = [None] * len(due)
        indexes: dict[Key, list[int]] = {}
        for index, (task, webhook) in enumerate(due):
            key = (task.tenant, task.webhook_id)
            self._endpoints.setdefault(key, _Endpoint(webhook, os.urandom(4).hex()))
            indexes.setdefault(key, []).append(index)
        for key, own in indexes.items():
            webhook = self._endpoints[key].webhook
            if webhook.watched or webhook.policy.rate_limit:
                for index, until in self._deferred(key, {index: due[index][0] for index in own}).items():
                    answers[index] = until
        return answers

    def _deferred(self, key: Key, tasks: Mapping[int, DeliveryTask]) -> dict[int, int]:
        try:
            # Those that were deferred before are sent first.
            order = sorted(tasks, key=lambda index: -tasks[index].deferrals)
            waiting = self._deferred_by_health(key, order, tasks)
            limit = self._endpoints[key].webhook.policy.rate_limit
            admitted = [index for index in order if index not in waiting]
            return waiting | (self._deferred_by_rate(key, limit, admitted, tasks) if limit and admitted else {})
        except Exception:  # noqa: BLE001 - a delivery is worth more than the limit it may break
            logger.exception("admission_failed", extra={"webhookId": key[1]})
            return {}

    def _deferred_by_health(self, key: Key, order: Sequence[int], tasks: Mapping[int, DeliveryTask]) -> dict[int, int]:
        """Until when the concurrency limit or the circuit breaker defers which tasks."""
        endpoint, now = self._endpoints[key], self._clock()
        if not endpoint.webhook.watched:
            return {}
        health, admission = self._admission(key, endpoint, len(order), now)
        if admission.reason == "healthy":
            IntegrationStore(key[0]).watch(key[1], watched=False)
        endpoint.counted_in_flight = admission.reason in ("limited", "probe")
        return {
            index: endpoint_health.deferred_until(
                admission,
                deferrals=tasks[index].deferrals,
                trips=health.trips,
                now=now,
                fraction=self._chance(),
            )
            for index in order[admission.allowed :]
        }

    def _admission(self, key: Key, endpoint: _Endpoint, wanted: int, now: int) -> tuple[EndpointHealth, Admission]:
        target = endpoint.webhook.encrypted_version

        def decide(health: EndpointHealth) -> tuple[EndpointHealth, Admission]:
            return endpoint_health.admit(health, wanted, endpoint.token, target=target, now=now)

        cached = _cached_open(key)
        if cached and (admission := decide(cached)[1]).reason == "open":
            return cached, admission
        try:
            endpoint.health, admission = EndpointHealthStore(key[0]).change(key[1], decide, now=now)
        except Contended:
            return EndpointHealth(), Admission(0, "busy", now + _CONTENDED_WAIT_MS)
        if admission.reason == "open":
            open_breakers[key] = (time.monotonic(), endpoint.health.state)
        return endpoint.health.state, admission

    def _deferred_by_rate(
        self, key: Key, limit: int, order: Sequence[int], tasks: Mapping[int, DeliveryTask]
    ) -> dict[int, int]:
        """The slots of the tasks that are over the rate limit."""
        now, fraction = self._clock(), self._chance()
        returning = sum(tasks[index].deferrals > 0 for index in order)

        def decide(limiter: RateLimiter) -> tuple[RateLimiter, tuple[int, tuple[int, ...]]]:
            after, allowed, slots = rate_limiter.take(
                limiter, limit=limit, returning=returning, fresh=len(order) - returning, now=now, fraction=fraction
            )
            return after, (allowed, slots)

        read = rate_limiters.get(key, Versioned(RateLimiter(), 0))
        try:
            written, (allowed, slots) = EndpointHealthStore(key[0]).change_rate_limiter(
                key[1], decide, now=now, read=read
            )
        except Contended:
            return dict.fromkeys(order, now + _CONTENDED_WAIT_MS)
        rate_limiters[key] = written
        return dict(zip(order[allowed:], slots, strict=True))

    # --- while sending ------------------------------------------------------------------------------------------------

    @contextmanager
    def awaiting(self, tasks: Sequence[DeliveryTask]) -> Iterator[None]:
        """While these are sent: a webhook without a response after a second gets its concurrency limit at once.

        Other batches then defer their deliveries, instead of all waiting for the same endpoint.
        """
        for task in tasks:
            self._endpoints[task.tenant, task.webhook_id].awaiting.add(task.delivery_id)
        timer = threading.Timer(endpoint_health.SLOW_MS / 1000, self._limit_slow)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def responded(self, task: DeliveryTask) -> None:
        """Note that the attempt of a task no longer awaits a response."""
        self._endpoints[task.tenant, task.webhook_id].awaiting.discard(task.delivery_id)

    def _limit_slow(self) -> None:
        for endpoint in self._endpoints.values():
            if not endpoint.awaiting or endpoint.counted_in_flight:
                continue
            try:
                self._limit(endpoint)
            except Exception:  # noqa: BLE001 - only a hint for other batches; this one goes on
                logger.exception("concurrency_limit_not_set", extra={"webhookId": endpoint.webhook.id})

    def _limit(self, endpoint: _Endpoint) -> None:
        now, webhook = self._clock(), endpoint.webhook

        def decide(health: EndpointHealth) -> tuple[EndpointHealth, None]:
            return endpoint_health.limited(health, endpoint.token, now), None

        endpoint.health, _ = EndpointHealthStore(webhook.tenant).change(webhook.id, decide, now=now)
        endpoint.counted_in_flight = True
        self._watch(endpoint)

    # --- after sending ------------------------------------------------------------------------------------------------

    def close(self, recorded: Mapping[Key, Sequence[RecordedAttempt]], totals: Mapping[Key, Totals]) -> None:
        """Write down what the batch says of its webhooks; nothing of those that are healthy.

        `recorded` are its results, `totals` the usage counters after it. A failure is logged: the deliveries are
        recorded, and the next batch reports again.
        """
        for key, endpoint in self._endpoints.items():
            report = _report(endpoint, recorded.get(key, ()), totals.get(key))
            if not (report.bad or report.slow or endpoint.counted_in_flight):
                continue
            try:
                self._change_health(key, endpoint, report)
            except Exception:  # noqa: BLE001 - see above
                logger.exception("endpoint_health_not_written", extra={"webhookId": key[1]})

    def _change_health(self, key: Key, endpoint: _Endpoint, report: BatchReport) -> None:
        now = self._clock()

        def decide(health: EndpointHealth) -> tuple[EndpointHealth, bool]:
            target = endpoint.webhook.encrypted_version
            after, must_be_disabled = endpoint_health.after_batch(health, report, target=target, now=now)
            operational_events.schedule_checks(health, after, endpoint.webhook, now)
            return after, must_be_disabled

        health, must_be_disabled = EndpointHealthStore(key[0]).change(key[1], decide, now=now, read=endpoint.health)
        if not endpoint_health.is_healthy(health.state, now):
            self._watch(endpoint)
        operational_events.publish_outbox(endpoint.webhook, health, now)
        if must_be_disabled:
            operational_events.disable(
                endpoint.webhook, "failing", totals=report.totals, may_publish=report.may_publish, now=now
            )

    def _watch(self, endpoint: _Endpoint) -> None:
        """Make every batch read the webhook's health from now on."""
        if not endpoint.webhook.watched:
            IntegrationStore(endpoint.webhook.tenant).watch(endpoint.webhook.id, watched=True)


def _report(endpoint: _Endpoint, recorded: Sequence[RecordedAttempt], totals: Totals | None) -> BatchReport:
    failed = [one.task for one in recorded if one.attempt.status != "success"]
    exhausted = [one for one in recorded if one.state == "exhausted" and not events.is_own(one.task.event)]
    return BatchReport(
        ok=len(recorded) - len(failed),
        bad=len(failed),
        slow=any(one.attempt.duration_ms >= endpoint_health.SLOW_MS for one in recorded),
        exhausted=tuple(one.task.delivery_id for one in exhausted),
        gone=sum(one.attempt.http_status == GONE for one in exhausted),
        token=endpoint.token if endpoint.counted_in_flight else None,
        totals=totals,
        may_publish=not failed or not all(events.is_own(task.event) for task in failed),
    )


def _cached_open(key: Key) -> EndpointHealth | None:
    cached = open_breakers.get(key)
    return cached[1] if cached and time.monotonic() - cached[0] < CACHED_SECONDS else None

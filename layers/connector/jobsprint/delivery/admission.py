"""What may be sent now, and what attempts say of their webhooks: the dispatcher asks before a batch and tells after.

A calm webhook without a rate limit costs nothing here: its own item, which is read anyway, says that it is not watched,
and only what fails or is slow is written down. The rules are in `domain.endpoint_health` and `domain.rate_limiter`.
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
from jobsprint.domain.deliveries import Ended, Ticket
from jobsprint.domain.endpoint_health import Admission, Report, Totals, Traffic
from jobsprint.domain.integrations import Integration
from jobsprint.domain.rate_limiter import Pace
from jobsprint.domain.retry_policy import GONE
from jobsprint.repositories.endpoint_health import Contended, Seen, TrafficStore
from jobsprint.repositories.integrations import IntegrationStore

CACHED_SECONDS = 3.0
"""How long a container believes that a breaker is open without looking."""

_MAX_CACHED = 1_000
_CONTENDED_WAIT_MS = 2_000

Key = tuple[str, str]
"""Tenant and webhook id."""

_open: BoundedCache[Key, tuple[float, Traffic]] = BoundedCache(_MAX_CACHED)  # with the time (monotonic seconds)
_paces: BoundedCache[Key, Seen[Pace]] = BoundedCache(_MAX_CACHED)


@dataclass
class _Watch:
    """One webhook in this batch: how it was read, what is known of it, its lease, and what is being sent to it."""

    webhook: Integration
    token: str
    seen: Seen[Traffic] | None = None
    leased: bool = False
    under_way: set[str] = field(default_factory=set)


class Gate:
    """The gate of one batch. `clock` gives Unix ms, `chance` a random number from 0 to 1."""

    def __init__(self, clock: Callable[[], int], chance: Callable[[], float]) -> None:
        self._clock = clock
        self._chance = chance
        self._watches: dict[Key, _Watch] = {}

    # --- before -------------------------------------------------------------------------------------------------------

    def admit(self, due: Sequence[tuple[Ticket, Integration]]) -> list[int | None]:
        """For each ticket None, when it may be sent now, or when it is to come again (Unix ms).

        It fails open: what cannot be decided is sent.
        """
        answers: list[int | None] = [None] * len(due)
        places: dict[Key, list[int]] = {}
        for place, (ticket, webhook) in enumerate(due):
            key = (ticket.tenant, ticket.webhook_id)
            self._watches.setdefault(key, _Watch(webhook, os.urandom(4).hex()))
            places.setdefault(key, []).append(place)
        for key, own in places.items():
            webhook = self._watches[key].webhook
            if webhook.watched or webhook.policy.rate_limit:
                tickets = {place: due[place][0] for place in own}
                for place, again_at in self._put_off(key, tickets).items():
                    answers[place] = again_at
        return answers

    def _put_off(self, key: Key, tickets: Mapping[int, Ticket]) -> dict[int, int]:
        try:
            # Who waited before goes first.
            order = sorted(tickets, key=lambda place: -tickets[place].deferred)
            waiting = self._without_leave(key, order, tickets)
            limit = self._watches[key].webhook.policy.rate_limit
            going = [place for place in order if place not in waiting]
            return waiting | (self._over_the_limit(key, limit, going, tickets) if limit and going else {})
        except Exception:  # noqa: BLE001 - a delivery is worth more than the limit it may break
            logger.exception("gate_failed", extra={"webhookId": key[1]})
            return {}

    def _without_leave(self, key: Key, order: Sequence[int], tickets: Mapping[int, Ticket]) -> dict[int, int]:
        """When those come again that slowness or the breaker holds back."""
        watch, now = self._watches[key], self._clock()
        if not watch.webhook.watched:
            return {}
        state, admission = self._admission(key, watch, len(order), now)
        if admission.why == "calm":
            IntegrationStore(key[0]).watch(key[1], watched=False)
        watch.leased = admission.why in ("lease", "probe")
        return {
            place: endpoint_health.come_again(
                admission,
                deferred=tickets[place].deferred,
                openings=state.openings,
                now=now,
                fraction=self._chance(),
            )
            for place in order[admission.go :]
        }

    def _admission(self, key: Key, watch: _Watch, wanted: int, now: int) -> tuple[Traffic, Admission]:
        target = watch.webhook.encrypted_version

        def decide(state: Traffic) -> tuple[Traffic, Admission]:
            return endpoint_health.admit(state, wanted, watch.token, target=target, now=now)

        believed = _believed(key)
        if believed and (found := decide(believed)[1]).why == "open":
            return believed, found
        try:
            watch.seen, admission = TrafficStore(key[0]).change(key[1], decide, now=now)
        except Contended:
            return Traffic(), Admission(0, "busy", now + _CONTENDED_WAIT_MS)
        if admission.why == "open":
            _open[key] = (time.monotonic(), watch.seen.state)
        return watch.seen.state, admission

    def _over_the_limit(
        self, key: Key, limit: int, order: Sequence[int], tickets: Mapping[int, Ticket]
    ) -> dict[int, int]:
        """When those come again that are more than the rate limit lets through."""
        now, fraction = self._clock(), self._chance()
        returning = sum(tickets[place].deferred > 0 for place in order)

        def decide(state: Pace) -> tuple[Pace, tuple[int, tuple[int, ...]]]:
            after, go, again = rate_limiter.take(
                state, limit=limit, returning=returning, fresh=len(order) - returning, now=now, fraction=fraction
            )
            return after, (go, again)

        seen = _paces.get(key, Seen(Pace(), 0))
        try:
            seen, (go, again) = TrafficStore(key[0]).change_pace(key[1], decide, now=now, seen=seen)
        except Contended:
            return dict.fromkeys(order, now + _CONTENDED_WAIT_MS)
        _paces[key] = seen
        return dict(zip(order[go:], again, strict=True))

    # --- meanwhile ----------------------------------------------------------------------------------------------------

    @contextmanager
    def watching(self, tickets: Sequence[Ticket]) -> Iterator[None]:
        """While these are sent: what is not answered after a second makes its webhook slow at once.

        Other batches then hold back, where they would otherwise all come to wait for the same receiver.
        """
        for ticket in tickets:
            self._watches[ticket.tenant, ticket.webhook_id].under_way.add(ticket.delivery_id)
        timer = threading.Timer(endpoint_health.SLOW_MS / 1000, self._find_slow)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()

    def _find_slow(self) -> None:
        for watch in self._watches.values():
            if not watch.under_way or watch.leased:
                continue
            try:
                self._hold_back_others(watch)
            except Exception:  # noqa: BLE001 - a hint for others; what this batch sends goes on
                logger.exception("slow_webhook_not_marked", extra={"webhookId": watch.webhook.id})

    def _hold_back_others(self, watch: _Watch) -> None:
        now, webhook = self._clock(), watch.webhook

        def decide(state: Traffic) -> tuple[Traffic, None]:
            return endpoint_health.found_slow(state, watch.token, now), None

        watch.seen, _ = TrafficStore(webhook.tenant).change(webhook.id, decide, now=now)
        watch.leased = True
        self._mark(watch)

    def answered(self, ticket: Ticket) -> None:
        """Says that the attempt at a ticket is not under way any more."""
        self._watches[ticket.tenant, ticket.webhook_id].under_way.discard(ticket.delivery_id)

    # --- after --------------------------------------------------------------------------------------------------------

    def close(self, ended: Mapping[Key, Sequence[Ended]], totals: Mapping[Key, Totals]) -> None:
        """Writes down what the batch says of its webhooks: nothing of those that are well.

        `ended` is what it recorded, `totals` are the usage counters after it. A failure is logged: deliveries are
        recorded, and the next batch judges anew.
        """
        for key, watch in self._watches.items():
            report = _report(watch, ended.get(key, ()), totals.get(key))
            if not (report.bad or report.slow or watch.leased):
                continue
            try:
                self._judge(key, watch, report)
            except Exception:  # noqa: BLE001 - see above
                logger.exception("webhook_not_judged", extra={"webhookId": key[1]})

    def _judge(self, key: Key, watch: _Watch, report: Report) -> None:
        now = self._clock()

        def decide(state: Traffic) -> tuple[Traffic, bool]:
            after, hopeless = endpoint_health.judged(state, report, target=watch.webhook.encrypted_version, now=now)
            operational_events.foretell(state, after, watch.webhook, now)
            return after, hopeless

        seen, hopeless = TrafficStore(key[0]).change(key[1], decide, now=now, seen=watch.seen)
        if not endpoint_health.is_calm(seen.state, now):
            self._mark(watch)
        operational_events.tell(watch.webhook, seen, now)
        if hopeless:
            operational_events.disable(
                watch.webhook, "failing", totals=report.totals, may_tell=report.may_tell, now=now
            )

    def _mark(self, watch: _Watch) -> None:
        """Has every batch look at the webhook's state from now on."""
        if not watch.webhook.watched:
            IntegrationStore(watch.webhook.tenant).watch(watch.webhook.id, watched=True)


def _report(watch: _Watch, ended: Sequence[Ended], totals: Totals | None) -> Report:
    failed = [one.ticket for one in ended if one.attempt.status != "success"]
    exhausted = [one for one in ended if one.state == "exhausted" and not events.is_own(one.ticket.event)]
    return Report(
        ok=len(ended) - len(failed),
        bad=len(failed),
        slow=any(one.attempt.duration_ms >= endpoint_health.SLOW_MS for one in ended),
        exhausted=tuple(one.ticket.delivery_id for one in exhausted),
        gone=sum(one.attempt.http_status == GONE for one in exhausted),
        token=watch.token if watch.leased else None,
        totals=totals,
        may_tell=not failed or not all(events.is_own(ticket.event) for ticket in failed),
    )


def _believed(key: Key) -> Traffic | None:
    found = _open.get(key)
    return found[1] if found and time.monotonic() - found[0] < CACHED_SECONDS else None

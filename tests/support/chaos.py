"""Scenarios of publishing and delivering, in processes that crash at given boundaries, and what must hold after each.

Two events, one over the API and one over the bus, go to three webhooks: `long` and `short` refuse the first request of
an event and wait 20 minutes or 5 seconds, `deleted` refuses all and is deleted while it waits. The first goes to `gone`
too, which answers 410. A publish without an answer is repeated by its caller, a message whose worker crashed is
received again.
"""

import json
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from jobsprint.core import aws
from jobsprint.core.clock import iso_seconds
from jobsprint.core.config import settings
from jobsprint.repositories import tenants
from jobsprint.repositories.endpoint_health import EndpointHealthStore
from jobsprint.repositories.integrations import IntegrationStore
from tests.support.call import call, event
from tests.support.crash_injector import CrashInjector, World
from tests.support.deliveries import record, subscribe
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.shared_aws import shared
from tests.support.template import create_tables
from tests.support.virtual import Service

SCHEDULES = {
    "long": [0, 1200, 1200, 1200, 1200],
    "short": [0, 5, 5, 5, 5],
    "gone": [0, 5, 5],  # two may die with the 410 unheard
    "deleted": [0, 1200, 1200],
}
MUST_ARRIVE = ("long", "short")
DELETED_AFTER_MS = 600_000
_HOUR_MS = 3_600_000
_ENDED = {"delivered", "exhausted", "discarded"}
_OPEN = {"leaseToken", "claimedAt", "leaseUntil", "nextAttemptAt", "dueAt", "dueShard"}


@dataclass
class Outcome:
    """The outcome of a scenario. `published` counts deliveries that were owed after an acknowledged publish."""

    world: World
    published: int = 0
    delivered: int = 0
    duplicated: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)


class Stage:
    """Plays the scenario, each time with a tenant of its own and empty tables."""

    def __init__(self, injector: CrashInjector, receiver: Receiver, sent: list[tuple[str, str, int]]) -> None:
        self._injector, self._receiver, self._sent = injector, receiver, sent
        self._numbers = count(1)
        self._hour = -(-int(time.time() * 1000) // _HOUR_MS) * _HOUR_MS

    def play(self, fatal: Collection[str] = ()) -> Outcome:
        """One scenario whose processes crash at the boundaries `fatal`."""
        self._set_up(fatal)
        self._answered: Counter[tuple[str, str]] = Counter()
        self._receiver.answer = self._reply
        self._webhooks = {
            role: subscribe(
                f"{self._receiver.url}/{role}",
                "job.done" if role == "gone" else "job.*",
                tenant=self._tenant,
                retrySchedule=schedule,
            )["id"]
            for role, schedule in SCHEDULES.items()
        }
        acknowledged = self._publish()
        self._service.run(until=self._hour + DELETED_AFTER_MS)
        call("DELETE", f"/integrations/webhooks/{self._webhooks['deleted']}", tenant=self._tenant)
        self._service.run()
        outcome = self._judge(acknowledged)
        self._clear()
        return outcome

    def _set_up(self, fatal: Collection[str]) -> None:
        self._tenant = f"world-{next(self._numbers)}"
        tenants.add(self._tenant)
        self._world = World(fatal)
        self._steps: list[str] = []
        self._receiver.received.clear()
        self._hour += 24 * _HOUR_MS
        self._service = Service(
            self._hour,
            dispatch=self._dispatch,
            sweep=lambda: self._run("sweep_deliveries", {}),
            sent=self._take,
            batch=10,
        )

    # --- the service, in processes that may crash ---

    def _run(self, folder: str, given: Any) -> Any:
        return self._injector.run(folder, given, self._service.now, self._world)

    def _dispatch(self, records: list[dict[str, Any]]) -> list[str] | None:
        answer = self._run("dispatch_webhooks", {"Records": records})
        return None if answer is None else [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def _take(self) -> list[tuple[str, int]]:
        self._steps += [body for queue, body, _ in self._sent if queue == "RecoveryQueue"]
        taken = [(body, delay) for queue, body, delay in self._sent if queue == "DeliveryQueue"]
        self._sent.clear()
        return taken

    def _publish(self) -> list[str]:
        """Both publishes, repeated until they are acknowledged; the ids of the events."""
        folder, request = event(
            "POST", "/events", tenant=self._tenant, body={"event": "job.done", "data": {"n": 1}, "id": "over-the-api"}
        )
        while (answer := self._run(folder, request)) is None or answer["statusCode"] != 202:
            self._service.now += 1000
        over_api = json.loads(answer["body"])["data"]["id"]

        detail = {"tenant": self._tenant, "data": {"n": 2}}
        body = {"id": "b1", "source": "jobsprint", "detail-type": "job.failed", "detail": detail}
        body["time"] = iso_seconds(self._service.now)
        message = record(json.dumps(body))
        while (answer := self._run("receive_events", {"Records": [message]})) is None or answer["batchItemFailures"]:
            self._service.now += 180_000
        # Beside the event of the API stands a packed item with the reference to it.
        [over_bus] = [item for item in self._items() if item["sk"]["S"].startswith("evt_") and "packed" not in item]
        return [over_api, over_bus["sk"]["S"]]

    def _reply(self, request: Received) -> Reply:
        role, event_id = request.path[1:], request.headers["webhook-id"]
        self._answered[role, event_id] += 1
        if role == "gone":
            return Reply(410)
        return Reply(500 if role == "deleted" or self._answered[role, event_id] == 1 else 200)

    # --- what callers ask for ---

    def _asked(self, method: str, target: str, body: Any = None, wait_ms: int = 60_000) -> dict[str, Any]:
        """The answer to a request that its caller repeats until it is taken; what is in the queue goes on meanwhile."""
        for _ in range(10):
            folder, request = event(method, target, tenant=self._tenant, body=body)
            answer = self._run(folder, request)
            if answer is not None and answer["statusCode"] == 202:
                data: dict[str, Any] = json.loads(answer["body"])["data"]
                return data
            self._service.collect()
            self._service.run(until=self._service.now + wait_ms)
        raise AssertionError(f"{target} is never taken: {answer}")

    def _recover(self, webhook: str) -> None:
        """Starts a recovery, again once one that died is seen to be stalled, and works its steps until none is left."""
        since = iso_seconds(self._hour - _HOUR_MS)
        self._asked("POST", f"/integrations/webhooks/{webhook}/recover", {"since": since}, wait_ms=_HOUR_MS)
        self._service.collect()
        received = 0
        while self._steps:
            received += 1
            answer = self._run("recover_deliveries", {"Records": [record(self._steps[0], "step", received)]})
            self._service.collect()
            if answer is None or answer["batchItemFailures"]:
                self._service.now += 180_000
            else:
                self._steps.pop(0)
                received = 0

    # --- what must hold ---

    def _items(self) -> list[dict[str, Any]]:
        pages = aws.dynamodb().get_paginator("scan").paginate(TableName="EventsTable")
        return [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith(f"{self._tenant}#")]

    def _rows_of(self, webhook: str) -> list[dict[str, Any]]:
        return [item for item in self._items() if item["pk"]["S"] == f"{self._tenant}#{webhook}"]

    def _judge(self, acknowledged: list[str]) -> Outcome:
        outcome = Outcome(self._world, published=len(acknowledged) * len(MUST_ARRIVE))
        for role in MUST_ARRIVE:
            ids = {request.headers["webhook-id"] for request in self._receiver.received if request.path == f"/{role}"}
            if not ids <= set(acknowledged):
                outcome.wrong.append(f"{role}: an event came under another id")
            for event_id in acknowledged:
                good = self._answered[role, event_id] - 1  # the first is always refused
                outcome.delivered += good > 0
                outcome.lost += good <= 0
                outcome.duplicated += good > 1
        attempts = Counter(
            (request.path[1:], request.headers["webhook-id"], int(request.headers["x-jobsprint-attempt"]))
            for request in self._receiver.received
        )
        outcome.wrong += [f"sent twice: {attempt}" for attempt, times in attempts.items() if times > 1]
        outcome.wrong += [f"lost: {role}" for role in MUST_ARRIVE if outcome.lost]
        for role, webhook in self._webhooks.items():
            outcome.wrong += [f"{role}: {flaw}" for flaw in self._flaws(role, webhook, acknowledged, attempts)]
        gone = call("GET", f"/integrations/webhooks/{self._webhooks['gone']}", tenant=self._tenant).data
        if gone["active"] or gone.get("disabledReason") != "gone":
            outcome.wrong.append("410 did not disable the webhook")
        if not any(item.get("event") == {"S": "webhook.disabled"} and "data" in item for item in self._items()):
            outcome.wrong.append("the disabled webhook was not published")
        return outcome

    def _flaws(
        self, role: str, webhook: str, acknowledged: list[str], attempts: Counter[tuple[str, str, int]]
    ) -> Iterator[str]:
        rows = self._rows_of(webhook)
        owed = acknowledged[:1] if role == "gone" else acknowledged
        if sorted(row["eventId"]["S"] for row in rows) != sorted(owed):
            yield f"{len(rows)} deliveries"
        for row in rows:
            state, event_id = row["state"]["S"], row["eventId"]["S"]
            kept = [json.loads(text["S"]) for text in row.get("attempts", {"L": []})["L"]]
            if state not in _ENDED or _OPEN & row.keys():
                yield f"has not ended: {state}, {sorted(_OPEN & row.keys())}"
            if role == "deleted" and state != "discarded":
                yield f"is {state}, not discarded"
            if [attempt["number"] for attempt in kept] != list(range(1, len(kept) + 1)):
                yield "attempts are not recorded once each and in order"
            known = [attempt["number"] for attempt in kept if attempt["status"] != "unknown"]
            if any(attempts[role, event_id, number] != 1 for number in known):
                yield "an attempt is recorded that was never received"

    def _clear(self) -> None:
        aws.dynamodb().delete_table(TableName="EventsTable")
        create_tables(aws.dynamodb(), "EventsTable")
        aws.sqs().delete_queue(QueueUrl=settings().delivery_queue_url)
        aws.sqs().create_queue(QueueName="DeliveryQueue")


class Again(Stage):
    """Plays another scenario: two deliveries fail for good, one is resent by hand and the other by a replay.

    Then the breaker is open: a third event is deferred, and SQS loses its message. Boundaries count from the resend on.
    """

    def play(self, fatal: Collection[str] = ()) -> Outcome:
        """One scenario whose processes crash at the boundaries `fatal`."""
        self._set_up(fatal)
        self._lost = 0
        self._receiver.answer = lambda _: Reply(500)
        self._webhook = subscribe(f"{self._receiver.url}/again", tenant=self._tenant, retrySchedule=[0, 5])["id"]
        published = [self._publish_one(n) for n in range(2)]
        self._service.run()
        self._world.labels.clear()
        self._receiver.answer = lambda _: Reply(200)
        self._resend(published[0])
        self._service.run()
        self._recover(self._webhook)
        self._service.run()
        self._open_breaker()
        published.append(self._publish_one(2))
        self._service.run()
        outcome = self._judge(published)
        self._clear()
        return outcome

    def _take(self) -> list[tuple[str, int]]:
        taken = super()._take()
        lost = [one for one in taken if json.loads(one[0]).get("deferrals") and not self._lost]
        self._lost += len(lost)
        return [one for one in taken if one not in lost]

    def _publish_one(self, n: int) -> str:
        return str(self._asked("POST", "/events", {"event": "job.done", "data": {"n": n}, "id": f"event-{n}"})["id"])

    def _resend(self, event_id: str) -> None:
        [delivery] = [row["sk"]["S"] for row in self._rows_of(self._webhook) if row["eventId"]["S"] == event_id]
        self._asked("POST", f"/integrations/webhooks/{self._webhook}/deliveries/{delivery}/resend")

    def _open_breaker(self) -> None:
        now = self._service.now
        webhooks = IntegrationStore(self._tenant)
        target = webhooks.get(self._webhook).encrypted_version
        EndpointHealthStore(self._tenant).change(
            self._webhook,
            lambda state: (replace(state, open_until=now + 600_000, trips=6, target=target), None),
            now=now,
        )
        webhooks.watch(self._webhook, watched=True)

    def _judge(self, acknowledged: list[str]) -> Outcome:
        outcome = Outcome(self._world, published=len(acknowledged))
        sent = Counter(
            (request.headers["webhook-id"], int(request.headers["x-jobsprint-attempt"]))
            for request in self._receiver.received
        )
        outcome.wrong += [f"sent twice: {attempt}" for attempt, times in sent.items() if times > 1]
        rows = {row["eventId"]["S"]: row for row in self._rows_of(self._webhook)}
        if sorted(rows) != sorted(acknowledged) or len(rows) != len(self._rows_of(self._webhook)):
            outcome.wrong.append(f"{len(self._rows_of(self._webhook))} deliveries")
        if not self._lost and not self._world.died:  # who dies after the put-off was written leaves no message to lose
            outcome.wrong.append("nothing was deferred")
        for event_id, row in rows.items():
            kept = [json.loads(text["S"]) for text in row.get("attempts", {"L": []})["L"]]
            good = sum(attempt["status"] == "success" for attempt in kept)
            outcome.delivered += good > 0
            outcome.lost += not good
            outcome.duplicated += good > 1
            ended = row["state"]["S"]
            if ended not in _ENDED or _OPEN & row.keys():
                outcome.wrong.append(f"has not ended: {ended}, {sorted(_OPEN & row.keys())}")
            if [attempt["number"] for attempt in kept] != list(range(1, len(kept) + 1)):
                outcome.wrong.append("attempts are not recorded once each and in order")
            known = [attempt["number"] for attempt in kept if attempt["status"] != "unknown"]
            if any(sent[event_id, number] != 1 for number in known):
                outcome.wrong.append("an attempt is recorded that was never received")
        return outcome


@contextmanager
def stage(folder: Path, kind: type[Stage] = Stage) -> Iterator[Stage]:
    """A stage on this process's moto (the `aws` fixture), with its socket in `folder`."""
    sent: list[tuple[str, str, int]] = []
    path = folder / "aws"
    with receiving() as receiver, shared(path, lambda *message: sent.append(message)):
        injector = CrashInjector(path)
        try:
            yield kind(injector, receiver, sent)
        finally:
            injector.close()

"""One scenario of publishing and delivering, in processes that die where they are told, and what must hold after it.

Two events, one over the API and one over the bus, go to three webhooks: `long` and `short` refuse the first request of
an event and wait 20 minutes or 5 seconds, `deleted` refuses all and is deleted while it waits. The first goes to `gone`
too, which answers 410. A publish without an answer is repeated by its caller, a message whose worker died comes back.
"""

import json
import time
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from jobsprint import aws
from jobsprint.config import settings
from tests.support.call import call, event
from tests.support.deliveries import record, subscribe
from tests.support.mortals import Mortals, World
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
_OPEN = {"claim", "claimedAt", "leaseUntil", "nextAttemptAt", "dueAt", "dueShard"}


@dataclass
class Outcome:
    """What became of a scenario. `published` counts deliveries that were owed after an acknowledged publish."""

    world: World
    published: int = 0
    delivered: int = 0
    duplicated: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)


class Stage:
    """Plays the scenario, each time with a tenant of its own and empty tables."""

    def __init__(self, mortals: Mortals, receiver: Receiver, sent: list[tuple[str, str, int]]) -> None:
        self._mortals, self._receiver, self._sent = mortals, receiver, sent
        self._numbers = count(1)
        self._hour = -(-int(time.time() * 1000) // _HOUR_MS) * _HOUR_MS

    def play(self, fatal: Collection[str] = ()) -> Outcome:
        """One scenario whose processes die at the boundaries `fatal`."""
        self._tenant = f"world-{next(self._numbers)}"
        self._world = World(fatal)
        self._answered: Counter[tuple[str, str]] = Counter()
        self._receiver.received.clear()
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
        self._hour += 24 * _HOUR_MS
        self._service = Service(
            self._hour,
            dispatch=self._dispatch,
            sweep=lambda: self._run("sweep_deliveries", {}),
            sent=self._take,
            batch=10,
        )
        acknowledged = self._publish()
        self._service.run(until=self._hour + DELETED_AFTER_MS)
        call("DELETE", f"/integrations/webhooks/{self._webhooks['deleted']}", tenant=self._tenant)
        self._service.run()
        outcome = self._judge(acknowledged)
        self._clear()
        return outcome

    # --- the service, in processes that may die ---

    def _run(self, folder: str, given: Any) -> Any:
        return self._mortals.run(folder, given, self._service.now, self._world)

    def _dispatch(self, records: list[dict[str, Any]]) -> list[str] | None:
        answer = self._run("dispatch_webhooks", {"Records": records})
        return None if answer is None else [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def _take(self) -> list[tuple[str, int]]:
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

        detail = {"tenant": self._tenant, "data": {"n": 2}, "id": "over-the-bus"}
        body = {"id": "b1", "source": "jobsprint", "detail-type": "job.failed", "detail": detail}
        message = record(json.dumps(body))
        while (answer := self._run("receive_events", {"Records": [message]})) is None or answer["batchItemFailures"]:
            self._service.now += 180_000
        [kept] = [item for item in self._items() if item["sk"] == {"S": "ext#over-the-bus"}]
        return [over_api, kept["id"]["S"]]

    def _reply(self, request: Received) -> Reply:
        role, event_id = request.path[1:], request.headers["webhook-id"]
        self._answered[role, event_id] += 1
        if role == "gone":
            return Reply(410)
        return Reply(500 if role == "deleted" or self._answered[role, event_id] == 1 else 200)

    # --- what must hold ---

    def _items(self) -> list[dict[str, Any]]:
        pages = aws.dynamodb().get_paginator("scan").paginate(TableName="EventsTable")
        return [item for page in pages for item in page["Items"] if item["pk"]["S"].startswith(f"{self._tenant}#")]

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
            outcome.wrong.append("nobody was told of the disabled webhook")
        return outcome

    def _flaws(
        self, role: str, webhook: str, acknowledged: list[str], attempts: Counter[tuple[str, str, int]]
    ) -> Iterator[str]:
        rows = [item for item in self._items() if item["pk"]["S"] == f"{self._tenant}#{webhook}"]
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
            if [attempt["attempt"] for attempt in kept] != list(range(1, len(kept) + 1)):
                yield "attempts are not recorded once each and in order"
            known = [attempt["attempt"] for attempt in kept if attempt["status"] != "unknown"]
            if any(attempts[role, event_id, number] != 1 for number in known):
                yield "an attempt is recorded that was never received"

    def _clear(self) -> None:
        aws.dynamodb().delete_table(TableName="EventsTable")
        create_tables(aws.dynamodb(), "EventsTable")
        aws.sqs().delete_queue(QueueUrl=settings().delivery_queue_url)
        aws.sqs().create_queue(QueueName="DeliveryQueue")


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A stage on this process's moto (the `aws` fixture), with its socket in `folder`."""
    sent: list[tuple[str, str, int]] = []
    path = folder / "aws"
    with receiving() as receiver, shared(path, lambda *message: sent.append(message)):
        mortals = Mortals(path)
        try:
            yield Stage(mortals, receiver, sent)
        finally:
            mortals.close()

"""Clients of MCP Events that subscribe and get events while the functions crash, on a virtual clock.

Two callbacks pass their challenge, three do not. Each callback that passes subscribes to one of two events; both of
them to a third. The publisher sends batches and repeats each until it is accepted; now and then a callback refuses the
first request of an event.
"""

import json
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from tests.support.call import event
from tests.support.crash_injector import CrashInjector, RandomCrashes
from tests.support.mcp_events import describe, new_secret, params
from tests.support.mcp_messages import modern_request, parsed, token
from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.shared_aws import shared
from tests.support.template import create_tables
from tests.support.virtual import Service

RETRY_SCHEDULE = "0," + ",".join(["5"] * 19)
"""For the environment: a crash costs a delivery an attempt, and none of these may run out of them."""

TENANT = "acme"
BATCH = 25
ROUND = 500
"""Events between two of which everything is delivered, judged and cleared away."""

EVENTS = {"order.paid": ("one",), "order.sent": ("two",), "order.lost": ("one", "two")}
_SHARES = (48, 48, 4)
_REFUSING = {
    "wrong": Reply(200, {"challenge": "another"}),
    "failing": Reply(500, {}),
    "moved": Reply(302, None, {"Location": "/one"}),
}


@dataclass
class Outcome:
    """The counts of all events; `wrong` has what must not be."""

    events: int = 0
    owed: int = 0
    delivered: int = 0
    duplicates: int = 0
    lost: int = 0
    challenges: int = 0
    to_unverified: int = 0
    wrong: list[str] = field(default_factory=list)


class Subscribers:
    """The callbacks of one tenant, its publisher, and the service between them."""

    def __init__(self, process: RandomCrashes, receiver: Receiver, sent: list[tuple[str, int]], seed: int) -> None:
        self._process, self._receiver, self._sent = process, receiver, sent
        self._chance = random.Random(seed)
        self._good: Counter[tuple[str, str]] = Counter()
        self._seen: set[tuple[str, str]] = set()
        self._published = 0
        self.outcome = Outcome()
        receiver.answer = self._answer
        self._service = Service(
            now_ms(),
            dispatch=self._dispatch,
            sweep=lambda: self._run("sweep_deliveries", {}),
            sent=self._take,
            twice=lambda: self._chance.random() < 0.02,
            batch=10,
        )
        self._token = token(TENANT, "mcp:events")
        for name in EVENTS:
            describe(name, tenant=TENANT)

    @property
    def died(self) -> Counter[str]:
        """How often which call was the last of a process."""
        return self._process.died

    def subscribe(self) -> None:
        """Subscribe every callback to its events, each request repeated until it is answered."""
        for name, roles in EVENTS.items():
            for role in (*roles, *_REFUSING):
                answer = self._subscribed(role, name)
                if role in _REFUSING and answer.get("error", {}).get("code") != -32015:
                    self.outcome.wrong.append(f"{role} is not refused: {answer}")
                if role not in _REFUSING and "result" not in answer:
                    self.outcome.wrong.append(f"{role} is refused: {answer}")

    def publish(self, count: int) -> None:
        """Publish so many events, deliver them, and judge that."""
        for start in range(0, count, ROUND):
            owed: dict[str, tuple[str, ...]] = {}
            for batch in range(start, min(start + ROUND, count), BATCH):
                owed |= self._publish(min(BATCH, count - batch))
            self._service.run()
            self._judge(owed)
            self._clear()

    # --- callers ---

    def _subscribed(self, role: str, name: str) -> dict[str, Any]:
        wanted = params(f"{self._receiver.url}/{role}", new_secret(), name)
        folder, request = modern_request("events/subscribe", wanted, token=self._token)
        while (answer := self._run(folder, request)) is None:
            self._service.now += 1000
        return dict(parsed(answer).body)

    def _publish(self, count: int) -> dict[str, tuple[str, ...]]:
        """A batch; which callbacks are owed each of its events, by the event's id."""
        names = self._chance.choices(list(EVENTS), _SHARES, k=count)
        numbers = range(self._published, self._published + count)
        self._published += count
        events = [
            {"event": name, "data": {"orderId": str(number)}, "id": f"order-{number}"}
            for name, number in zip(names, numbers, strict=True)
        ]
        folder, request = event("POST", "/events", tenant=TENANT, body={"events": events})
        while (answer := self._run(folder, request)) is None or answer["statusCode"] != 202:
            self._service.now += 1000
            self._service.collect()
        results = json.loads(answer["body"])["data"]
        return {found["id"]: EVENTS[name] for found, name in zip(results, names, strict=True)}

    def _answer(self, request: Received) -> Reply:
        role, body = request.path[1:], request.json
        if body.get("type") == "verification":
            self.outcome.challenges += 1
            return _REFUSING.get(role) or Reply(200, {"challenge": body["challenge"]})
        if role in _REFUSING:
            self.outcome.to_unverified += 1
        key = (role, body["eventId"])
        if key not in self._seen and self._chance.random() < 0.05:
            self._seen.add(key)
            return Reply(503)
        self._seen.add(key)
        self._good[key] += 1
        return Reply(204)

    # --- the service ---

    def _run(self, folder: str, given: Any) -> Any:
        return self._process.run(folder, given, self._service.now)

    def _dispatch(self, records: list[dict[str, Any]]) -> list[str] | None:
        answer = self._run("dispatch_webhooks", {"Records": records})
        return None if answer is None else [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def _take(self) -> list[tuple[str, int]]:
        """What was put into the queue, without the checks whether subscriptions have ended: those never end."""
        taken = [one for one in self._sent if json.loads(one[0])["kind"] != "expiry_check"]
        self._sent.clear()
        return taken

    # --- what must hold ---

    def _judge(self, owed: dict[str, tuple[str, ...]]) -> None:
        outcome = self.outcome
        outcome.events += len(owed)
        for event_id, roles in owed.items():
            for role in roles:
                good = self._good[role, event_id]
                outcome.owed += 1
                outcome.delivered += good > 0
                outcome.lost += not good
                outcome.duplicates += max(good - 1, 0)
        expected = {(role, event_id) for event_id, roles in owed.items() for role in roles}
        outcome.wrong += [f"was not published: {key}" for key in self._good.keys() - expected]
        attempts = Counter(
            (request.path, request.headers["webhook-id"], request.headers["x-jobsprint-attempt"])
            for request in self._receiver.received
            if "x-jobsprint-attempt" in request.headers
        )
        outcome.wrong += [f"sent twice: {attempt}" for attempt, times in attempts.items() if times > 1]

    def _clear(self) -> None:
        """Empty the table of events, which else makes each scan for what is due slower."""
        self._good.clear()
        self._seen.clear()
        self._receiver.received.clear()
        aws.dynamodb().delete_table(TableName="EventsTable")
        create_tables(aws.dynamodb(), "EventsTable")


@contextmanager
def subscribers(folder: Path, *, seed: int, share: float = 0.2) -> Iterator[Subscribers]:
    """Subscribers on this process's moto (the `aws` fixture), with its socket in `folder`; a share of runs crashes."""
    sent: list[tuple[str, int]] = []

    def keep(queue: str, body: str, delay: int) -> None:
        if queue == "DeliveryQueue":
            sent.append((body, delay))

    with receiving() as receiver, shared(folder / "aws", keep):
        injector = CrashInjector(folder / "aws")
        try:
            yield Subscribers(RandomCrashes(injector, seed, share), receiver, sent, seed)
        finally:
            injector.close()

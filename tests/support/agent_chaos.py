"""Agents that order over MCP from an application with a ledger, while functions crash and answers are lost.

An agent sends each order with a key of its own and repeats it, with the same key, until it has a result that is final.
Functions run one after another on a virtual clock (`tests.support.virtual`); now and then two run the same at once: an
agent that does not wait for its answer, a queue that hands a message to two workers.
"""

import json
import random
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobsprint.core.clock import now_ms
from tests.support.crash_injector import CrashInjector, RandomCrashes
from tests.support.ledger import FAILURES, Ledger
from tests.support.mcp_messages import modern_request, parsed, token
from tests.support.receiver import receiving
from tests.support.rows import connected
from tests.support.shared_aws import shared
from tests.support.virtual import Service

EXECUTION_SECONDS = 5
"""How long a worker waits for the application, as the environment has to say: an answer must never come too late."""

GROUP = 20
ASK_MS = 100  # from the call of one agent to that of the next
FIRST_PAUSE_MS = 45_000  # longer than a key is leased to a request that died; each pause is four times the one before
LONGEST_PAUSE_MS = 1_800_000  # all of them together are shorter than a key is kept
MOST_ROUNDS = 12
VISIBILITY_MS = 2_160_000
SCHEMA = {"type": "object", "properties": {"order": {"type": "integer"}}, "additionalProperties": False}
NOT_SENT = {"upstream_rate_limited", "circuit_open"}
"""Codes that say that an order was not carried out."""

_UNKNOWN = ("unknown", "outcome_unknown")


@dataclass
class Order:
    """One call: its JSON-RPC request, its results in the order in which they came, and the final one."""

    number: int
    folder: str
    request: dict[str, Any]
    asked: int = 0
    final: dict[str, Any] | None = None


@dataclass
class Outcome:
    """The counts of all orders: `orders`, `asked`, `answers_lost`, `duplicates`, how they ended, and `both_ran`,
    those that were sent twice without a key and both ran. `wrong` has what must not be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Agents:
    """The agents of a tenant that has connected the application, with two processes for the functions."""

    def __init__(
        self,
        tenant: str,
        ledger: Ledger,
        processes: list[RandomCrashes],
        sent: list[tuple[str, int]],
        seed: int,
    ) -> None:
        self._ledger, self._processes, self._sent = ledger, processes, sent
        self._chance = random.Random(seed)
        self._token = token(tenant, "mcp:tools")
        self._threads = ThreadPoolExecutor(len(processes))
        actions = [{"name": "order", "effect": "write", "parameters": SCHEMA}]
        connected(ledger.url, tenant=tenant, name="Shop", actions=actions)
        self._interrupted: set[str] = set()  # executions whose worker crashed
        self.outcome = Outcome()
        self._service = Service(
            now_ms(),
            dispatch=self._work,
            sent=self._take,
            twice=lambda: self._chance.random() < 0.05,
            visibility_ms=VISIBILITY_MS,
        )

    @property
    def died(self) -> Counter[str]:
        """How often which call was the last of a process."""
        return sum((process.died for process in self._processes), Counter())

    def order(self, numbers: Iterable[int]) -> None:
        """Order each of these, and judge the outcomes."""
        orders = [self._order_of(number) for number in numbers]
        for start in range(0, len(orders), GROUP):
            self._finish(orders[start : start + GROUP])
        for order in orders:
            self._judge(order)

    def order_twice(self, numbers: Iterable[int]) -> None:
        """Order each of these twice: equal requests with equal JSON-RPC ids, and no key, while nothing goes wrong."""
        self._ledger.calm = True
        for process in self._processes:
            process.share = 0.0
        for number in numbers:
            for _ in range(2):
                self._run(*self._request({"order": number}, number), twice=False)
            self._service.run()
            self.outcome.counts["both_ran"] += self._ledger.done[number] == 2

    # --- agents ---

    def _order_of(self, number: int) -> Order:
        """An order whose key is in the arguments, in the parameters' `_meta`, in a header, or given to the router."""
        key, arguments = f"key-{number}", {"order": number}
        match number % 4:
            case 0:
                sent = self._request(arguments | {"idempotencyKey": key}, number)
            case 1:
                sent = self._request(arguments, number, meta={"jobsprint/idempotencyKey": key})
            case 2:
                sent = self._request(arguments, number, headers={"Idempotency-Key": key})
            case _:
                routed = {"action": "shop_order", "arguments": arguments, "idempotencyKey": key}
                sent = self._request(routed, number, tool="write_action")
        return Order(number, *sent)

    def _request(
        self, arguments: dict[str, Any], id_: int, *, tool: str = "shop_order", **options: Any
    ) -> tuple[str, dict[str, Any]]:
        params = {"name": tool, "arguments": arguments}
        return modern_request("tools/call", params, token=self._token, id_=id_, **options)

    def _finish(self, orders: list[Order]) -> None:
        """Repeat until each is final, and then until nothing waits in the queue: nothing may be sent by that."""
        for attempt in range(MOST_ROUNDS):
            for order in orders:
                if order.final is None:
                    self._ask(order)
            if all(order.final for order in orders):
                break
            self._service.run(until=self._service.now + min(FIRST_PAUSE_MS * 4**attempt, LONGEST_PAUSE_MS))
        self._service.run()
        for order in self._chance.sample(orders, len(orders) // 10):
            self._ask_again(order)

    def _ask(self, order: Order) -> None:
        order.asked += 1
        self._service.now += ASK_MS
        answers = self._run(order.folder, order.request, twice=self._chance.random() < 0.05)
        self._service.collect()
        results = [structured for answer in answers if answer and (structured := self._read(order, answer))]
        if self._chance.random() < 0.1:
            self.outcome.counts["answers_lost"] += 1
            return
        order.final = next((result for result in results if _is_final(result)), None)

    def _ask_again(self, order: Order) -> None:
        """A repeat long after the end gets the same result."""
        [answer] = self._run(order.folder, order.request, twice=False)
        found = answer and self._read(order, answer)
        if found and order.final and {**found, "replayed": True} != {**order.final, "replayed": True}:
            self.outcome.wrong.append(f"{order.number}: {order.final} became {found}")

    def _read(self, order: Order, answer: dict[str, Any]) -> dict[str, Any] | None:
        found = parsed(answer)
        if found.status == 200 and "result" in found.body:
            return dict(found.body["result"]["structuredContent"])
        self.outcome.wrong.append(f"{order.number}: {found.status} {found.body}")
        return None

    # --- functions ---

    def _run(self, folder: str, given: dict[str, Any], *, twice: bool) -> list[Any]:
        """The answers of one process, or of two at once."""
        now = self._service.now
        processes = self._processes if twice else self._processes[:1]
        return list(self._threads.map(lambda process: process.run(folder, given, now), processes))

    def _work(self, records: list[dict[str, Any]]) -> list[str] | None:
        answers = self._run("run_executions", {"Records": records}, twice=self._chance.random() < 0.05)
        if None in answers:
            self._interrupted.update(json.loads(record["body"])["executionId"] for record in records)
        back = [failure["itemIdentifier"] for answer in answers if answer for failure in answer["batchItemFailures"]]
        # One that is received by two workers is deleted by the first of them that ends well.
        done = any(answer is not None and not answer["batchItemFailures"] for answer in answers)
        return [] if done else None if None in answers else back

    def _take(self) -> list[tuple[str, int]]:
        taken = list(self._sent)
        self._sent.clear()
        return taken

    # --- what must hold ---

    def _judge(self, order: Order) -> None:
        final, counts = order.final or {"status": "none"}, self.outcome.counts
        counts["orders"] += 1
        counts["asked"] += order.asked
        counts[final["status"]] += 1
        counts["duplicates"] += max(self._ledger.done[order.number] - 1, 0)
        self.outcome.wrong += [f"{order.number}: {flaw}, {final}" for flaw in self._flaws(order.number, final)]

    def _flaws(self, number: int, final: dict[str, Any]) -> Iterator[str]:
        took = self._ledger.took.get(number, [])
        read = [one for one in took if one != "limited"]
        if len(read) > 1:
            yield f"sent more than once: {took}"
        end = final["status"], final.get("error", {}).get("code")
        if end not in _true_ends(read, interrupted=final.get("executionId") in self._interrupted):
            yield f"is not true: {took}"
        if end[0] == "succeeded" and (self._ledger.done[number], final["result"]["order"]) != (1, number):
            yield "has the result of another"
        if end[0] == "unknown" and "nextStep" not in final["error"]:
            yield "does not say what to do"


def _true_ends(read: list[str], *, interrupted: bool) -> set[tuple[str, str | None]]:
    """What may be said of an order, as status and code, after what the application did with requests that it read.

    Nobody knows what an interrupted worker has sent, unless it had written down the end.
    """
    ends: set[tuple[str, str | None]] = {_UNKNOWN} if interrupted else set()
    if not read:
        return ends | {("failed", code) for code in NOT_SENT}
    if read == ["answered"]:
        return ends | {("succeeded", None)}
    return ends | {("failed", "upstream_failed") if read[0] in FAILURES else _UNKNOWN}


def _is_final(result: dict[str, Any]) -> bool:
    return result["status"] != "running" and result.get("error", {}).get("code") != "idempotency_in_progress"


@contextmanager
def agents(folder: Path, *, tenants: int = 1, share: float = 0.2) -> Iterator[list[Agents]]:
    """The agents of some tenants on this process's moto (the `aws` fixture), with its socket in `folder`.

    A share of the runs crashes. Each tenant has an application and processes of its own, so they may work in threads.
    """
    sent: dict[str, list[tuple[str, int]]] = {f"tenant-{number}": [] for number in range(tenants)}

    def keep(queue: str, body: str, delay: int) -> None:
        if queue == "ExecutionQueue":
            sent[json.loads(body)["tenant"]].append((body, delay))

    with ExitStack() as stack:
        stack.enter_context(shared(folder / "aws", keep))
        found = []
        for seed, (tenant, own) in enumerate(sent.items(), start=15):
            injectors = [CrashInjector(folder / "aws") for _ in range(2)]
            for injector in injectors:
                stack.callback(injector.close)
            processes = [RandomCrashes(injector, 2 * seed + index, share) for index, injector in enumerate(injectors)]
            ledger = Ledger(stack.enter_context(receiving()), seed, EXECUTION_SECONDS + 1)
            found.append(Agents(tenant, ledger, processes, own, seed))
        yield found

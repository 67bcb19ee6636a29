"""clients/vectors.json: the service that its calls are made to, and the judge of what a client made of them."""

import json
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.receiver import Received, Receiver, Reply, receiving
from tests.support.template import ROOT

PATH = ROOT / "clients" / "vectors.json"
VECTORS: dict[str, Any] = json.loads(PATH.read_text("utf-8"))


@contextmanager
def service() -> Iterator[Receiver]:
    """A server that answers call number n, made at `/n`, as the vectors say."""
    with receiving() as receiver:
        seen: dict[int, int] = defaultdict(int)

        def answer(request: Received) -> Reply:
            number = int(request.path.split("/")[1])
            exchanges = VECTORS["calls"][number]["exchanges"]
            exchange = exchanges[min(seen[number], len(exchanges) - 1)]
            seen[number] += 1
            return _reply(exchange["answer"])

        receiver.answer = answer
        yield receiver


def _reply(answer: dict[str, Any]) -> Reply:
    if not answer["status"]:
        return Reply(write=lambda _: None)
    body = answer["body"]
    return Reply(answer["status"], body.encode() if isinstance(body, str) else body, answer.get("headers", {}))


def failures(came: dict[str, Any], received: list[Received]) -> list[str]:
    """The vectors that a client failed, each with the reason."""
    found = [
        f"{case['name']}: {accepted=}"
        for case, accepted in zip(VECTORS["signatures"], came["signatures"], strict=True)
        if accepted is not case["valid"]
    ]
    for number, (case, outcome) in enumerate(zip(VECTORS["calls"], came["calls"], strict=True)):
        requests = [request for request in received if request.path.startswith(f"/{number}/")]
        found += [f"{case['name']}: {reason}" for reason in _wrong(case, outcome, requests)]
    return found


def _wrong(case: dict[str, Any], outcome: dict[str, Any], requests: list[Received]) -> Iterator[str]:
    expected = {name: case[name] for name in ("data", "items", "error") if name in case}
    waits = outcome.pop("waits")
    if outcome != expected:
        yield f"gave {outcome}"
    if "waits" in case and waits != case["waits"]:
        yield f"waited {waits}"
    if len(waits) != _repeats(case):
        yield f"waited {len(waits)} times"
    if len(requests) != len(case["exchanges"]):
        yield f"made {len(requests)} requests"
    for request, exchange in zip(requests, case["exchanges"], strict=False):
        yield from _wrong_request(request, exchange, case)
    keys = {request.headers.get("idempotency-key") for request in requests}
    if len(keys) != 1 or bool(next(iter(keys))) != (case.get("repeats") == "key"):
        yield f"idempotency keys {keys}"
    if case.get("repeats") in ("id", "ids") and len({request.body for request in requests}) != 1:
        yield "a repeat has another body"


def _repeats(case: dict[str, Any]) -> int:
    """How often a request is repeated: a page is another request."""
    targets = [exchange["target"] for exchange in case["exchanges"]]
    return len(targets) - len(set(targets))


def _wrong_request(request: Received, exchange: dict[str, Any], case: dict[str, Any]) -> Iterator[str]:
    target = "/" + request.path.split("/", 2)[2]
    if (request.method, target) != (exchange["method"], exchange["target"]):
        yield f"asked for {request.method} {target}"
    if request.headers.get("authorization") != "Bearer jsp_test":
        yield "no token"
    if request.headers.get("prefer") != case.get("prefer"):
        yield f"preferred {request.headers.get('prefer')}"
    body = request.json if request.body else None
    if body is not None and request.headers.get("content-type") != "application/json":
        yield "a body of another type"
    if case.get("repeats") == "id":
        body = _without_id(body)
    if case.get("repeats") == "ids":
        body = {"events": [_without_id(body["events"][0]), *body["events"][1:]]}
    if body != exchange.get("body"):
        yield f"sent {body}"


def _without_id(event: dict[str, Any]) -> dict[str, Any]:
    """The event as the vector has it, if the client gave it an id that is hard to guess."""
    made = len(event.get("id", "")) >= 16
    return {name: value for name, value in event.items() if name != "id"} if made else {"without an id": event}

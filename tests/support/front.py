"""The API as a server on 127.0.0.1: real HTTP in front of the real handlers, with tokens of the test's own."""

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.support.call import call, event
from tests.support.receiver import Received, Receiver, Reply, receiving

TOKEN = "jsp_test"
_PUBLIC = ("/health",)
_PASSED = ("Content-Type", "Idempotency-Key", "Prefer", "traceparent")


@contextmanager
def serving(tokens: Mapping[str, str] | None = None) -> Iterator[Receiver]:
    """A server whose tokens belong to the tenant `acme` and have these scopes; the base URL is its `url` and /v1."""
    scopes = {TOKEN: "*", **(tokens or {})}
    locks: dict[str, threading.Lock] = defaultdict(threading.Lock)  # a handler takes a request at a time, as in Lambda

    def answer(request: Received) -> Reply:
        with locks[_handler(request)]:
            return _answer(request, scopes)

    with receiving() as server:
        server.answer = answer
        yield server


def _handler(request: Received) -> str:
    """The folder of the function that serves a request; empty where none does."""
    try:
        return event(request.method, request.path.removeprefix("/v1"))[0]
    except AssertionError:
        return ""


def _answer(request: Received, scopes: Mapping[str, str]) -> Reply:
    target = request.path.removeprefix("/v1")
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if target not in _PUBLIC and token not in scopes:
        return Reply(401, _problem("unauthenticated", "The token is missing, unknown, expired or revoked"))
    options: dict[str, Any] = {
        "token_id": "tok_test" if token in ("", TOKEN) else f"tok_{token.removeprefix('jsp_')}",
        "headers": {name: request.headers[name.lower()] for name in _PASSED if name.lower() in request.headers},
    }
    if request.body:
        options["body"] = request.body.decode()
    try:
        found = call(request.method, target, scopes=scopes.get(token, ""), **options)
    except AssertionError as error:
        if "has no route" not in str(error):
            raise
        return Reply(404, _problem("not_found", "No such operation"))
    return Reply(found.status, found.body, found.headers)


def _problem(code: str, message: str) -> dict[str, Any]:
    """As API Gateway answers by itself."""
    return {"success": False, "error": {"code": code, "message": message}, "requestId": "req-1"}

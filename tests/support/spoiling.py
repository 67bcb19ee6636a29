"""Answers of an upstream, spoiled at random: another status or headers, other bytes, or nonsense within its JSON."""

import gzip
import json
import random
from copy import deepcopy
from typing import Any

from tests.support.receiver import Received, Receiver, Reply

_DEEP: Any = []
for _ in range(150):
    _DEEP = [_DEEP]
NONSENSE: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 1e300, float("inf"), -float("inf"), float("nan"), 10**40, 10**400, -(2**63)),
    *("", " ", "0", "x" * 5000, "\x00", "\ud800", "é🎉", "\r\nX: y", "a b", "{}", "[", "%", "..", "‮", "Bearer x"),
    *("http://[bad", "http://[::1", "https://", "//", "http://a:99999/", "https://user:pw@h/", "javascript:x", "../x"),
    *("https://127.0.0.1/", "http://169.254.169.254/", "https://xn--/", "https://h\u3002/", "http://0x7f.1:70000"),
    *([], {}, [None], [[]], [{}], {"a": []}, [1, "a", None, {"b": [{}]}], [{"id": []}], {"message": {}}, _DEEP),
    *({"type": []}, {"$ref": "#/nowhere"}, {"type": "object", "properties": []}, [["a"]] * 200),
)
STATUSES = (
    201,
    202,
    204,
    206,
    299,
    301,
    304,
    400,
    401,
    403,
    404,
    405,
    409,
    410,
    413,
    422,
    429,
    500,
    502,
    503,
    504,
    599,
)
HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Type": (
        "text/html",
        "application/json; charset=utf-16",
        "text/event-stream",
        "application/x-ndjson",
        ";",
        "",
    ),
    "Content-Encoding": ("gzip", "br", "UTF-8", "deflate", "gzip, gzip", ",,"),
    "Retry-After": ("-1", "1e999", "9" * 400, "Mon, 99 Foo 99999 99:99:99 GMT", "\u00b2", "NaN", "0", "1.5", "-"),
    "WWW-Authenticate": (
        *("", ",", "Bearer", 'Bearer resource_metadata="http://[bad"', 'Bearer error="insufficient_scope", scope=""'),
        *('Bearer resource_metadata="', "Bearer scope=" + "a " * 3000, 'Bearer error="insufficient_scope", scope="\\"'),
    ),
    "Location": ("", "http://[bad", "//", "\xff", "x" * 3000),
    "Mcp-Session-Id": ("", "\xff", "x" * 5000, " "),
}


class Spoiler:
    """Stands in front of a receiver and spoils some of its answers, chosen by `seed`."""

    def __init__(self, receiver: Receiver, seed: int) -> None:
        self._inner, self._random = receiver.answer, random.Random(seed)
        self._nth = self._random.randrange(8)
        receiver.answer = self._answer

    def _answer(self, request: Received) -> Reply:
        reply = self._inner(request)
        self._nth -= 1
        # One answer for certain, so that each step comes before its spoiled one; others now and then.
        return self._spoiled(reply) if self._nth == -1 or self._random.random() < 0.1 else reply

    def _spoiled(self, reply: Reply) -> Reply:
        if reply.write:
            return reply
        status, headers = reply.status, dict(reply.headers)
        kind = self._random.random()
        if kind < 0.15:
            status = self._random.choice(STATUSES)
        if kind < 0.3:
            name = self._random.choice(list(HEADERS))
            headers[name] = self._random.choice(HEADERS[name])
        body = self._body(reply.body)
        return Reply(status, b"" if status in (204, 304) else body, headers)

    def _body(self, body: Any) -> bytes:
        try:
            document = json.loads(body) if isinstance(body, bytes) else deepcopy(body)
        except ValueError:
            return self._broken(body)
        for _ in range(self._random.choice((1, 1, 2, 5))):
            document = self._with_nonsense(document)
        text = json.dumps(document).replace("Infinity", "1e999").encode()
        return self._broken(text) if self._random.random() < 0.15 else text

    def _with_nonsense(self, value: Any) -> Any:
        """The value with nonsense in its place, or somewhere within it."""
        chance = self._random.random()
        if isinstance(value, dict) and value and chance < 0.9:
            name = self._random.choice(list(value))
            if chance < 0.1:
                return {key: one for key, one in value.items() if key != name}
            if chance < 0.15:
                return {**value, self._random.choice(("", "\ud800", "__proto__", "x" * 500)): 1}
            return {**value, name: self._with_nonsense(value[name])}
        if isinstance(value, list) and value and chance < 0.8:
            place = self._random.randrange(len(value))
            return [*value[:place], self._with_nonsense(value[place]), *value[place + 1 :]]
        if isinstance(value, str) and value.startswith(("{", "[")) and chance < 0.7:
            return json.dumps(self._with_nonsense(json.loads(value)))  # JSON within a text, as tools give it
        return deepcopy(self._random.choice(NONSENSE))

    def _broken(self, body: bytes) -> bytes:
        text = body.decode("utf-8", errors="replace")
        place = self._random.randrange(len(body) + 1)
        return self._random.choice(
            (
                *(b"", b" ", b"null", b"[]", b"5", b'"x"', b"<html>", b"\xff\xfe\x00", b"[" * 5000, b"1" * 5000),
                *(body[:place], body[place:], b"\xef\xbb\xbf" + body, text.encode("utf-16"), gzip.compress(body)),
                *(body + body, body + b"\n" + body, self._random.randbytes(50)),
            )
        )

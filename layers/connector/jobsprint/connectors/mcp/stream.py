"""The answer to one JSON-RPC request, found in a JSON body or in a stream of server-sent events (WHATWG HTML, 9.2)."""

import re

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.upstream_json import UnreadableJson, parse, text_of

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


def message_in(body: bytes, request_id: int) -> JsonObject | None:
    """The answer to `request_id` in a JSON body, which may be a batch; an error that names no request counts too."""
    value = _json(body)
    return _answer(value, request_id) or _answer(value, None)


class EventStream:
    """A stream that is read piece by piece until the answer to `request_id` is there, as `message`.

    Comments, events without data (servers prime a stream with one), notifications, requests of the server's and
    answers to others are passed over. Lines end in CR LF, LF or CR; an event may spread over several `data` lines.
    """

    def __init__(self, request_id: int) -> None:
        self.message: JsonObject | None = None
        self._request_id = request_id
        self._begun = False
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []

    def feed(self, piece: bytes) -> bool:
        """Take the next piece and say whether the answer is there. Never raises."""
        self._pieces.append(piece)
        if self.message is None and (b"\n" in piece or b"\r" in piece):
            text = b"".join(self._pieces)
            # A CR at the very end may be half of a CR LF: it waits for what follows.
            whole = text.removesuffix(b"\r")
            *lines, rest = _LINE_END.split(whole)
            self._pieces = [rest, text[len(whole) :]]
            for line in lines:
                self._take(line)
        return self.message is not None

    def end(self) -> JsonObject | None:
        """The answer once the stream has ended; one whose last blank line is missing counts, it is whole JSON."""
        self.feed(b"\n\n")
        return self.message

    def _take(self, line: bytes) -> None:
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BOM)
        if line:
            name, _, value = line.partition(b":")
            if name == b"data":
                self._data.append(value.removeprefix(b" "))
            return
        data, self._data = b"\n".join(self._data), []
        if data and self.message is None:
            self.message = _answer(_json(data), self._request_id)


def _json(text: bytes) -> JsonValue:
    try:
        return parse(text_of(text))
    except UnreadableJson:
        return None


def _answer(value: JsonValue, request_id: int | None) -> JsonObject | None:
    """The JSON-RPC answer to that request (None: an error that names none) in a message or a batch of them."""
    for message in value if isinstance(value, list) else [value]:
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or message.get("id") != request_id:
            continue
        if isinstance(message.get("error"), dict) or (request_id is not None and "result" in message):
            return message
    return None

"""The answer to one JSON-RPC request, found in a JSON body or in a stream of server-sent events (WHATWG HTML, 9.2)."""

import re
from collections.abc import Callable

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.upstream_json import UnreadableJson, parse, text_of

_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"
_EVENT_ID = re.compile(rb"[\x20-\x7e]{0,1000}")  # it goes back in a header
_DIGITS = re.compile(rb"[0-9]{1,9}")
_MAX_ID = 200
_MAX_SAFE_INTEGER = 2**53


def message_in(body: bytes, request_id: int) -> JsonObject | None:
    """The answer to `request_id` in a JSON body, which may be a batch; an error that names no request counts too."""
    value = _json(body)
    return _answer(value, request_id) or _answer(value, None)


class EventStream:
    """A stream that is read piece by piece until the answer to `request_id` is there, as `message`.

    Comments, events without data (servers prime a stream with one), notifications and answers to others are passed
    over; `on_request` is called with each request of the server's and must not raise. Lines end in CR LF, LF or CR; an
    event may spread over several `data` lines. `last_event_id` and `retry_ms` are what the events said of themselves,
    empty and None until then.
    """

    def __init__(self, request_id: int, on_request: Callable[[JsonObject], None] = lambda _: None) -> None:
        self.message: JsonObject | None = None
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._request_id = request_id
        self._on_request = on_request
        self._begin()

    def _begin(self) -> None:
        self._begun = False
        self._pieces: list[bytes] = []
        self._data: list[bytes] = []
        self._event_id = self.last_event_id

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
        """The answer once the stream has ended; one whose last blank line is missing counts, it is whole JSON.

        The stream may then go on in another body, of which `feed` takes the pieces.
        """
        self.feed(b"\n\n")
        self._begin()
        return self.message

    def _take(self, line: bytes) -> None:
        if not self._begun:
            self._begun, line = True, line.removeprefix(_BOM)
        if line:
            name, _, value = line.partition(b":")
            self._take_field(name, value.removeprefix(b" "))
            return
        self.last_event_id = self._event_id
        data, self._data = b"\n".join(self._data), []
        if data and self.message is None:
            said = _json(data)
            self.message = _answer(said, self._request_id)
            for asked in _requests(said):
                self._on_request(asked)

    def _take_field(self, name: bytes, value: bytes) -> None:
        if name == b"data":
            self._data.append(value)
        elif name == b"id" and _EVENT_ID.fullmatch(value):
            self._event_id = value.decode()
        elif name == b"retry" and _DIGITS.fullmatch(value):
            self.retry_ms = int(value)


def _json(text: bytes) -> JsonValue:
    try:
        return parse(text_of(text))
    except UnreadableJson:
        return None


def _messages(value: JsonValue) -> list[JsonObject]:
    """The JSON-RPC messages in a body or an event, which may be a batch."""
    found = value if isinstance(value, list) else [value]
    return [message for message in found if isinstance(message, dict) and message.get("jsonrpc") == "2.0"]


def _answer(value: JsonValue, request_id: int | None) -> JsonObject | None:
    """The JSON-RPC answer to that request (None: an error that names none) in a message or a batch of them."""
    for message in _messages(value):
        if "method" in message or not _is_id(message.get("id"), request_id):
            continue
        if isinstance(message.get("error"), dict) or (request_id is not None and "result" in message):
            return message
    return None


def _is_id(found: JsonValue, request_id: int | None) -> bool:
    """Whether an id is that of our request: as the number that was sent, or as its text, which some servers make it."""
    if isinstance(found, bool):
        return False
    return found == request_id or (request_id is not None and found == str(request_id))


def _requests(value: JsonValue) -> list[JsonObject]:
    """The requests of the server's among messages: they have a method, and an id that is an integer or a short text."""
    return [one for one in _messages(value) if isinstance(one.get("method"), str) and _can_be_answered(one.get("id"))]


def _can_be_answered(id_: JsonValue) -> bool:
    if isinstance(id_, str):
        return len(id_) <= _MAX_ID
    return isinstance(id_, int) and not isinstance(id_, bool) and abs(id_) <= _MAX_SAFE_INTEGER

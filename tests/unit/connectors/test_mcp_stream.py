"""Finding the answer in a body: streams in any cut, line end and order, and JSON with or without a batch."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.connectors.mcp.stream import EventStream, message_in

ANSWER = {"jsonrpc": "2.0", "id": 7, "result": {"text": "grüße 🎉 \u2028 line"}}
NOTE = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progress": 1}}
OTHER = {"jsonrpc": "2.0", "id": 8, "result": {}}
ASKED = {"jsonrpc": "2.0", "id": 7, "method": "sampling/createMessage", "params": {}}


def event(value: Any, end: bytes = b"\n", *, lines: int = 1) -> bytes:
    """An event of a message, its JSON over several data lines where it is told so."""
    text = json.dumps(value, indent=1 if lines > 1 else None, ensure_ascii=False).encode()
    return b"".join(b"data: " + line + end for line in text.split(b"\n")) + end


def read(stream: bytes, sizes: list[int]) -> Any:
    reader = EventStream(7)
    at = 0
    for size in sizes:
        if reader.feed(stream[at : at + size]):
            return reader.message
        at += size
    reader.feed(stream[at:])
    return reader.end()


@given(
    sizes=st.lists(st.integers(1, 40), max_size=60),
    end=st.sampled_from([b"\n", b"\r\n", b"\r"]),
    bom=st.booleans(),
    lines=st.integers(1, 2),
)
def test_the_answer_is_found_however_the_stream_is_cut(sizes: list[int], end: bytes, bom: bool, lines: int) -> None:
    prime = b"id: 1" + end + b"retry: 100" + end + b"data:" + end + end + b": comment" + end
    stream = b"".join(event(one, end, lines=lines) for one in (NOTE, ASKED, OTHER, ANSWER))
    assert read((b"\xef\xbb\xbf" if bom else b"") + prime + stream, sizes) == ANSWER


@given(st.binary(max_size=300), st.lists(st.integers(1, 20), max_size=20))
def test_any_bytes_are_taken(stream: bytes, sizes: list[int]) -> None:
    read(stream, sizes)


@given(st.integers(0, 200))
def test_a_part_of_the_answer_is_no_answer(length: int) -> None:
    stream = event(ANSWER)
    whole = stream.rstrip(b"\n")
    assert read(stream[:length], []) == (ANSWER if length >= len(whole) else None)


def test_the_reading_stops_with_the_answer() -> None:
    reader = EventStream(7)
    assert not reader.feed(event(NOTE))
    assert reader.feed(event(ANSWER) + event(OTHER))
    assert reader.feed(event({**ANSWER, "result": {"second": True}}))
    assert reader.message == ANSWER


def test_a_field_without_a_space_and_unknown_fields() -> None:
    assert read(b"event:message\nfoo: bar\ndata:" + json.dumps(ANSWER).encode() + b"\n\n", []) == ANSWER


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "text",
        {"id": 7, "result": {}},
        {"jsonrpc": "2.0", "id": "8", "result": {}},
        {"jsonrpc": "2.0", "id": True, "result": {}},
        {"jsonrpc": "2.0", "id": 7, "method": "ping", "result": {}},
        {"jsonrpc": "2.0", "id": 7},
        {"jsonrpc": "2.0", "id": 7, "error": "text"},
        {"jsonrpc": "2.0", "id": None, "result": {}},
        {"jsonrpc": "2.0", "result": {}},
    ],
)
def test_what_is_no_answer(value: Any) -> None:
    assert message_in(json.dumps(value).encode(), 7) is None


def test_errors_batches_and_broken_bodies() -> None:
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": -32700, "message": "Parse error"}}
    assert message_in(json.dumps(error).encode(), 7) == error
    assert message_in(json.dumps([OTHER, ANSWER]).encode(), 7) == ANSWER
    for body in (b"", b"{", b"\xff\xfe", b"[" * 5000, b"9" * 5000, b'{"a":' * 300 + b"1" + b"}" * 300):
        assert message_in(body, 7) is None


def test_an_id_may_come_back_as_text() -> None:
    answer = {**ANSWER, "id": "7"}
    assert message_in(json.dumps(answer).encode(), 7) == answer
    assert message_in(json.dumps([OTHER, answer]).encode(), 7) == answer
    assert read(event(NOTE) + event(answer), []) == answer


def test_requests_of_the_server_are_handed_on_in_order() -> None:
    asked: list[Any] = []
    reader = EventStream(7, asked.append)
    strange = [{**ASKED, "id": id_} for id_ in (None, True, 1.5, [], "x" * 201, 2**60)]
    reader.feed(
        event({**ASKED, "id": "a"}) + event([{**ASKED, "id": 3}, NOTE, *strange]) + event(ANSWER) + event(ASKED)
    )

    assert [one["id"] for one in asked] == ["a", 3]


@pytest.mark.parametrize(
    ("stream", "id_", "retry"),
    [
        (b"id: 5\ndata:\n\n", "5", None),
        (b"id: 5\nretry: 20\n\nid: six\n\n", "six", 20),
        (b"id: 5\n\nid: 6\n", "5", None),  # the event has not ended
        (b"id: 5\n\nid\n\n", "", None),
        (b"id: a\x00b\nretry: soon\n\n", "", None),
        (b"id: a\x7fb\n\n", "", None),
        (b"id:" + b"x" * 1001 + b"\n\n", "", None),
    ],
)
def test_where_a_stream_can_be_taken_up(stream: bytes, id_: str, retry: int | None) -> None:
    reader = EventStream(7)
    reader.feed(stream)
    assert (reader.last_event_id, reader.retry_ms) == (id_, retry)


def test_a_stream_goes_on_in_another_body() -> None:
    reader = EventStream(7)
    reader.feed(b"id: 5\ndata:\n\n" + event(ANSWER)[:20])
    assert reader.end() is None
    assert reader.feed(b"\xef\xbb\xbf" + event(ANSWER))
    assert reader.end() == ANSWER

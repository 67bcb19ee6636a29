"""What a tool's result becomes, and every way it says that it failed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobsprint.connectors.mcp.results import payload_of, result_of
from jobsprint.core.errors import UpstreamFailed


def text(*values: Any) -> list[dict[str, Any]]:
    return [{"type": "text", "text": one if isinstance(one, str) else json.dumps(one)} for one in values]


RUN = {"id": 1, "status": "error", "error": "run timed out"}
PNG = {"type": "image", "data": "iVBORw0KGgo=", "mimeType": "image/png"}


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"content": []}, {}),
        ({}, {}),
        ({"content": "odd"}, {}),
        ({"content": text({"id": 1})}, {"id": 1}),
        ({"content": text([1, 2])}, {"value": [1, 2]}),
        ({"content": text("plain words")}, {"text": "plain words"}),
        ({"content": text("42")}, {"text": "42"}),
        ({"content": text("{not json")}, {"text": "{not json"}),
        ({"content": text("a", "b")}, {"text": "a\nb"}),
        ({"content": text({"id": 1}, "and a word")}, {"id": 1, "text": "and a word"}),
        ({"content": text("a word", {"id": 1})}, {"id": 1, "text": "a word"}),
        ({"content": text({"text": "own"}, "and a word")}, {"value": {"text": "own"}, "text": "and a word"}),
        ({"content": text({"id": 1}, {"id": 2})}, {"value": [{"id": 1}, {"id": 2}]}),
        ({"content": text({"id": 1}, [2], {"error": "x"})}, {"value": [{"id": 1}, [2], {"error": "x"}]}),
        ({"content": text({"id": 1}, "and", {"id": 2})}, {"value": [{"id": 1}, {"id": 2}], "text": "and"}),
        ({"content": text([1], "and a word")}, {"value": [1], "text": "and a word"}),
        ({"content": text("\ufeff" + json.dumps({"id": 1}))}, {"id": 1}),
        ({"content": text('{"x": 1e999}')}, {"x": None}),
        # A record's own fields are data.
        (
            {"isError": False, "structuredContent": {"result": [RUN, RUN]}, "content": text(RUN, RUN)},
            {"result": [RUN, RUN]},
        ),
        ({"isError": False, "structuredContent": {"result": [RUN]}, "content": text(RUN)}, {"result": [RUN]}),
        ({"isError": False, "structuredContent": RUN, "content": text(RUN)}, RUN),
        ({"isError": False, "content": text(RUN, RUN)}, {"value": [RUN, RUN]}),
        ({"isError": False, "content": text(RUN)}, RUN),
        ({"structuredContent": {"status": "error"}}, {"status": "error"}),
        ({"structuredContent": {"ok": 1}, "content": text({"isError": True, "error": "no such row"})}, {"ok": 1}),
        ({"content": text({"a": 1}), "structuredContent": {"b": 2}}, {"b": 2}),
        ({"content": [], "structuredContent": [1]}, {"value": [1]}),
        ({"structuredContent": {"success": True, "id": 1}}, {"id": 1}),
        ({"structuredContent": {"error": None, "isError": False, "status": "ok"}}, None),
        ({"content": text({"error": "", "results": []})}, None),
        ({"content": text({"status": "error", "build": 7})}, None),
        ({"content": [PNG]}, {"attachments": [{"type": "image", "mimeType": "image/png", "bytes": 8}]}),
        (
            {"content": [*text("see"), {"type": "resource_link", "uri": "file:///a", "name": "a", "_meta": {}}]},
            {"text": "see", "attachments": [{"type": "resource_link", "uri": "file:///a", "name": "a"}]},
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "x://y", "text": "inside"}}]},
            {"attachments": [{"type": "resource", "uri": "x://y", "text": "inside"}]},
        ),
        (
            {"content": [{"type": "resource", "resource": {"uri": "x://y", "blob": "AAAA"}}]},
            {"attachments": [{"type": "resource", "uri": "x://y", "bytes": 3}]},
        ),
    ],
)
def test_results(result: dict[str, Any], expected: dict[str, Any] | None) -> None:
    answer = result_of(result)
    assert answer["success"] is True
    if expected is not None:
        assert answer == {"success": True, **expected}


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ({"isError": True, "content": text("no such row")}, "no such row"),
        ({"isError": True, "content": text({"error": {"message": "no such row"}})}, "no such row"),
        ({"isError": True, "content": [PNG]}, "The tool says it failed"),
        ({"isError": True, "structuredContent": {"message": "no such row"}, "content": text("x")}, "no such row"),
        ({"isError": False, "structuredContent": {"status": "error", "error": "no such row"}}, "no such row"),
        ({"isError": "true", "content": text("no such row")}, "no such row"),
        ({"isError": True, "content": text("see", {"error": "no such row"})}, "no such row"),
        ({"structuredContent": {"success": False, "id": 1, "error": "no such row"}}, "no such row"),
        ({"content": text({"success": "false", "id": 1, "error": "no such row"})}, "no such row"),
        ({"content": text({"error": {"message": "no such row"}, "code": 7, "requestId": "r"})}, "no such row"),
        ({"content": text({"isError": True, "error": "no such row"})}, "no such row"),
        ({"content": text({"error": "no such row"})}, "no such row"),
        ({"content": text({"success": False, "message": "no such row"})}, "no such row"),
        ({"isError": True, "content": text("x" * 5000)}, "x" * 300),
    ],
)
def test_failures(result: dict[str, Any], said: str) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        result_of(result)
    assert said in caught.value.message
    assert len(caught.value.message) < 400
    assert (caught.value.code, caught.value.unknown) == ("upstream_failed", False)


@pytest.mark.parametrize(
    ("result", "code"),
    [
        ({"resultType": "input_required", "inputRequests": {}}, "input_required"),
        ({"content": text({"accountRequired": True, "message": "Connect Slack"})}, "account_required"),
        ({"structuredContent": {"accountRequired": True}}, "account_required"),
    ],
)
def test_failures_of_their_own(result: dict[str, Any], code: str) -> None:
    with pytest.raises(UpstreamFailed) as caught:
        result_of(result)
    assert caught.value.code == code


def test_a_reason_shows_no_token() -> None:
    with pytest.raises(UpstreamFailed) as caught:
        result_of({"isError": True, "content": text("denied for Bearer abcdefghijklmnop and xoxb-1234567890")})
    assert "abcdefghijklmnop" not in caught.value.message
    assert "xoxb-1234567890" not in caught.value.message


def test_the_payload_of_a_list_is_the_list() -> None:
    assert payload_of({"content": text([{"app": "Slack"}])}) == [{"app": "Slack"}]
    assert payload_of({"content": text({"apps": []})}) == {"success": True, "apps": []}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["content", "structuredContent", "isError", "resultType", "type", "text", "data", "resource", "uri", "error"]
)


@given(st.dictionaries(NAMES, JSON | st.lists(st.dictionaries(NAMES, JSON, max_size=4), max_size=3), max_size=5))
def test_any_result_is_a_result_or_a_failure(result: dict[str, Any]) -> None:
    try:
        answer = result_of(result)
    except UpstreamFailed as error:
        assert error.message  # noqa: PT017
    else:
        assert "success" in answer

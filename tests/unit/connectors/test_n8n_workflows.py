"""n8n's workflow JSON: which trigger is called, what its action is named, and what a call is made of."""

from typing import Any

import pytest

from jobsprint.connectors.n8n.outcomes import execution_of, webhook_error
from jobsprint.connectors.n8n.workflows import (
    Hook,
    action_names,
    capability,
    live_hook,
    request_parts,
    snake_case,
    webhook_data,
)
from jobsprint.core.errors import RateLimited, UpstreamFailed, UpstreamTimeout
from jobsprint.core.json_schema import check_schema
from jobsprint.core.redaction import Masker
from jobsprint.outbound.client import Response


def trigger(**parameters: Any) -> dict[str, Any]:
    return {"type": "n8n-nodes-base.webhook", "name": "Webhook", "webhookId": "w-1", "parameters": parameters}


def workflow(*nodes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "wf1", "name": "One", "active": True, "activeVersion": {"nodes": list(nodes)}, **more}


def named(id_: str, name: str, created: str = "") -> dict[str, Any]:
    return {"id": id_, "name": name, "createdAt": created}


def answer(status: int, body: bytes = b"") -> Response:
    return Response(status, {}, body, truncated=False, duration_ms=1, timings={})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Send Invoice (v2)", "send_invoice_v2"),
        ("sendInvoice", "send_invoice"),
        ("HTTPCall2Go", "http_call2_go"),
        ("Open GitHub issue", "open_github_issue"),
        ("Änderung  /  über", "anderung_uber"),
        ("日本語", "workflow"),
        ("", "workflow"),
        ("x" * 300, "x" * 93),
    ],
)
def test_names_in_snake_case(name: str, expected: str) -> None:
    assert snake_case(name) == expected


def test_colliding_names_get_a_suffix_and_the_oldest_does_not() -> None:
    newest, oldest = named("b", "Send it", "2026-02"), named("a", "send-it", "2026-01")

    names = action_names([newest, oldest], {})

    assert names["a"] == "send_it"
    assert names["b"].startswith("send_it_")
    assert action_names([oldest, newest], {}) == names


def test_a_name_once_given_stays() -> None:
    first, second = named("a", "Send it", "1"), named("b", "Send it", "2")
    names = action_names([first, second], {})

    assert action_names([second], names) == {"b": names["b"]}
    assert action_names([second, named("0", "Send it", "0")], names)["b"] == names["b"]
    assert action_names([named("b", "Other")], names) == {"b": "other"}


def test_what_is_live_counts_and_not_the_draft() -> None:
    one = workflow(trigger(path="live", httpMethod="POST"), nodes=[trigger(path="draft")])

    assert live_hook(one) == Hook("wf1", "Webhook", "POST", "live", "w-1")


def test_without_versions_the_nodes_count() -> None:
    hook = live_hook(workflow(activeVersion=None, nodes=[trigger(path="/only/")]))

    assert hook
    assert (hook.method, hook.path, hook.authentication, hook.response_mode) == ("GET", "only", "none", "onReceived")


@pytest.mark.parametrize(
    "one",
    [
        workflow(trigger(path="p"), active=False),
        workflow(trigger(path="p"), isArchived=True),
        workflow({**trigger(path="p"), "disabled": True}),
        workflow({**trigger(path="p"), "type": "n8n-nodes-base.formTrigger"}),
        workflow(trigger(path="")),
        workflow(trigger()),
        workflow(trigger(path="p" * 501)),
        workflow(trigger(path="={{ $env.PATH }}")),
        workflow(trigger(path="p", httpMethod="={{ $env.M }}")),
        workflow("no node"),
        workflow({**trigger(), "parameters": None}),
    ],
)
def test_what_cannot_be_called(one: dict[str, Any]) -> None:
    assert live_hook(one) is None


def test_the_first_usable_trigger_is_called() -> None:
    hook = live_hook(workflow({**trigger(path="a"), "disabled": True}, trigger(path="b", httpMethod=["GET", "POST"])))

    assert hook
    assert (hook.path, hook.method) == ("b", "POST")


def test_a_hook_is_kept_and_read_back() -> None:
    hook = Hook("wf1", "Webhook", "GET", "a/:id", "w-1", "basicAuth", "lastNode", exposed=True)

    assert Hook.from_state(hook.to_state()) == hook


def test_a_capability_asks_for_the_path() -> None:
    made = capability("one", {"name": "One"}, Hook("wf1", "W", "GET", "a/:id/:id/b"))

    check_schema(made.schema)
    assert made.schema["required"] == ["id"]


@pytest.mark.parametrize(
    ("hook", "url", "body"),
    [
        (Hook("w", "W", "POST", "a b/ü"), "b/webhook/a%20b/%C3%BC", '{"id": "x y", "n": [1, null]}'),
        (Hook("w", "W", "PUT", "a/:id", "hid"), "b/webhook/hid/a/x%20y", '{"n": [1, null]}'),
        (Hook("w", "W", "GET", "a/:id", "hid"), "b/webhook/hid/a/x%20y?n=1", None),
        (Hook("w", "W", "DELETE", "a"), "b/webhook/a?id=x+y&n=1", None),
    ],
)
def test_where_parameters_go(hook: Hook, url: str, body: str | None) -> None:
    parts = request_parts("b/webhook", hook, {"id": "x y", "n": [1, None]})

    assert parts == (url, body and body.encode())


def test_the_same_call_for_mcp() -> None:
    header = {"X-Jobsprint-Call-Id": "exe_1"}

    assert webhook_data(Hook("w", "W", "POST", "a"), {"n": 1}, "exe_1") == {
        "method": "POST",
        "headers": header,
        "body": {"n": 1},
    }
    assert webhook_data(Hook("w", "W", "GET", "a"), {"n": 1, "l": [1], "x": None}, "exe_1") == {
        "method": "GET",
        "headers": header,
        "query": {"n": "1", "l": "[1]"},
    }


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (403, b"IP is not whitelisted to access the webhook!", "webhook_address_rejected"),
        (403, b'{"message": "not yours"}', "workflow_answered_error"),
        (422, b'{"code":422,"message":"Failed to parse request body","stacktrace":"at x.ts"}', "upstream_bad_json"),
        (413, b"<html>too large</html>", "upstream_request_too_large"),
        (500, b'{"code":0,"message":"There was a problem executing the workflow"}', "workflow_not_started"),
        (503, b"Service Unavailable", "upstream_unavailable"),
        (302, b"", "upstream_redirect"),
        (500, b'{"message":"x","stacktrace":"Error: x at /srv/n8n/x.ts"}', "workflow_answered_error"),
    ],
)
def test_answers_that_no_recording_has(status: int, body: bytes, code: str) -> None:
    error = webhook_error(answer(status, body), 100, Masker(()))

    assert isinstance(error, UpstreamFailed)
    assert (error.code, error.unknown) == (code, False)
    assert "x.ts" not in error.message


@pytest.mark.parametrize("status", [502, 504, 524])
def test_an_answer_lost_by_a_proxy_is_unknown(status: int) -> None:
    error = webhook_error(answer(status), 0, Masker(()))

    assert isinstance(error, UpstreamTimeout)
    assert error.unknown


def test_too_many_calls_are_told_apart() -> None:
    assert isinstance(webhook_error(answer(429), 0, Masker(())), RateLimited)


def test_only_the_execution_of_this_call_is_taken() -> None:
    listed = {"data": [{"id": "2", "data": {"h": "exe_2"}}, {"id": "1", "data": {"h": "exe_1"}}, "odd"]}

    found = execution_of("exe_1", listed)

    assert found
    assert (found.id, found.trouble) == ("1", "")
    assert execution_of("exe_3", listed) is None

"""Whatever is sent to the MCP endpoint, the answer is a JSON-RPC message under a documented status, without internals.

`FUZZ_EXAMPLES` says how much is tried.
"""

import base64
import json
import os
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobsprint.core import config
from jobsprint.mcp_server import debug_tools, methods, protocol, router
from tests.support.call import Context, event, handler
from tests.support.mcp_messages import token
from tests.support.template import resources

pytestmark = pytest.mark.usefixtures("aws")
EXAMPLES = 10 * int(os.environ.get("FUZZ_EXAMPLES", "8"))
STATUSES = {200, 202, 400, 401, 403, 404, 405, 413, 415, 422, 429}
INTERNAL = ("Traceback", "botocore", "pydantic", 'File "', "jobsprint.", *resources("AWS::DynamoDB::Table"))

fuzzing = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4)
)
names = st.sampled_from([tool.name for tool in (*router.TOOLS, *debug_tools.TOOLS)]) | st.text(max_size=40)
fields = st.sampled_from(
    "name arguments cursor taskId delivery ttlMs maxAgeMs maxEvents action query limit webhookId deliveryId since run "
    "event executionId idempotencyKey _meta protocolVersion clientInfo".split()
)
objects = st.dictionaries(fields, values, max_size=5)
versions = st.sampled_from(protocol.VERSIONS) | values
metas = st.fixed_dictionaries(
    {},
    optional={
        protocol.VERSION_KEY: versions,
        protocol.CAPABILITIES_KEY: st.just({"extensions": {"io.modelcontextprotocol/tasks": {}}}) | values,
        protocol.CLIENT_KEY: values,
        "jobsprint/idempotencyKey": values,
        "traceparent": values,
    },
)
calls = st.builds(
    lambda name, arguments, rest: {**rest, "name": name, "arguments": arguments}, names, objects | values, objects
)
parameters = st.builds(lambda sent, meta: {**sent, "_meta": meta}, objects | calls, metas) | values
methods_ = st.sampled_from(sorted({*methods.MODERN_METHODS, *methods.LEGACY_METHODS})) | values
messages = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | values, "method": methods_},
    optional={"id": st.integers() | values, "params": parameters},
)
texts = st.text(alphabet=st.characters(codec="latin-1"), max_size=40)
headers_ = st.fixed_dictionaries(
    {},
    optional={
        "MCP-Protocol-Version": st.sampled_from(protocol.VERSIONS) | texts,
        "Mcp-Method": texts,
        "Mcp-Name": texts | st.just("=?base64?/w==?="),
        "Idempotency-Key": texts,
        "traceparent": texts,
        "User-Agent": texts,
    },
)


@pytest.fixture(autouse=True)
def caller(aws: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TENANT_BURST", "1000000")
    config.settings.cache_clear()
    return token()


def check(body: str, caller: str, headers: dict[str, str], *, encoded: bool = False, query: str = "") -> None:
    folder, request = event("POST", f"/mcp{query}", tenant=None, body=body)
    request["headers"] = {"Content-Type": "application/json", **headers, "Authorization": f"Bearer {caller}"}
    request["multiValueHeaders"] = {name: [value] for name, value in request["headers"].items()}
    request["isBase64Encoded"] = encoded
    answer = handler(folder)(request, Context())
    assert answer["statusCode"] in STATUSES, answer
    assert not [word for word in INTERNAL if word in answer["body"]]
    if answer["statusCode"] == 202:
        assert answer["body"] == ""
        return
    message: Any = json.loads(answer["body"])
    assert message["jsonrpc"] == "2.0"
    assert ("result" in message) != ("error" in message)
    if "error" in message:
        assert isinstance(message["error"]["code"], int)
        assert isinstance(message["error"]["message"], str)
    json.dumps(message, allow_nan=False, ensure_ascii=False).encode()


@fuzzing
@given(messages, headers_)
def test_any_message(caller: str, message: Any, headers: dict[str, str]) -> None:
    check(json.dumps(message), caller, headers)


@fuzzing
@given(st.sampled_from(sorted(methods.MODERN_METHODS)), objects | calls, metas)
def test_any_parameters_of_a_known_method_of_the_modern_form(caller: str, method: str, sent: Any, meta: Any) -> None:
    meta = {
        **meta,
        protocol.VERSION_KEY: protocol.MODERN[0],
        protocol.CAPABILITIES_KEY: {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    }
    headers = {"MCP-Protocol-Version": protocol.MODERN[0], "Mcp-Method": method}
    for name in ("name", "taskId"):
        if isinstance(sent.get(name), str):
            headers["Mcp-Name"] = f"=?base64?{base64.b64encode(sent[name].encode(errors='replace')).decode()}?="
    check(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": {**sent, "_meta": meta}}), caller, headers)


@fuzzing
@given(values | st.lists(messages, max_size=3), st.sampled_from(["", "?mode=router", "?mode=x", "?mode=", "?x=1"]))
def test_any_json(caller: str, value: Any, query: str) -> None:
    check(json.dumps(value), caller, {}, query=query)


@fuzzing
@given(st.binary(max_size=200), headers_)
def test_any_bytes(caller: str, raw: bytes, headers: dict[str, str]) -> None:
    check(base64.b64encode(raw).decode(), caller, headers, encoded=True)


@pytest.mark.parametrize("body", ["[" * 100_000, '{"a":' * 20_000, "9" * 100_000, "1e999999", '"\\ud800"', "null"])
def test_extremes(caller: str, body: str) -> None:
    check(body, caller, {})
    check('{"jsonrpc":"2.0","id":1,"method":"tools/call","params":' + body + "}", caller, {})

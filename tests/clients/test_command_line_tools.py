"""`tail`, `trigger` and `verify` of the installed command line, on the real handlers and a real endpoint."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from jobsprint_client.cli.samples import sample
from tests.support.call import call
from tests.support.command_line import CommandLine
from tests.support.deliveries import Outbox, dispatch, due, publish, record, subscribe
from tests.support.receiver import Receiver, Reply
from tests.support.rows import connected

SECRET = "my_secret_key_of_16"


def deliver(outbox: Outbox) -> None:
    assert dispatch(*(record(message.body) for message in outbox.take())) == []


# --- tail ------------------------------------------------------------------------------------------------------------


def test_deliveries_are_followed_each_change_once_until_ctrl_c(
    cli: CommandLine, outbox: Outbox, endpoint: Receiver, api: Receiver
) -> None:
    webhook = subscribe(endpoint.url)["id"]
    publish("order.old")
    deliver(outbox)
    running = cli.start("tail", "deliveries", "--json", "--interval", "0.2", "--lines", "5")
    running.wait_for("order.old")
    endpoint.answer = lambda _: Reply(500)
    publish("order.new")
    deliver(outbox)
    running.wait_for('"retrying"')
    endpoint.answer = lambda _: Reply()
    [retry] = outbox.take()
    assert dispatch(record(due(retry))) == []
    running.wait_for('"order.new", "state": "delivered"')
    polled = len(api.received)
    time.sleep(1)
    assert len(api.received) - polled <= 8
    done = running.interrupt()
    assert (done.code, done.err) == (130, "\n")
    seen = [(item["event"], item["state"], len(item["attempts"])) for item in done.lines]
    assert [each for each in seen if each[1] != "pending"] == [
        ("order.old", "delivered", 1),
        ("order.new", "retrying", 1),
        ("order.new", "delivered", 2),
    ]
    assert {item["webhookId"] for item in done.lines} == {webhook}


def test_filters_and_a_webhook_that_comes_later(cli: CommandLine, outbox: Outbox, endpoint: Receiver) -> None:
    first = subscribe(endpoint.url)["id"]
    words = ["tail", "deliveries", first, "--state", "delivered", "--event", "order.paid", "--code-class", "2xx"]
    running = cli.start(*words, "--interval", "0.2")
    time.sleep(1)
    for event in ("order.lost", "order.paid"):
        publish(event)
    deliver(outbox)
    running.wait_for("order.paid")
    done = running.interrupt()
    [line] = done.out.splitlines()
    assert all(part in line for part in ("delivered", "order.paid", "attempt 1, 200", first, "dlv_"))


def test_logs_are_followed(cli: CommandLine, endpoint: Receiver) -> None:
    integration = connected(endpoint.url, actions=[{"name": "send_message"}])
    running = cli.start("tail", "logs", "--action", "send_message", "--interval", "0.2")
    time.sleep(1)
    endpoint.answer = lambda _: Reply(200, {"done": True})
    call("POST", f"/integrations/{integration}/actions/send_message", body={})
    running.wait_for("success")
    endpoint.answer = lambda _: Reply(500, {"error": "out of order"})
    call("POST", f"/integrations/{integration}/actions/send_message", body={})
    running.wait_for("out of order")
    done = running.interrupt()
    assert [line.split()[1:3] for line in done.out.splitlines()] == [
        ["success", "send_message"],
        ["error", "send_message"],
    ]


def test_tail_goes_on_over_failures_and_ends_where_there_is_no_sense_in_it(
    cli: CommandLine, endpoint: Receiver, api: Receiver, outbox: Outbox
) -> None:
    webhook = subscribe(endpoint.url)["id"]
    running = cli.start("tail", "deliveries", webhook, "--interval", "0.2")
    time.sleep(1.5)
    answer, api.answer = (
        api.answer,
        lambda _: Reply(500, {"success": False, "error": {"code": "internal_error", "message": "Broken"}}),
    )
    time.sleep(3)
    api.answer = answer
    publish("order.paid")
    deliver(outbox)
    running.wait_for("order.paid")
    done = running.interrupt()
    assert done.code == 130
    assert done.err.splitlines()[0] == "Broken (internal_error, HTTP 500); trying again"
    assert cli("tail", "deliveries", "wh_00000000000000000000000000").code == 1
    assert cli("tail", "deliveries", JOBSPRINT_TOKEN="jsp_other").code == 4
    assert cli("tail", "deliveries", "..").code == 2


# --- trigger ---------------------------------------------------------------------------------------------------------

SCHEMA = {
    "type": "object",
    "required": ["orderId", "lines"],
    "properties": {
        "orderId": {"type": "string", "minLength": 10},
        "total": {"type": "number", "minimum": 3},
        "state": {"enum": ["paid", "open"]},
        "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}, "minItems": 2},
        "at": {"type": ["string", "null"], "format": "date-time"},
    },
    "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}, "count": {"type": "integer"}}}},
}


def test_an_event_is_published_with_a_sample_of_its_schema(
    cli: CommandLine, outbox: Outbox, endpoint: Receiver, api: Receiver
) -> None:
    subscribe(endpoint.url)
    call("PUT", "/event-types", body={"name": "order.paid", "schema": SCHEMA, "mode": "warn"})
    done = cli("trigger", "order.paid")
    assert done.code == 0
    assert done.out.startswith("Published order.paid as evt_")
    assert "for 1 webhook." in done.out
    event = done.out.split()[3].rstrip(",")
    assert f"jobsprint events get {event}" in done.err
    assert "breaks" not in done.err
    shown = call("GET", f"/events/{event}").data
    assert shown["data"] == cli("trigger", "order.paid", "--dry-run").json["data"]
    assert (shown["data"]["state"], len(shown["data"]["lines"])) == ("paid", 2)

    declared = {"type": "object", "examples": [{"orderId": "o_7"}]}
    call("PUT", "/event-types", body={"name": "order.sent", "schema": declared, "mode": "off"})
    assert cli("trigger", "order.sent", "--json", "--id", "mine").json["data"]["externalId"] == "mine"
    assert api.received[-1].json == {"event": "order.sent", "data": {"orderId": "o_7"}, "id": "mine"}


def test_an_event_that_nobody_described_or_may_read(cli: CommandLine, api: Receiver) -> None:
    done = cli("trigger", "order.lost")
    assert (done.code, api.received[-1].json["data"]) == (0, {})
    assert "--data" in done.err
    assert "events preview --event order.lost" in done.err
    assert cli("trigger", "order.lost", "--data", '{"a": 1}', JOBSPRINT_TOKEN="jsp_publisher").code == 0
    refused = cli("trigger", "order.lost", JOBSPRINT_TOKEN="jsp_publisher")
    assert (refused.code, "--data" in refused.err) == (1, True)
    reserved = cli("trigger", "webhook.failing")
    assert (reserved.code, "HTTP 422" in reserved.err) == (1, True)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (True, {}),
        ({"type": "object", "properties": {"a": {"const": 3}, "b": {"default": False}}}, {"a": 3, "b": False}),
        ({"allOf": [{"properties": {"a": {"type": "integer"}}}, {"required": ["b"]}]}, {"a": 1, "b": "sample"}),
        ({"oneOf": [{"type": "object", "properties": {"n": {"type": "null"}}}, {"type": "string"}]}, {"n": None}),
        ({"type": "integer", "minimum": 4, "multipleOf": 3}, 6),
        ({"type": "integer", "exclusiveMinimum": 4}, 5),
        ({"type": "number", "maximum": -2}, -2),
        ({"type": "string", "maxLength": 3}, "sam"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "sample"),
        ({"type": "array", "prefixItems": [{"type": "boolean"}, {"format": "uuid", "type": "string"}]},
         [True, "123e4567-e89b-42d3-a456-426614174000"]),
        ({"type": "array", "maxItems": 0}, []),
    ],
)  # fmt: skip
def test_samples_fit_simple_schemas(schema: Any, expected: Any) -> None:
    assert sample(schema) == expected


def test_a_schema_that_holds_itself_has_a_sample() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"child": {"$ref": "#"}, "name": {"type": "string"}}}
    assert sample(node)["child"]["child"]["name"] == "name"


# --- verify ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def request_file(outbox: Outbox, endpoint: Receiver, tmp_path: Path) -> Path:
    """A delivery as an endpoint got it."""
    subscribe(endpoint.url, secret=SECRET)
    publish("order.paid", {"orderId": "ö_1", "total": 1.5})
    deliver(outbox)
    [received] = endpoint.received
    return saved(tmp_path / "request.txt", received.headers, received.body)


def saved(path: Path, headers: dict[str, str], body: bytes) -> Path:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    path.write_bytes(b"POST /hooks HTTP/1.1\r\n" + lines.encode() + b"\r\n" + body)
    return path


def parts(path: Path) -> tuple[dict[str, str], bytes]:
    head, _, body = path.read_bytes().partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines), body


def test_a_delivery_is_right_in_all_three_ways(cli: CommandLine, request_file: Path, tmp_path: Path) -> None:
    done = cli("verify", str(request_file), "--secret", SECRET)
    assert (done.code, [line.split()[0] for line in done.out.splitlines()]) == (0, ["right", "right", "right"])
    assert SECRET not in done.out + done.err
    assert cli("verify", JOBSPRINT_WEBHOOK_SECRET=SECRET, stdin=request_file.read_bytes() + b"\n").code == 0
    headers, body = parts(request_file)
    (tmp_path / "headers.json").write_text(json.dumps(headers))
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    words = [
        "verify",
        "--headers",
        str(tmp_path / "headers.json"),
        "--body",
        "-",
        "--secret",
        f"@{tmp_path / 'secret'}",
    ]
    found = cli(*words, "--json", stdin=body)
    assert (found.code, [each["valid"] for each in found.json]) == (0, [True, True, True])


def spoiled(name: str, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes, str]:
    """A request that something happened to, and the secret that it is tried with."""
    secret = SECRET
    if name == "other secret":
        secret = "another_secret"
    elif name == "space around the secret":
        secret = f" {SECRET}"
    elif name == "written again":
        body = json.dumps(json.loads(body), indent=1).encode()
        headers = {key: value for key, value in headers.items() if key != "content-length"}
    elif name == "cut":
        body = body[:-4]
    elif name == "old":
        headers = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 7200)}
    elif name == "no headers":
        headers = {}
    return headers, body, secret


@pytest.mark.parametrize(
    ("name", "right", "said"),
    [
        ("other secret", [False, False, False], "None fits"),
        ("space around the secret", [False, False, False], "without the space around it"),
        ("written again", [False, False, True], "parsed and written again"),
        ("cut", [False, False, False], "it was cut or changed"),
        ("old", [False, True, True], "webhook-id or webhook-timestamp is not as it was sent"),
        ("no headers", [False, False, True], "no header webhook-id"),
    ],
)
def test_what_is_wrong_is_explained(
    cli: CommandLine, request_file: Path, tmp_path: Path, name: str, right: list[bool], said: str
) -> None:
    headers, body, secret = spoiled(name, *parts(request_file))
    path = saved(tmp_path / "spoiled.txt", headers, body)
    done = cli("verify", str(path), "--secret", secret)
    assert done.code == 1
    assert [line.startswith("right") for line in done.out.splitlines()] == right
    assert said in done.out + done.err


def test_an_old_request_is_right_but_for_its_age(cli: CommandLine, tmp_path: Path) -> None:
    vectors = json.loads((Path(__file__).parents[2] / "clients" / "vectors.json").read_text("utf-8"))["signatures"]
    vector = next(each for each in vectors if each["valid"] and each["scheme"] == "standard")
    path = saved(tmp_path / "old.txt", vector["headers"], vector["body"].encode())
    words = ["verify", str(path), "--secret", vector["secret"], "--scheme", "standard"]
    done = cli(*words)
    assert (done.code, "it fits, but the request was sent" in done.out) == (1, True)
    assert cli(*words, "--ignore-age").code == 0
    assert cli("verify", str(path)).code == 2
    assert cli("verify", str(tmp_path / "none.txt"), "--secret", "x").code == 1
    assert cli("verify", "--secret", "x", stdin="no request").code == 1

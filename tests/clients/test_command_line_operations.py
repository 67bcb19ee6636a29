"""Every operation of docs/openapi.json through its command, and the request that it sends."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.command_line import CommandLine
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.template import ROOT

DOCUMENT: dict[str, Any] = json.loads((ROOT / "docs" / "openapi.json").read_text("utf-8"))
COMMANDS: list[dict[str, Any]] = [
    {**operation, "resource": resource["name"]}
    for resource in json.loads(
        (ROOT / "clients" / "python" / "src" / "jobsprint_client" / "cli" / "operations.json").read_text("utf-8")
    )
    for operation in resource["operations"]
]
ANSWER = {"success": True, "data": {"id": "x_1", "status": "done"}}
PAGE = {"success": True, "data": [], "pagination": {"hasMore": False}}


@pytest.fixture
def service() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def cli(jobsprint: CommandLine, service: Receiver) -> CommandLine:
    jobsprint.env = {"JOBSPRINT_TOKEN": "jsp_test", "JOBSPRINT_BASE_URL": f"{service.url}/v1"}
    return jobsprint


def example(option: dict[str, Any]) -> tuple[str, Any]:
    """What is typed for an option, and what is sent for it in a body."""
    text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" if option["name"] == "traceparent" else "a b/ü"
    text, sent = {
        "string": (text, text),
        "secret": ("s3cret", "s3cret"),
        "time": ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        "integer": ("7", 7),
        "number": ("1.5", 1.5),
        "boolean": ("", True),
        "choice": (option.get("choices", [""])[0], option.get("choices", [""])[0]),
        "strings": ("a,b", ["a", "b"]),
        "integers": ("1,2", [1, 2]),
        "pairs": ("A=b=c", {"A": "b=c"}),
        "json": ('{"n": [1, null]}', {"n": [1, None]}),
    }[option["kind"]]
    if option["kind"] == "strings" and option.get("choices"):
        text, sent = ",".join(option["choices"]), option["choices"]
    return text, sent


def flag(option: dict[str, Any]) -> str:
    name = option.get("option", option["name"])
    return "--" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def typed(option: dict[str, Any]) -> list[str]:
    return [flag(option)] if option["kind"] == "boolean" else [flag(option), example(option)[0]]


def test_every_operation_of_the_document_has_a_command() -> None:
    verbs = ("get", "post", "put", "patch", "delete")
    operations = {(verb.upper(), path) for path, item in DOCUMENT["paths"].items() for verb in item if verb in verbs}
    assert {(command["verb"], command["path"]) for command in COMMANDS} == operations


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: f"{command['resource']} {command['name']}")
def test_a_command_sends_all_that_was_typed(cli: CommandLine, service: Receiver, command: dict[str, Any]) -> None:
    service.answer = lambda _: Reply(200, PAGE if command.get("paged") else ANSWER)
    options = [option for place in ("body", "query", "headers") for option in command.get(place) or ()]
    ids = [f"id_{number}" for number in range(len(command.get("arguments", ())))]
    words = [command["resource"], command["name"], *ids, *(word for option in options for word in typed(option))]
    done = cli(*words, *(["--yes"] if command.get("asks") else []), "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json == (PAGE if command.get("paged") else ANSWER)

    [request] = service.received
    path, _, query = request.path.partition("?")
    expected = command["path"]
    for option, value in zip(command.get("arguments", ()), ids, strict=True):
        expected = expected.replace(f"{{{option['name']}}}", value)
    assert (request.method, path) == (command["verb"], f"/v1{expected}")
    assert {pair.split("=")[0] for pair in query.split("&") if pair} == {
        each["name"] for each in command.get("query", ())
    }
    assert request.headers["authorization"].strip() == ("Bearer" if command.get("public") else "Bearer jsp_test")
    assert bool(request.headers.get("idempotency-key")) == (command.get("retry") == "key")
    assert request.headers.get("prefer") == ("respond-async" if command.get("background") else None)
    body = {option["name"]: example(option)[1] for option in command.get("body") or ()}
    if command.get("body") is not None:
        assert request.json == body


def test_nothing_typed_sends_no_field(cli: CommandLine, service: Receiver) -> None:
    service.answer = lambda _: Reply(200, ANSWER)
    assert cli("webhooks", "test", "wh_1").code == 0
    assert service.received[-1].json == {}


def test_times_are_typed_as_how_long_ago(cli: CommandLine, service: Receiver) -> None:
    service.answer = lambda _: Reply(202, {"success": True, "data": {"id": "job_1", "status": "running"}})
    assert cli("webhooks", "recover", "wh_1", "--since", "2h").code == 0
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", service.received[-1].json["since"])


def test_the_apis_json_is_printed_as_it_came(cli: CommandLine, service: Receiver) -> None:
    data = {
        "id": "wh_1",
        "name": "Zoë \ud800 \u2028 \x9b",
        "more": {"n": 1e300, "big": 12345678901234567890123, "none": None},
    }
    service.answer = lambda _: Reply(200, {"success": True, "data": data, "unknown": [1]})
    done = cli("webhooks", "get", "wh_1", "--json")
    assert done.json == {"success": True, "data": data, "unknown": [1]}
    assert "\x9b" not in done.out


def test_a_temporary_failure_is_repeated_with_the_same_key(cli: CommandLine, service: Receiver) -> None:
    answers = iter(
        [Reply(503, {"success": False, "error": {"code": "unavailable", "message": "No"}}), Reply(200, ANSWER)]
    )
    service.answer = lambda _: next(answers)
    assert cli("webhooks", "test", "wh_1").code == 0
    first, second = service.received
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


def test_a_long_list_shows_how_far_it_is_on_a_terminal_alone(cli: CommandLine, service: Receiver) -> None:
    pages = [
        {"success": True, "data": [{"id": f"wh_{page}"}], "pagination": {"nextCursor": f"c{page}"} if page < 2 else {}}
        for page in range(3)
    ]
    at = {f"c{page}": page + 1 for page in range(2)}

    def answer(request: Any) -> Reply:
        cursor = re.search("cursor=(\\w+)", request.path)
        return Reply(200, pages[at[cursor[1]] if cursor else 0])

    service.answer = answer
    shown = cli.on_terminal("webhooks", "list", "--all")
    assert [f"wh_{page}" in shown.out for page in range(3)] == [True, True, True]
    assert "Reading" in shown.out
    piped = cli("webhooks", "list", "--all")
    assert (piped.out.split(), piped.err) == (["wh_0", "wh_1", "wh_2"], "")


def test_what_others_wrote_cannot_command_the_terminal(cli: CommandLine, service: Receiver) -> None:
    item = {"id": "wh_1", "name": "\x1b]0;title\x07 [bold]x[/]\nnext", "url": "\x9b31m\u202e", "createdAt": "now"}
    page = {"success": True, "data": [item], "pagination": {"hasMore": False}}
    service.answer = lambda request: Reply(200, page if "?" in request.path else {"success": True, "data": item})
    outputs = [
        cli.on_terminal("webhooks", "list", "--limit", "1", NO_COLOR="1", TERM="dumb"),
        cli("webhooks", "list", "--limit", "1"),
    ]
    outputs += [cli.on_terminal("webhooks", "get", "wh_1", NO_COLOR="1", TERM="dumb"), cli("webhooks", "get", "wh_1")]
    for done in outputs:
        assert done.code == 0
        assert not set(done.out) & {"\x1b", "\x07", "\x9b", "\u202e"}
        assert "[bold]x[/]" in done.out


def job(status: str, progress: int) -> Reply:
    data = {"id": "job_1", "status": status, "matched": 3, "sent": progress // 34, "progress": progress}
    return Reply(200, {"success": True, "data": data})


@pytest.mark.parametrize(("status", "code"), [("done", 0), ("failed", 1)])
def test_a_recovery_shows_its_progress_and_its_end(cli: CommandLine, service: Receiver, status: str, code: int) -> None:
    answers = iter([job("running", 0), job("running", 34), job("running", 68), job(status, 100)])
    service.answer = lambda _: next(answers)
    shown = cli.on_terminal("webhooks", "recover", "wh_1", "--since", "1h", "--watch", NO_COLOR="1")
    assert shown.code == code
    assert all(f"{sent} sent of 3 found so far" in shown.out for sent in (1, 2))
    assert f"status: {status}" in shown.out
    assert [request.path for request in service.received[1:]] == ["/v1/integrations/webhooks/wh_1/recover/job_1"] * 3


def test_a_recovery_goes_on_when_it_is_no_longer_followed(cli: CommandLine, service: Receiver) -> None:
    service.answer = lambda _: job("running", 34)
    running = cli.start("webhooks", "watch-recovery", "wh_1", "job_1")
    service.wait_for(2)
    done = running.interrupt()
    assert (done.code, done.out) == (130, "")
    assert done.err.splitlines()[0].endswith("jobsprint webhooks cancel-recovery wh_1 job_1")

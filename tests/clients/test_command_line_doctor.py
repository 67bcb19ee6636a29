"""`jobsprint doctor`: every line that it may say, with what to do."""

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import IO, Any

import pytest

from tests.support import sockets
from tests.support.command_line import CommandLine, Done
from tests.support.receiver import Received, Receiver, Reply, receiving

TOKEN = "jsp_test"
HEALTH = {"success": True, "data": {"status": "ok", "version": "0.1.0"}}
PAGE = {"success": True, "data": [], "pagination": {"hasMore": False}}


def problem(status: int, code: str) -> Reply:
    return Reply(status, {"success": False, "error": {"code": code, "message": f"It is {code}"}})


@pytest.fixture
def service() -> Iterator[Receiver]:
    with receiving() as server:
        server.answer = lambda request: Reply(200, HEALTH if request.path == "/v1/health" else PAGE)
        yield server


def checks(jobsprint: CommandLine, url: str, code: int, **env: str) -> dict[str, dict[str, str]]:
    """The checks by name; each that is not right says what to do."""
    done = jobsprint("doctor", "--json", JOBSPRINT_BASE_URL=url, **{"JOBSPRINT_TOKEN": TOKEN, **env})
    assert (done.code, done.err) == (code, "")
    assert all(check["next_step"] for check in done.json if check["status"] != "ok")
    return {check["name"]: check for check in done.json}


def test_all_is_well(jobsprint: CommandLine, service: Receiver) -> None:
    found = checks(jobsprint, f"{service.url}/v1", 0)
    assert {check["status"] for check in found.values()} == {"ok"}
    assert list(found) == ["Versions", "Base URL", "Connection", "Service", "Clock", "Token", "Login", "Scopes"]
    assert "0.1.0" in found["Service"]["said"]
    assert "integrations:read, webhooks:read, events:read" in found["Scopes"]["said"]
    shown: Done = jobsprint("doctor", JOBSPRINT_BASE_URL=f"{service.url}/v1", JOBSPRINT_TOKEN=TOKEN)
    assert all(line.startswith("ok ") for line in shown.out.splitlines())
    assert TOKEN not in shown.out


def test_nothing_is_set(jobsprint: CommandLine, service: Receiver) -> None:
    assert checks(jobsprint, "", 1)["Base URL"]["next_step"] == "jobsprint login, or set JOBSPRINT_BASE_URL"
    found = checks(jobsprint, f"{service.url}/v1", 1, JOBSPRINT_TOKEN="")
    assert found["Token"]["status"] == "failed"
    assert checks(jobsprint, "api.example.com", 1)["Base URL"]["said"] == "api.example.com is no address of an API"


def test_an_address_that_is_not_sane(jobsprint: CommandLine, service: Receiver) -> None:
    assert checks(jobsprint, f"{service.url}/v2", 1)["Base URL"]["status"] == "warning"
    found = checks(jobsprint, "http://api.invalid/v1", 1)
    assert "no https" in found["Base URL"]["said"]
    assert found["Connection"]["said"] == "http://api.invalid/v1 did not answer: its name has no address"


def test_nobody_listens(jobsprint: CommandLine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    found = checks(jobsprint, f"http://127.0.0.1:{port}/v1", 1)
    assert "connection refused" in found["Connection"]["said"]
    assert "make up" in found["Connection"]["next_step"]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (sockets.resets(), "connection"),
        (sockets.says_and_closes(b"nonsense\r\n\r\n"), "the connection broke"),
    ],
    ids=["reset", "nonsense"],
)
def test_connections_that_break(jobsprint: CommandLine, script: sockets.Script, said: str) -> None:
    server = sockets.Receiver(script)
    try:
        found = checks(jobsprint, f"http://127.0.0.1:{server.port}/v1", 1)
        assert said in found["Connection"]["said"]
    finally:
        server.close()


def test_a_certificate_that_nobody_knows_or_that_has_ended(jobsprint: CommandLine, tmp_path: Path) -> None:
    authority = sockets.Authority(tmp_path)
    body = json.dumps(HEALTH).encode()
    script = sockets.says_and_closes(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    for days, bundle, said in (
        ((-1, 1), "", "its certificate is not valid (unable to get local issuer certificate)"),
        ((-9, -2), str(authority.bundle), "its certificate is not valid (certificate has expired)"),
    ):
        server = sockets.Receiver(script, tls=authority.server("localhost", "127.0.0.1", days=days))
        try:
            env = {"REQUESTS_CA_BUNDLE": bundle} if bundle else {}
            found = checks(jobsprint, f"https://127.0.0.1:{server.port}/v1", 1, **env)
            assert said in found["Connection"]["said"]
            assert "REQUESTS_CA_BUNDLE" in found["Connection"]["next_step"]
        finally:
            server.close()
    server = sockets.Receiver(script, tls=authority.server("localhost", "127.0.0.1"))
    try:
        found = checks(jobsprint, f"https://127.0.0.1:{server.port}/v1", 0, REQUESTS_CA_BUNDLE=str(authority.bundle))
        assert "certificate is valid" in found["Connection"]["said"]
    finally:
        server.close()


def test_https_where_there_is_none(jobsprint: CommandLine, service: Receiver) -> None:
    found = checks(jobsprint, service.url.replace("http:", "https:") + "/v1", 1)
    assert "no secure connection" in found["Connection"]["said"]


def dated(moment: datetime) -> Callable[[IO[bytes]], None]:
    body = json.dumps(HEALTH).encode()
    head = f"HTTP/1.1 200 OK\r\nDate: {format_datetime(moment, usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
    return lambda out: out.write(head.encode() + body) and None


@pytest.mark.parametrize(
    ("minutes", "status", "said"),
    [(0, "ok", "agrees"), (2, "warning", "behind"), (-2, "warning", "ahead"), (60, "failed", "behind")],
)
def test_a_clock_that_differs(jobsprint: CommandLine, service: Receiver, minutes: int, status: str, said: str) -> None:
    then = datetime.now(UTC) + timedelta(minutes=minutes)
    service.answer = lambda request: Reply(write=dated(then)) if "health" in request.path else Reply(200, PAGE)
    clock = checks(jobsprint, f"{service.url}/v1", int(status == "failed"))["Clock"]
    assert (clock["status"], said in clock["said"]) == (status, True)


@pytest.mark.parametrize(
    ("reply", "step"),
    [
        (Reply(404, b"<html>"), "ends in /v1"),
        (Reply(200, b"<html>"), "ends in /v1"),
        (Reply(200, {"data": []}), "ends in /v1"),
        (Reply(301, None, {"Location": "https://elsewhere.example/"}), "https://elsewhere.example/"),
        (Reply(503, b""), "try again"),
    ],
)
def test_something_else_answers(jobsprint: CommandLine, service: Receiver, reply: Reply, step: str) -> None:
    service.answer = lambda _: reply
    found = checks(jobsprint, f"{service.url}/v1", 1)
    assert (found["Service"]["status"], step in found["Service"]["next_step"]) == ("failed", True)
    assert "Login" not in found  # a token goes to the API alone


@pytest.mark.parametrize(
    ("refused", "status", "name"),
    [
        ({"integrations": (401, "unauthenticated")}, "failed", "Login"),
        ({"events": (403, "missing_scope")}, "warning", "Scopes"),
        ({"integrations": (403, "forbidden")}, "failed", "Login"),
        ({"integrations": (500, "internal_error")}, "failed", "Login"),
    ],
)
def test_a_token_that_is_not_valid_or_lacks_scopes(
    jobsprint: CommandLine, service: Receiver, refused: dict[str, tuple[int, str]], status: str, name: str
) -> None:
    def answer(request: Received) -> Reply:
        last = request.path.partition("?")[0].rpartition("/")[2]
        if last in refused:
            return problem(*refused[last])
        return Reply(200, HEALTH if last == "health" else PAGE)

    service.answer = answer
    found = checks(jobsprint, f"{service.url}/v1", int(status == "failed"))
    assert found[name]["status"] == status
    if name == "Scopes":
        assert "and not events:read" in found[name]["said"]


def test_a_file_that_others_can_read_and_one_that_is_broken(jobsprint: CommandLine, service: Receiver) -> None:
    url = f"{service.url}/v1"
    assert jobsprint("login", "--base-url", url, "--with-token", stdin=TOKEN).code == 0
    jobsprint.kept.chmod(0o644)
    found: dict[str, Any] = checks(jobsprint, "", 0, JOBSPRINT_TOKEN="")
    assert found["Token file"]["next_step"] == f"chmod 600 {jobsprint.kept}"
    jobsprint.kept.write_text("{")
    assert "cannot be read" in checks(jobsprint, "", 1, JOBSPRINT_TOKEN="")["Base URL"]["said"]


def test_a_token_of_another_kind(jobsprint: CommandLine, service: Receiver) -> None:
    assert checks(jobsprint, f"{service.url}/v1", 0, JOBSPRINT_TOKEN="ghp_x")["Token"]["status"] == "warning"

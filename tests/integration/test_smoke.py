"""`make smoke` against a service that is broken: each check says so, and the exit status does too."""

from typing import Any

import pytest

from tests.support.receiver import Reply, receiving
from tools.local import smoke

TOKEN = "jsp_00000000000000000000000000_" + "a" * 43


class Clients:
    """The token function of a stack whose API is broken."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def manage(self, **request: Any) -> dict[str, Any]:
        self.asked.append(request)
        return {"token": TOKEN}


def test_a_broken_stack_fails_check_by_check(capsys: pytest.CaptureFixture[str]) -> None:
    clients: Any = Clients()
    with receiving() as broken:
        broken.answer = lambda _: Reply(500 if len(broken.received) > 1 else 401)
        status = smoke.run(clients, broken.url, revocation_seconds=0)
    said = capsys.readouterr().out
    assert status == 1
    assert said.count("  FAILED  ") == 9
    assert "A new token works at once. GET /integrations answered 401" in said
    assert "9 failed" in said
    assert [request["action"] for request in clients.asked] == ["issue", "revoke"]
    assert clients.asked[1]["id"] == "tok_00000000000000000000000000"


def test_nothing_that_listens_is_a_failure_too(capsys: pytest.CaptureFixture[str]) -> None:
    clients: Any = Clients()
    assert smoke.run(clients, "http://127.0.0.1:9/v1", revocation_seconds=0) == 1
    assert capsys.readouterr().out.count("  FAILED  ") == 9

"""Functions that `sam local invoke` runs: what they send to the local stack, and what they say where there is none."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from jobsprint.core import aws
from jobsprint.core.errors import JobsprintError
from tests.conftest import forget_settings
from tests.support.call import Context, handler
from tests.support.receiver import Receiver, Reply, receiving
from tests.support.template import ROOT, environment


def event_of(folder: str) -> Any:
    return json.loads((ROOT / "events" / f"{folder}.json").read_text())


@pytest.fixture
def local_stack() -> Iterator[Receiver]:
    """Stands for the emulator."""
    with receiving() as found:
        found.answer = lambda _: Reply(body={"Items": []}, headers={"Content-Type": "application/x-amz-json-1.0"})
        yield found


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch, local_stack: Receiver) -> Iterator[None]:
    """The environment of a function in a container, with the credentials of the person who invokes it."""
    for name, value in environment({}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT", local_stack.url)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "SomebodysOwn")
    aws.clear()
    forget_settings()
    yield
    aws.clear()
    forget_settings()


def nobody_listens() -> str:
    """A URL at which nothing answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_own_credentials_stay_here(function: None, local_stack: Receiver) -> None:
    answer = handler("list_integrations")(event_of("list_integrations"), Context())
    assert answer["statusCode"] == 200, answer
    assert local_stack.received
    for request in local_stack.received:
        assert request.headers["authorization"].startswith("AWS4-HMAC-SHA256 Credential=test/")
        assert "SomebodysOwn" not in json.dumps(request.headers)


@pytest.mark.parametrize("folder", ["list_integrations", "get_webhook", "delete_integration", "put_event_type"])
def test_an_answer_says_what_to_start(function: None, monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", nobody_listens())
    forget_settings()
    answer = handler(folder)(event_of(folder), Context())
    assert answer["statusCode"] == 500
    assert "start it with make up" in json.loads(answer["body"])["error"]["message"]


def test_so_does_the_failure_of_a_function_without_a_route(function: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT", nobody_listens())
    forget_settings()
    with pytest.raises(JobsprintError, match="start it with make up"):
        handler("manage_tokens")(event_of("manage_tokens"), Context())

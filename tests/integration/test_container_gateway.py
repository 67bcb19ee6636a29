"""The way from functions that `sam local invoke` runs in containers to the local stack."""

import json
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from tests.support.receiver import Receiver, Reply, receiving
from tools.local import containers
from tools.local.options import PROJECT, Home

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere containers reach the loopback address")


@pytest.fixture
def emulator() -> Iterator[Receiver]:
    """Stands for the emulator's port."""
    with receiving() as found:
        found.answer = lambda _: Reply(body={"answered": True})
        yield found


@contextmanager
def gateway(emulator: Receiver, folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], subprocess.Popen[bytes]]]:
    """The gateway's URL, its process, and the process with which it ends."""
    with socket.socket() as listener, subprocess.Popen(["sleep", "60"]) as watched:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = int(emulator.url.rpartition(":")[2])
        with containers.start_gateway(listener, port, watched.pid, folder / "log") as process:
            try:
                yield f"http://127.0.0.1:{listener.getsockname()[1]}", process, watched
            finally:
                watched.kill()


@contextmanager
def engine(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> Iterator[Callable[[], list[str]]]:
    """A container engine in which SAM runs functions at these addresses; gives what it was asked for its containers."""
    running = [{"NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}}} for address in addresses]
    with receiving() as found:
        found.answer = lambda request: Reply(
            body={"ApiVersion": "1.44"} if request.path.endswith("/version") else running
        )
        monkeypatch.setenv("DOCKER_HOST", found.url.replace("http", "tcp"))

        def asked() -> list[str]:
            return [request.path for request in found.received if "/containers/json" in request.path]

        yield asked
        assert asked()
        assert all("sam.cli.container.type%3Dlambda" in path for path in asked())


def test_a_function_reaches_the_emulator(emulator: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with engine(monkeypatch, "127.0.0.1"), gateway(emulator, tmp_path) as (url, _, _):
        assert requests.post(f"{url}/x", data="y" * 300_000, timeout=20).json() == {"answered": True}
    assert [(request.path, len(request.body)) for request in emulator.received] == [("/x", 300_000)]


@pytest.mark.parametrize("addresses", [(), ("10.88.0.7",)])
def test_nothing_else_does(
    emulator: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, addresses: tuple[str, ...]
) -> None:
    with (
        engine(monkeypatch, *addresses),
        gateway(emulator, tmp_path) as (url, _, _),
        pytest.raises(requests.ConnectionError),
    ):
        requests.get(url, timeout=20)
    assert not emulator.received
    assert (tmp_path / "log").read_text().startswith("127.0.0.1 was refused: SAM runs functions at ")


def test_the_engine_is_not_asked_for_every_connection(
    emulator: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with engine(monkeypatch, "127.0.0.1") as asked, gateway(emulator, tmp_path) as (url, _, _):
        for _ in range(5):
            assert requests.get(url, timeout=20).ok
        assert len(asked()) == 1


def test_without_an_engine_nothing_does(emulator: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent")
    with gateway(emulator, tmp_path) as (url, _, _), pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=20)
    assert not emulator.received
    assert "127.0.0.1 was refused: the engine failed: " in (tmp_path / "log").read_text()


def test_it_ends_with_the_emulator(emulator: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with engine(monkeypatch, "127.0.0.1"), gateway(emulator, tmp_path) as (url, process, watched):
        assert requests.get(url, timeout=20).ok
        assert process.poll() is None
        watched.kill()
        watched.wait()
        assert process.wait(timeout=20) == 0
    assert not (tmp_path / "log").read_text()


def test_samconfig_names_the_file_that_make_writes() -> None:
    parameters = tomllib.loads((PROJECT / "samconfig.toml").read_text())["default"]["local_invoke"]["parameters"]
    assert PROJECT / parameters["env_vars"] == Home(PROJECT / ".local").sam_env


def test_the_build_writes_a_file_that_leads_nowhere_and_keeps_one_of_the_stack(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    containers.write_placeholder(home)
    assert json.loads(home.sam_env.read_text()) == {"Parameters": {"AWS_ENDPOINT": "http://127.0.0.1:4566"}}
    assert home.sam_env.stat().st_mode & 0o077 == 0
    home.sam_env.write_text("{}")
    containers.write_placeholder(home)
    assert home.sam_env.read_text() == "{}"

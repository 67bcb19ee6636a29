"""Starting and stopping MiniStack, the AWS emulator, as a process group of its own."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import requests

from tools.local.console import Failure, step
from tools.local.options import EMULATOR, PROJECT, REGION, Home, last_port

NAME = "emulator"
_HOST = "127.0.0.1"
_LAUNCHER = PROJECT / "tools" / "local" / "run_ministack.py"
_START_SECONDS = 60
_SAVE_SECONDS = 60
_FINISH_SECONDS = 2
# Of the caller's environment the functions see only this.
_PASSED_ON = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def address(port: int) -> str:
    """Where the emulator answers AWS calls."""
    return f"http://{_HOST}:{port}"


def running(home: Home) -> bool:
    """Whether this folder's emulator is alive."""
    pid = process_id(home)
    return pid is not None and pid in _members(pid)


def running_address(home: Home) -> str:
    """Where this folder's emulator answers. Raises Failure where none runs."""
    if not running(home):
        raise Failure("The local stack is not running: start it with make up.")
    return address(last_port(home))


def start(home: Home, port: int) -> None:
    """Start the emulator and wait until it answers."""
    stop(home)  # what a killed emulator left running
    _refuse_busy(port)
    for folder in (home.logs, home.state, home.scratch):
        folder.mkdir(parents=True, exist_ok=True)
    log = home.logs / "emulator.log"
    with step("Starting the AWS emulator"):
        with log.open("w") as output:
            process = subprocess.Popen(
                # -P: the modules beside the launcher are no top-level modules.
                [str(EMULATOR / "bin" / "python"), "-P", str(_LAUNCHER)],
                cwd=home.folder,
                env=_environment(home, port),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        home.pids.write_text(f"{NAME} {process.pid}\n")
        home.port.write_text(f"{port}\n")
        deadline = time.monotonic() + _START_SECONDS
        while not _healthy(port):
            if process.poll() is not None or time.monotonic() > deadline:
                stop(home)
                raise Failure(f"The AWS emulator did not start; details in {os.path.relpath(log)}.")
            time.sleep(0.1)


def stop(home: Home) -> bool:
    """Stop the emulator, which saves its state, and everything it started; whether there was anything to stop."""
    pid = process_id(home)
    alive = pid is not None and bool(_members(pid))
    if pid is not None and alive:
        with _uninterrupted(), step("Stopping the local stack"):
            _end(pid)
    home.pids.unlink(missing_ok=True)
    discard(home.scratch)
    return alive


def discard(folder: Path) -> None:
    """Delete a folder in the background: with the unpacked code of every function that takes half a minute."""
    if not folder.exists():
        return
    aside = folder.with_name(f"{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
    folder.rename(aside)
    subprocess.Popen(
        ["rm", "-rf", str(aside)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True
    )


def process_id(home: Home) -> int | None:
    """The emulator's process id as the last start noted it."""
    lines = home.pids.read_text().splitlines() if home.pids.exists() else []
    pids = [pid for name, _, pid in (line.partition(" ") for line in lines) if name == NAME]
    return int(pids[0]) if pids else None


def _environment(home: Home, port: int) -> dict[str, str]:
    """The emulator's whole environment, which its functions inherit."""
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed_on | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": _HOST,
        "MINISTACK_HOST": _HOST,
        "MINISTACK_REGION": REGION,
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(home.state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(home.state / "s3"),
        "LAMBDA_EXECUTOR": "local",
        "TMPDIR": str(home.scratch),
        # Nothing may listen beside the one port, and no container engine is asked for anything.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "DOCKER_HOST": "unix:///nonexistent",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            raise Failure(
                f"Port {port} is in use: stop what uses it or choose another, as in make run PORT=5000."
            ) from None


def _healthy(port: int) -> bool:
    try:
        return requests.get(f"{address(port)}/_ministack/health", timeout=2).ok
    except requests.RequestException:
        return False


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C must not cut the stop short."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _end(pid: int) -> None:
    """Let the emulator save and leave, then remove whatever its process group still holds."""
    _signal(pid, signal.SIGTERM)
    asked = time.monotonic()
    while pid in (members := _members(pid)) and time.monotonic() - asked < _SAVE_SECONDS:
        if time.monotonic() - asked > _FINISH_SECONDS:
            # It waits for its functions, which nobody hears any more.
            for worker in members:
                if worker != pid:
                    _signal(worker, signal.SIGKILL)
        time.sleep(0.1)
    while members := _members(pid):
        for member in members:
            _signal(member, signal.SIGKILL)
        time.sleep(0.1)


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def _members(group: int) -> list[int]:
    """The living processes of the emulator's group.

    A dead child that nobody has collected yet does not count, nor does a stranger that got the same
    process id after a reboot.
    """
    with suppress(ChildProcessError):
        os.waitpid(-group, os.WNOHANG)
    rows = (line.split(None, 3) for line in process_table().splitlines())
    return [
        int(pid)
        for pid, pgid, state, command in (row for row in rows if len(row) == 4)
        if int(pgid) == group and not state.startswith(("Z", "X")) and "ministack" in command
    ]


def process_table() -> str:
    """Id, group, state and command of every process, one per line."""
    if shutil.which("ps"):
        columns = ["ps", "-A", "-ww", "-o", "pid=,pgid=,stat=,args="]
        return subprocess.run(columns, capture_output=True, text=True, check=True).stdout
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            state, _, pgid = (folder / "stat").read_text().rpartition(") ")[2].split()[:3]
            command = (folder / "cmdline").read_text().replace("\0", " ")
            lines.append(f"{folder.name} {pgid} {state} {command}")
    return "\n".join(lines)

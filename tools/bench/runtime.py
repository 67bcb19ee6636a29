"""A function as Lambda runs it: its handler under AWS's runtime interface client, and that under AWS's emulator of the
runtime interface, from the folders that SAM built.

CPU time is that of the runtime's process with all its threads (Linux's per-process CPU clock, in ns): init, imports and
requests, without the emulator around it.
"""

import json
import os
import platform
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import samcli.local

from tools.local.options import PROJECT

_STARTS_WITHIN = 60.0
_ANSWERS_WITHIN = 60

# Holds what Lambda's own Python does and nothing else (requirements/bench.in).
_PYTHON = PROJECT / ".local" / "bench-python" / "bin" / "python"


class Runtime:
    """A running function."""

    def __init__(self, address: str, emulator: subprocess.Popen[bytes]) -> None:
        self._address = address
        self._emulator = emulator
        self._pid = 0

    def invoke(self, event: Mapping[str, Any]) -> Any:
        """What the handler returns. Raises RuntimeError for a handler that raises."""
        request = urllib.request.Request(
            f"http://{self._address}/2015-03-31/functions/function/invocations", json.dumps(event).encode()
        )
        with urllib.request.urlopen(request, timeout=_ANSWERS_WITHIN) as answer:
            result = json.load(answer)
        if isinstance(result, dict) and "errorMessage" in result:
            raise RuntimeError(f"{result.get('errorType')}: {result['errorMessage']}")
        return result

    def cpu_ms(self) -> float:
        """CPU time of the function's process since it was started, which the first request does."""
        if not self._pid:
            self._pid = _child_of(self._emulator.pid)
        # Linux gives every process a CPU clock; this is the id of another one's (clock_getcpuclockid(3)).
        return time.clock_gettime((~self._pid << 3) | 2) * 1000

    def rss_mb(self) -> float:
        """Resident memory of the function's process."""
        self.cpu_ms()
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def running(folders: Sequence[Path], env: Mapping[str, str], *, handler: str = "app.handler") -> Iterator[Runtime]:
    """Starts the handler of the first of `folders`, with all of them on the path, and stops it afterwards."""
    api, front = _free_port(), _free_port()
    command = [
        _emulator(), "--log-level", "error",
        "--runtime-api-address", f"127.0.0.1:{api}",
        "--runtime-interface-emulator-address", f"127.0.0.1:{front}",
        str(_PYTHON), "-m", "awslambdaric", handler,
    ]  # fmt: skip
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    variables = {
        **kept,
        **env,
        "PYTHONPATH": os.pathsep.join(map(str, folders)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "AWS_LAMBDA_FUNCTION_TIMEOUT": "30",
    }
    process = subprocess.Popen(
        command, env=variables, cwd=folders[0], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(front)
        yield Runtime(f"127.0.0.1:{front}", process)
    finally:
        process.terminate()
        process.wait()


def _emulator() -> str:
    machine = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64"
    program = Path(samcli.local.__path__[0]) / "rapid" / f"aws-lambda-rie-{machine}"
    if not os.access(program, os.X_OK):
        program.chmod(0o755)
    return str(program)


def _child_of(pid: int) -> int:
    for _ in range(200):
        listed = Path(f"/proc/{pid}/task")
        children = [child for task in listed.iterdir() for child in (task / "children").read_text().split()]
        if children:
            return int(children[0])
        time.sleep(0.01)
    raise RuntimeError("The function did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError("The runtime interface emulator did not start")

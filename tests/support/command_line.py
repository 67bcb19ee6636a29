"""The installed command line `jobsprint`, run as people run it: a process, with or without a terminal."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import termios
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.built import PYTHON, isolated


@dataclass(frozen=True)
class Done:
    """What a run printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """What was printed as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass
class CommandLine:
    """The program in `site`, with a home of its own and these variables."""

    site: Path
    home: Path
    env: dict[str, str] = field(default_factory=dict)
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def program(self) -> list[str]:
        """The console script that pip made."""
        return [str(PYTHON), str(self.site / "bin" / "jobsprint")]

    @property
    def kept(self) -> Path:
        """Where a login is kept."""
        return self.home / "config" / "jobsprint" / "account.json"

    def environment(self, **more: str) -> dict[str, str]:
        """No keyring unless `more` names one, no variable of this machine's own."""
        given = {name: value for name, value in isolated().items() if not name.startswith("JOBSPRINT_")}
        own = {
            "PATH": f"{self.site / 'bin'}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.site),
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            "COLUMNS": "200",
            "TERM": "xterm",
        }
        return given | own | self.env | more

    def __call__(self, *words: str, stdin: str | bytes = b"", cwd: Path | None = None, **env: str) -> Done:
        """Run it without a terminal."""
        given = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            [*self.program, *words],
            env=self.environment(**env),
            cwd=cwd,
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def on_terminal(self, *words: str, typed: str = "", until: str = "", **env: str) -> Done:
        """Run it on a terminal, which shows both outputs; `typed` is entered once `until` was printed."""
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [*self.program, *words],
            env=self.environment(**env),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(follower)
        shown, deadline = "", time.monotonic() + 60
        while time.monotonic() < deadline:
            if typed and until in shown:
                time.sleep(0.3)  # the prompt may be printed before the terminal stops to echo
                os.write(leader, typed.encode())
                typed = ""
            if select.select([leader], [], [], 0.05)[0]:
                try:
                    shown += os.read(leader, 65536).decode(errors="replace")
                except OSError:  # it has ended
                    break
        os.close(leader)
        return Done(process.wait(10), shown.replace("\r\n", "\n"), "")

    def start(self, *words: str, **env: str) -> "Running":
        """Start it without a terminal."""
        process = subprocess.Popen(
            [*self.program, *words],
            env=self.environment(**env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_interruptible,
        )
        self.started.append(process)
        return Running(process)

    def stop(self) -> None:
        """End what a test that failed left running."""
        for process in self.started:
            with process:  # closes its pipes
                process.kill()


@dataclass
class Running:
    """A run that goes on."""

    process: subprocess.Popen[bytes]
    out: str = ""
    err: str = ""

    def wait_for(self, text: str, seconds: float = 30) -> str:
        """What was printed so far, once `text` is in it."""
        self._read(lambda: text in self.out, text, seconds)
        return self.out

    def wait_for_note(self, text: str, seconds: float = 30) -> str:
        """The same on standard error."""
        self._read(lambda: text in self.err, text, seconds)
        return self.err

    def interrupt(self) -> Done:
        """Press Ctrl-C."""
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=20)
        return Done(self.process.returncode, self.out + out.decode(), self.err + err.decode())

    def _read(self, found: Callable[[], bool], text: str, seconds: float) -> None:
        assert self.process.stdout
        assert self.process.stderr
        deadline = time.monotonic() + seconds
        while not found():
            assert time.monotonic() < deadline, f"{text!r} is not in {self.out!r} {self.err!r}"
            for stream in select.select([self.process.stdout, self.process.stderr], [], [], 0.1)[0]:
                piece = os.read(stream.fileno(), 65536).decode()
                assert piece or stream is self.process.stderr, f"it ended with {self.out!r} {self.err!r}"
                if stream is self.process.stdout:
                    self.out += piece
                else:
                    self.err += piece


def _interruptible() -> None:
    """A shell that runs the tests in the background has SIGINT ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def _take_terminal() -> None:
    """Make standard input the terminal that controls the new session, as a shell has one."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)

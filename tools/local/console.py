"""What the person at the terminal sees: steps with their time, and failures as one sentence."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_TICK_SECONDS = 1.0
_PLAIN_TICK_SECONDS = 15.0


class Failure(Exception):
    """Something the person has to know, as one clear sentence."""


@contextmanager
def step(name: str) -> Iterator[None]:
    """Show a step while it runs, with the seconds passing, and how long it took."""
    started = time.monotonic()
    ended = threading.Event()
    ticker = threading.Thread(target=_tick, args=(name, started, ended), daemon=True)
    ticker.start()
    try:
        yield
    except BaseException:
        _close(ticker, ended)
        _line(f"  {name} did not finish ({time.monotonic() - started:.0f} s)")
        raise
    _close(ticker, ended)
    _line(f"  {name} ({time.monotonic() - started:.0f} s)")


def _tick(name: str, started: float, ended: threading.Event) -> None:
    """A running clock on a terminal; elsewhere a line now and then."""
    terminal = sys.stdout.isatty()
    if not terminal:
        print(f"  {name} ...", flush=True)
    while not ended.wait(_TICK_SECONDS if terminal else _PLAIN_TICK_SECONDS):
        seconds = f"{time.monotonic() - started:.0f} s"
        if terminal:
            print(f"\r  {name} ... {seconds}", end="", flush=True)
        else:
            print(f"  {name} ... {seconds}", flush=True)


def _close(ticker: threading.Thread, ended: threading.Event) -> None:
    ended.set()
    ticker.join()


def _line(text: str) -> None:
    # On a terminal the line replaces the running clock.
    print(f"\r\x1b[K{text}" if sys.stdout.isatty() else text, flush=True)


def run_logged(command: Sequence[str], log: Path, env: Mapping[str, str], sentence: str) -> None:
    """Run a command with its output in a log file; on failure say the sentence, the reason and the file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as output:
        status = subprocess.call(command, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
    if status:
        raise Failure(f"{sentence}{_reason(log)}; details in {_shown(log)}.")


def _reason(log: Path) -> str:
    """The last line of a log that names an error, as the tail of a sentence."""
    lines = [line.strip() for line in log.read_text("utf-8", "replace").splitlines()]
    named = [line for line in lines if line.startswith(("Error:", "ERROR", "error:"))]
    return f" ({named[-1][:200].rstrip('.')})" if named else ""


def _shown(path: Path) -> str:
    return os.path.relpath(path)

"""Ctrl-C of `make test` ends all it has started: the real recipe, with stand-ins for its two suites."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.template import ROOT
from tools.local.emulator import process_table

START_SECONDS = 180
LATEST_SECONDS = 60
WORKERS = 2
# Each notes its own process, and then hangs as long as it is let.
FAST = """
import os, pathlib, subprocess, sys, time
import pytest

@pytest.mark.parametrize("number", range({workers}))
def test_hangs(number):
    child = subprocess.Popen(["sleep", "600"])
    pathlib.Path(r"{folder}", f"fast-{{number}}").write_text(f"{{os.getpid()}} {{child.pid}}")
    time.sleep(600)
"""
# Like the local stack, its server is in a session of its own and is stopped by the fixture.
SLOW = """
import os, pathlib, subprocess, time
import pytest

@pytest.fixture(scope="session")
def stack():
    server = subprocess.Popen(["sleep", "600"], start_new_session=True)
    yield server
    server.kill()
    server.wait()

def test_hangs(stack):
    child = subprocess.Popen(["sleep", "600"])
    pathlib.Path(r"{folder}", "slow").write_text(f"{{os.getpid()}} {{child.pid}} {{stack.pid}}")
    time.sleep(600)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_make_test_leaves_no_process(tmp_path: Path, number: signal.Signals) -> None:
    for name, text in (("fast", FAST), ("slow", SLOW)):
        (tmp_path / f"test_{name}.py").write_text(text.format(folder=tmp_path, workers=WORKERS))
    done_before = [word for name in ("lint", "typecheck", "validate", "install") for word in ("-o", name)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}  # of an outer make
    suites = [
        f"FAST=-p xdist --numprocesses {WORKERS} {tmp_path}/test_fast.py",
        f"FAST_LOG={tmp_path}/fast.log",
        f"E2E={tmp_path}/test_slow.py",
        f"VENV={sys.executable}",
    ]
    make = subprocess.Popen(
        ["make", *done_before, "test", *suites],
        cwd=ROOT,
        env=environment | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        start_new_session=True,  # as a terminal has it: one group, which Ctrl-C reaches
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    pids: set[str] = set()
    try:
        started = [tmp_path / name for name in ("slow", *(f"fast-{number}" for number in range(WORKERS)))]
        wait_until(lambda: all(path.exists() and path.read_text() for path in started), START_SECONDS)
        pids = {pid for path in started for pid in path.read_text().split()}
        assert len(pids & running()) == 3 + 2 * WORKERS

        if number == signal.SIGINT:
            os.killpg(make.pid, number)
        else:
            make.send_signal(number)
        assert make.wait(LATEST_SECONDS) != 0
        wait_until(lambda: not pids & running(), LATEST_SECONDS)
        assert not named_after(tmp_path)
    finally:
        for pid in {*pids, *named_after(tmp_path)} & running():
            os.kill(int(pid), signal.SIGKILL)
        make.wait()


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def named_after(folder: Path) -> set[str]:
    return {line.split(None, 1)[0] for line in process_table().splitlines() if str(folder) in line}


def running() -> set[str]:
    """The ids of all processes that run."""
    rows = [line.split(None, 3) for line in process_table().splitlines()]
    return {pid for pid, _, state, *_ in rows if not state.startswith(("Z", "X"))}

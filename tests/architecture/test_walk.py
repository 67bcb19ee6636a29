"""docs/architecture.md lists the files that an event and an action really pass through."""

import subprocess
import sys

from tests.support.template import ROOT


def test_the_tables_are_current() -> None:
    # In a process of its own: it sets the environment and puts AWS on moto.
    command = [sys.executable, str(ROOT / "tools" / "walk.py"), "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr

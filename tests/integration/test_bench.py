"""What publishing and delivering an event bills must not grow unseen: the counts of `make bench`, in a process."""

import os
import subprocess
import sys

from tests.support.template import ROOT, import_path


def test_the_cost_suite_runs_and_no_figure_is_missed() -> None:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(import_path())}
    command = [sys.executable, "-m", "tools.bench", "cost"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "10 figures, 0 MISSED" in done.stdout, done.stdout

"""No command of make lets a tool send telemetry."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.template import ROOT
from tools.local import sam

# In place of Python: it notes what SAM's CLI would be told.
RECORDER = '#!/bin/sh\necho "SAM_CLI_TELEMETRY=$SAM_CLI_TELEMETRY"\n'


@pytest.mark.parametrize("words", [["validate"], ["build"], ["run"], ["up"], ["deploy", "STAGE=dev"]])
def test_sam_is_told_to_send_none(tmp_path: Path, words: list[str]) -> None:
    recorder = tmp_path / "python"
    recorder.write_text(RECORDER)
    recorder.chmod(0o700)
    outer = ("MAKE", "SAM_CLI_TELEMETRY")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    done = subprocess.run(
        ["make", "-o", "install", "-o", "install-run", *words, f"VENV={recorder}", f"RUN={recorder}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "SAM_CLI_TELEMETRY=0" in done.stdout.splitlines(), done.stdout + done.stderr


def test_nor_is_it_without_make() -> None:
    assert sam.environment({"SAM_CLI_TELEMETRY": "1"})["SAM_CLI_TELEMETRY"] == "0"

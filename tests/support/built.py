"""The clients built from copies of their sources, and commands run with them alone."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.template import ROOT

PYTHON = ROOT / ".local" / "clients-python" / "bin" / "python"


def run(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> str:
    """What a command prints; fails with its errors."""
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, env=env, capture_output=True, encoding="utf-8", timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def copy(name: str, folder: Path) -> Path:
    """A client's sources without what was built from them."""
    ignored = shutil.ignore_patterns("node_modules", "dist", "__pycache__")
    return Path(shutil.copytree(ROOT / "clients" / name, folder / name, ignore=ignored))


def isolated(**more: str) -> dict[str, str]:
    """An environment in which the checkout is not importable."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")} | more

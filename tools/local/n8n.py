"""A real n8n on 127.0.0.1 for the connector tests: installed where it is missing, started, stopped.

    python3 tools/local/install.py node     (Node.js first; `make test-connectors` does both)

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
from tempfile import TemporaryDirectory

import requests

from tools.local import node
from tools.local.console import Failure, run_logged, step
from tools.local.options import PROJECT

VERSION = "2.41.1"
FOLDER = PROJECT / ".local" / "n8n"
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
    with step(f"Installing n8n {VERSION}"):
        node.install(f"n8n@{VERSION}", folder, "n8n could not be installed")
    with step("Building n8n's database driver"):
        _build_driver(folder)
    stamp.write_text(VERSION)


def _build_driver(folder: Path) -> None:
    """Compiles the database driver, as a copy in a temporary folder: node-gyp fails where a path has a space."""
    modules = folder / "node_modules"
    with TemporaryDirectory() as name:
        scratch = Path(name)
        (scratch / "node").symlink_to(node.wheel())
        for module in ("sqlite3", "node-addon-api"):
            shutil.copytree(modules / module, scratch / "node_modules" / module)
        build = node.build_command(scratch / "node_modules" / "sqlite3", headers=scratch / "node")
        env = node.environment({"NODE_PATH": str(modules)})
        run_logged(build, folder / "build.log", env, "n8n's database driver could not be built")
        built = Path("sqlite3", "build", "Release", "node_sqlite3.node")
        (modules / built).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(scratch / "node_modules" / built, modules / built)


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
                [str(node.node()), f"--max-old-space-size={_HEAP_MB}", str(self._folder / _PROGRAM), "start"],
                cwd=self._home,
                env=node.environment(self._settings()),
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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    try:
        install()
    except Failure as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)

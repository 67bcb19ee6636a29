"""What a run of the local stack is given: folders, port and template parameters."""

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

from tools.local.console import Failure

PROJECT = Path(__file__).resolve().parents[2]
EMULATOR = PROJECT / ".local" / "emulator"
DEFAULT_PORT = 4566
_MIN_PORT, _MAX_PORT = 1024, 65535  # below are those that only root may open
REGION = "us-east-1"
STACK = "jobsprint"

# Variables of the make line that reach the template, and the parameters they set.
PARAMETERS = {
    "ALLOW_PRIVATE_TARGETS": "AllowPrivateTargets",
    "RETRY_SCHEDULE": "RetrySchedule",
    "HEALTH_TEST_RATE": "HealthTestRate",
    "ZAPIER_MCP_URL": "ZapierMcpUrl",
    "REDIRECT_ORIGINS": "RedirectOrigins",
    "MCP_ORIGINS": "McpOrigins",
    "PORTAL_ORIGINS": "PortalOrigins",
    "ZAPIER_CLIENT_ID": "ZapierClientId",
    "CATALOG_SOURCE_URL": "CatalogSourceUrl",
    "CATALOG_REFRESH_RATE": "CatalogRefreshRate",
    "CORS_ORIGIN": "CorsOrigin",
    "TENANT_RATE": "TenantRate",
    "TENANT_BURST": "TenantBurst",
}

# Locally the emulator's own Python runs the functions and everything may be reached.
LOCAL_PARAMETERS = {
    "Stage": "local",
    "Runtime": f"python{sys.version_info.major}.{sys.version_info.minor}",
    "Architecture": "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "x86_64",
    "AllowPrivateTargets": "true",
    "AllowLoopbackTargets": "true",
    # Each batch in flight is a process here.
    "DispatchConcurrency": "5",
    "HealthConcurrency": "5",
    "ExecutionConcurrency": "5",
    # A test of a few hundred requests at once is no flood here.
    "TenantRate": "1000",
    "TenantBurst": "2000",
}


@dataclass(frozen=True)
class Home:
    """One local stack's folder: its state, logs and what it tells other programs."""

    folder: Path

    @property
    def env(self) -> Path:
        """`export KEY=VALUE` lines for the stack's users."""
        return self.folder / "env"

    @property
    def sam_env(self) -> Path:
        """The functions' variables for `sam local invoke`; `samconfig.toml` names it."""
        return self.folder / "sam-env.json"

    @property
    def pids(self) -> Path:
        """One `name pid` per line for what runs."""
        return self.folder / "pids"

    @property
    def port(self) -> Path:
        """The port of the last start, so that a restart keeps its address."""
        return self.folder / "port"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def state(self) -> Path:
        """What the emulator remembers between two starts."""
        return self.folder / "state"

    @property
    def layers(self) -> Path:
        """The layers of each deployment, which the functions share."""
        return self.folder / "layers"

    @property
    def scratch(self) -> Path:
        """The functions' unpacked code and their /tmp; worth nothing after a stop."""
        return self.folder / "tmp"


def chosen_parameters() -> dict[str, str]:
    """The template parameters that the make line sets; without private targets loopback is closed too, as in AWS."""
    chosen = {name: os.environ[variable] for variable, name in PARAMETERS.items() if os.environ.get(variable)}
    return chosen | ({"AllowLoopbackTargets": "false"} if chosen.get("AllowPrivateTargets") == "false" else {})


def chosen_port(home: Home) -> int:
    """The port of the make line, else the one used last, else the usual one. Raises Failure for what is no port."""
    wanted = os.environ.get("PORT", "")
    if not wanted:
        return last_port(home)
    if not (wanted.isascii() and wanted.isdigit() and _MIN_PORT <= int(wanted) <= _MAX_PORT):
        raise Failure(f"PORT={wanted} is no port: give a number from {_MIN_PORT} to {_MAX_PORT}, as in PORT=5000.")
    return int(wanted)


def last_port(home: Home) -> int:
    """The port that the stack uses, or used when it last ran."""
    return int(home.port.read_text()) if home.port.exists() else DEFAULT_PORT

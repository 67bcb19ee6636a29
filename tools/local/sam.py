"""Building `template.yaml` with the SAM CLI, deploying it to the emulator, and what samconfig.toml says."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools.local.console import Failure, run_logged, step
from tools.local.options import LOCAL_PARAMETERS, PROJECT, REGION, STACK

SAM = [sys.executable, "-m", "samcli"]
# SAM looks for it beside the template, and a built template stands elsewhere.
CONFIG = PROJECT / "samconfig.toml"
# Parameters that tell of a deployment and not of its settings: a new value is no reason to publish new versions.
_NO_SETTINGS = {"ServiceVersion", "AccountConcurrency", "DeletionProtection"}


@dataclass(frozen=True)
class Target:
    """What a build is for: the Lambda runtime and architecture, and where its results go."""

    runtime: str
    architecture: str
    folder: Path
    wheels: str = "lambda"
    bytecode: str = "optional"


def local_target() -> Target:
    """The machine itself: its own Python, architecture and wheels."""
    runtime, architecture = LOCAL_PARAMETERS["Runtime"], LOCAL_PARAMETERS["Architecture"]
    return Target(runtime, architecture, PROJECT / ".aws-sam" / f"local-{runtime}-{architecture}", wheels="native")


def container_target() -> Target:
    """What `sam local invoke` runs: the `default` environment of samconfig.toml, in SAM's own folder."""
    settings = parse_overrides(_config()["default"]["build"]["parameters"]["parameter_overrides"])
    return Target(settings["Runtime"], settings["Architecture"], PROJECT / ".aws-sam")


def build(target: Target, env: Mapping[str, str], log: Path) -> None:
    """Build layers and functions, reusing what has not changed."""
    command = [
        *SAM, "build", "--cached", "--parallel",
        "--template-file", str(PROJECT / "template.yaml"),
        "--build-dir", str(target.folder / "build"),
        "--cache-dir", str(target.folder / "cache"),
        # SAM wants an interpreter of the functions' runtime only to copy their one file; any will do.
        "--parameter-overrides", f"Runtime={LOCAL_PARAMETERS['Runtime']}",
    ]  # fmt: skip
    variables = {
        "RUNTIME": target.runtime,
        "ARCH": target.architecture,
        "WHEELS": target.wheels,
        "BYTECODE": target.bytecode,
        "PYTHON": sys.executable,
        "COMPILER": interpreter(target.runtime) or target.runtime,
    }
    with step("Building the functions and layers"):
        run_logged(command, log, environment(env) | variables, "The build failed")


def deploy(target: Target, parameters: dict[str, str], env: Mapping[str, str], log: Path) -> None:
    """Deploy what was built to the emulator."""
    command = [
        *SAM, "deploy",
        "--config-file", str(CONFIG),
        "--config-env", "local",
        "--template-file", str(target.folder / "build" / "template.yaml"),
        "--stack-name", STACK,
        "--region", REGION,
        "--parameter-overrides", *overrides(with_digest(defaults() | parameters)),
    ]  # fmt: skip
    with step("Deploying template.yaml"):
        run_logged(command, log, environment(env), "The deploy failed")


def stage_target(stage: str, runtime: str, architecture: str) -> Target:
    """The build of a stage for Lambda; `template_file` in samconfig.toml names the same folder."""
    folder = PROJECT / ".aws-sam" / f"{stage}-{runtime}-{architecture}"
    return Target(runtime, architecture, folder, bytecode="required" if stage == "prod" else "optional")


def stage_settings(stage: str) -> dict[str, Any]:
    """The deploy settings of one environment in samconfig.toml."""
    config = _config()
    if stage not in config or stage in {"version", "default", "local"}:
        raise Failure(f"STAGE={stage} is not an environment of samconfig.toml: use dev or prod.")
    return dict(config[stage]["deploy"]["parameters"])


def stage_account(stage: str) -> str:
    """The id of the AWS account that samconfig.toml says the stage is in; empty where it says none."""
    return str(_config()[stage]["make"]["parameters"]["account"])


def _config() -> dict[str, Any]:
    return tomllib.loads(CONFIG.read_text())


def parse_overrides(listed: object) -> dict[str, str]:
    """`["Key=value", …]` of samconfig.toml as a dictionary."""
    return dict(str(item).split("=", 1) for item in listed) if isinstance(listed, list) else {}


@cache
def defaults() -> dict[str, str]:
    """Every parameter of the template with its default.

    All of them go into every deployment: CloudFormation gives a parameter that is not sent the value it had before, and
    a default that has changed since would never arrive.
    """
    from samcli.yamlhelper import yaml_parse  # takes half a second, which most commands do not need

    parameters = yaml_parse((PROJECT / "template.yaml").read_text())["Parameters"]
    return {name: str(given["Default"]) for name, given in parameters.items()}


def with_digest(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters and `Settings`, another text whenever one of them or a default in the template is another."""
    settings = sorted((name, value) for name, value in parameters.items() if name not in _NO_SETTINGS)
    said = json.dumps([(PROJECT / "template.yaml").read_text(), settings])
    return {**parameters, "Settings": hashlib.sha256(said.encode()).hexdigest()[:16]}


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """Template parameters as SAM reads them: quoted, as values may hold spaces and quotes."""
    escaped = {name: value.replace('"', '\\"') for name, value in parameters.items()}
    return [f'{name}="{value}"' for name, value in escaped.items()]


def interpreter(runtime: str) -> str | None:
    """A Python of the runtime's own minor version, from PATH, uv or pyenv."""
    version = runtime.removeprefix("python")
    installed = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [sys.executable, shutil.which(runtime), _found_by_uv(version)]
    candidates += [str(path) for path in sorted(installed.glob(f"{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        asked = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip() == version:
            return candidate
    return None


def _found_by_uv(version: str) -> str | None:
    if not shutil.which("uv"):
        return None
    found = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def environment(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for SAM: this Python first on PATH, no telemetry, and nothing that would change what it builds.

    Variables of the make line reach every make below it (MAKEFLAGS), also those that build the layers, and win against
    the environment there; SAM reads settings of its own from SAM_….
    """
    kept = {name: value for name, value in env.items() if not name.startswith(("MAKE", "SAM_"))}
    kept = {name: value for name, value in kept.items() if name not in {"MFLAGS", "GNUMAKEFLAGS"}}
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    return kept | {"PATH": path, "SAM_CLI_TELEMETRY": "0"}

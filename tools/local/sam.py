"""Building and deploying `template.yaml` with the SAM CLI, for the emulator and for AWS alike."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from tools.local import stack, versions
from tools.local.console import Failure, run_logged, step
from tools.local.options import LOCAL_PARAMETERS, PROJECT, REGION, STACK

_SAM = [sys.executable, "-m", "samcli"]
# SAM looks for it beside the template, and a built template stands elsewhere.
_CONFIG = PROJECT / "samconfig.toml"


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
        *_SAM, "build", "--cached", "--parallel",
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
        run_logged(command, log, _with_tools(env) | variables, "The build failed")


def deploy(target: Target, parameters: Mapping[str, str], env: Mapping[str, str], log: Path) -> None:
    """Deploy what was built to the emulator."""
    command = [
        *_SAM, "deploy",
        "--config-file", str(_CONFIG),
        "--config-env", "local",
        "--template-file", str(target.folder / "build" / "template.yaml"),
        "--stack-name", STACK,
        "--region", REGION,
        "--parameter-overrides", *overrides(with_digest(parameters)),
    ]  # fmt: skip
    with step("Deploying template.yaml"):
        run_logged(command, log, _with_tools(env), "The deploy failed")


def deploy_to_aws(stage: str, parameters: dict[str, str]) -> None:
    """Build for Lambda, deploy to the account that the caller's AWS credentials belong to, and remove old versions.

    Raises Failure; versions are removed only after a deployment that succeeded.
    """
    settings = stage_settings(stage)
    merged = parse_overrides(settings.get("parameter_overrides", [])) | parameters
    runtime, architecture = merged.get("Runtime", "python3.13"), merged.get("Architecture", "arm64")
    if stage == "prod" and not interpreter(runtime):
        version = runtime.removeprefix("python")
        raise Failure(
            f"make deploy STAGE=prod ships bytecode, which only Python {version} can compile: "
            f"install it (uv python install {version}, pyenv install {version}, or your system's) and run it again."
        )
    folder = PROJECT / ".aws-sam" / f"{stage}-{runtime}-{architecture}"
    target = Target(runtime, architecture, folder, bytecode="required" if stage == "prod" else "optional")
    log = PROJECT / ".local" / "logs" / f"build-{stage}.log"
    build(target, os.environ, log)
    if not interpreter(runtime):
        print(f"  Warning: no Python of {runtime} here, so the layers ship without bytecode and start slower.")
    command = [
        *_SAM, "deploy",
        "--config-file", str(_CONFIG),
        "--config-env", stage,
        "--template-file", str(target.folder / "build" / "template.yaml"),
        "--parameter-overrides", *overrides(with_digest(merged)),
    ]  # fmt: skip
    if subprocess.call(command, cwd=PROJECT, env=_with_tools(os.environ)):
        raise Failure(f"The deploy to {stage} failed; SAM's answer is above.")
    _prune_versions(stage, str(settings["stack_name"]), str(settings["region"]))


def _prune_versions(stage: str, name: str, region: str) -> None:
    session: Any = boto3.Session(region_name=region)
    try:
        removed = versions.prune(session.client("cloudformation"), session.client("lambda"), name)
    except (BotoCoreError, ClientError) as error:
        raise Failure(f"{stage} is deployed, but old versions of its functions were not removed: {error}") from error
    print(f"  Removed {removed} old versions of functions")


def deploy_dashboard(stage: str) -> None:
    """Deploy dashboard.yaml beside a stage's stack, with that stack's outputs as its parameters."""
    settings = stage_settings(stage)
    name, region = str(settings["stack_name"]), str(settings["region"])
    session: Any = boto3.Session(region_name=region)
    known = {**stack.outputs(session.client("cloudformation"), name), "Stage": stage, "Stack": name}
    template = PROJECT / "dashboard.yaml"
    wanted = re.findall(r"^  (\w+): \{Type: String", template.read_text(), re.MULTILINE)
    command = [
        *_SAM, "deploy",
        "--template-file", str(template),
        "--stack-name", f"{name}-dashboard",
        "--region", region,
        "--no-fail-on-empty-changeset",
        "--parameter-overrides", *overrides({parameter: known[parameter] for parameter in wanted}),
    ]  # fmt: skip
    if subprocess.call(command, cwd=PROJECT, env=_with_tools(os.environ)):
        raise Failure(f"The dashboard of {stage} was not deployed; SAM's answer is above.")


def stage_settings(stage: str) -> dict[str, Any]:
    """The deploy settings of one environment in samconfig.toml."""
    config = _config()
    if stage not in config or stage in {"version", "default", "local"}:
        raise Failure(f"STAGE={stage} is not an environment of samconfig.toml: use dev or prod.")
    return dict(config[stage]["deploy"]["parameters"])


def _config() -> dict[str, Any]:
    return tomllib.loads(_CONFIG.read_text())


def parse_overrides(listed: object) -> dict[str, str]:
    """`["Key=value", …]` of samconfig.toml as a dictionary."""
    return dict(str(item).split("=", 1) for item in listed) if isinstance(listed, list) else {}


def with_digest(parameters: Mapping[str, str]) -> dict[str, str]:
    """The parameters and `Settings`, another text whenever one of them or a default in the template is another."""
    said = json.dumps([(PROJECT / "template.yaml").read_text(), sorted(parameters.items())])
    return {**parameters, "Settings": hashlib.sha256(said.encode()).hexdigest()[:16]}


def overrides(parameters: Mapping[str, str]) -> list[str]:
    """Template parameters as SAM reads them: quoted, as values may hold spaces."""
    return [f'{name}="{value}"' for name, value in parameters.items()]


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


def _with_tools(env: Mapping[str, str]) -> dict[str, str]:
    """The environment for SAM: this Python first on PATH, and no telemetry."""
    path = os.pathsep.join([str(Path(sys.executable).parent), env.get("PATH", os.defpath)])
    return dict(env) | {"PATH": path, "SAM_CLI_TELEMETRY": "0"}

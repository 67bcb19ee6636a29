"""What `sam local invoke` gives to functions: an environment file that leads to the local stack, and a way there.

`samconfig.toml` names the file. A container cannot reach the emulator's loopback address, so where it needs one
`tools.local.container_gateway` runs beside the emulator (docs/adr/0050-sam-local-invoke.md).
"""

import errno
import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import requests

from tools.local import emulator, layers, stack
from tools.local.options import DEFAULT_PORT, STACK, Home

_ENGINE_SECONDS = 5
_NETWORKS = ("bridge", "podman")  # the default one of Docker, and of podman
_DESKTOP = "Docker Desktop"  # its name for the machine, where containers reach the loopback address, is below
_DESKTOP_HOST = "host.docker.internal"
_IP_FREEBIND = 15  # Linux: podman's gateway address exists only while a container runs
# Nothing listens there in a container.
_NOWHERE = f"http://127.0.0.1:{DEFAULT_PORT}"


def write_placeholder(home: Home) -> None:
    """Where `make up` has not written the file yet: one with which functions say that it has to run."""
    if not home.sam_env.exists():
        _write(home, {"Parameters": {"AWS_ENDPOINT": _NOWHERE}})


def connect(home: Home, endpoint: str) -> None:
    """Let functions in containers use the running local stack: write the file, and open the way where it needs one."""
    port, gateway = int(endpoint.rpartition(":")[2]), _gateway()
    here = {"AWS_ENDPOINT": f"http://{gateway or _DESKTOP_HOST}:{port}"}
    _write(home, {name: variables | here for name, variables in _deployed(endpoint).items()})
    if gateway:
        _open(home, gateway, port)


def _write(home: Home, variables: Mapping[str, Mapping[str, str]]) -> None:
    """In SAM's form: variables by a function's logical id, or `Parameters` for all."""
    home.folder.mkdir(parents=True, exist_ok=True)
    home.sam_env.touch(mode=0o600)
    home.sam_env.write_text(json.dumps(variables, indent=2))


def _deployed(endpoint: str) -> dict[str, dict[str, str]]:
    """The variables of every deployed function, by logical id."""
    pages = stack.client("cloudformation", endpoint).get_paginator("list_stack_resources").paginate(StackName=STACK)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    names = {
        one["PhysicalResourceId"]: one["LogicalResourceId"]
        for one in resources
        if one["ResourceType"] == "AWS::Lambda::Function"
    }
    pages = stack.client("lambda", endpoint).get_paginator("list_functions").paginate()
    functions = [function for page in pages for function in page["Functions"]]
    return {
        names[one["FunctionName"]]: _without_layers(one["Environment"]["Variables"])
        for one in functions
        if one["FunctionName"] in names
    }


def _without_layers(variables: Mapping[str, str]) -> dict[str, str]:
    """SAM brings the layers into the container itself."""
    return {name: value for name, value in variables.items() if name != layers.VARIABLE}


def _gateway() -> str | None:
    """The address at which containers reach this machine; None without an engine, or where `_DESKTOP_HOST` does."""
    try:
        engine: Any = docker.from_env(timeout=_ENGINE_SECONDS)
        if sys.platform != "linux" or engine.info()["OperatingSystem"] == _DESKTOP:
            return None
        network = next(one for one in engine.networks.list() if one.name in _NETWORKS)
        gateway: str = network.attrs["IPAM"]["Config"][0]["Gateway"]
    except (docker.errors.DockerException, requests.RequestException, StopIteration, KeyError, IndexError):
        return None
    return gateway


def _open(home: Home, gateway: str, port: int) -> None:
    """Start the process that hands on what functions send, where none runs yet; it ends with the emulator."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        try:
            listener.bind((gateway, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return
            raise
        listener.listen()
        process = start_gateway(listener, port, emulator.process_id(home), home.logs / "container_gateway.log")
    with home.pids.open("a") as pids:
        pids.write(f"container_gateway {process.pid}\n")


def start_gateway(listener: socket.socket, port: int, watched: int | None, log: Path) -> subprocess.Popen[bytes]:
    """Start `tools.local.container_gateway` on a socket that listens."""
    command = [sys.executable, "-m", "tools.local.container_gateway", str(listener.fileno()), str(port), str(watched)]
    with log.open("w") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listener.fileno()],
            start_new_session=True,
        )

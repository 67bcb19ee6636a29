"""`sam local invoke` against the local stack: a function in Lambda's own image, with the emulator for AWS.

The emulator listens on the loopback address only, which a container cannot reach. While the function runs, its port is
also open on the container network's gateway address, which only containers of this machine can reach.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import docker

from tools.local import stack
from tools.local.console import Failure
from tools.local.options import STACK, Home

_NETWORKS = ("bridge", "podman")  # Docker's default and podman's
_IP_FREEBIND = 15  # Linux: the gateway's address exists only while a container runs


def invoke(home: Home, function: str, event: Path) -> int:
    """Run one function with one event and give sam's exit status. Raises Failure without a stack or an engine."""
    endpoint = stack.read_env(home).get("AWS_ENDPOINT_URL")
    if not endpoint:
        raise Failure("There is no local stack: start it with make up.")
    if not event.is_file():
        raise Failure(f"There is no event file {event}.")
    port = urlsplit(endpoint).port or 80
    gateway, image_is_there = _engine()
    variables = home.folder / "sam-env.json"
    variables.touch(mode=0o600)
    variables.write_text(
        json.dumps({"Parameters": _deployed(endpoint, function) | {"AWS_ENDPOINT": f"http://{gateway}:{port}"}})
    )
    with _reachable(gateway, port):
        command = [sys.executable, "-m", "samcli", "local", "invoke", function, "-e", str(event)]
        command += ["--env-vars", str(variables), *(["--skip-pull-image"] if image_is_there else [])]
        return subprocess.run(command, env=stack.local_environment(endpoint), check=False).returncode


def _deployed(endpoint: str, function: str) -> dict[str, str]:
    """The environment that the function has in the local stack."""
    try:
        found = stack.client("cloudformation", endpoint).describe_stack_resource(
            StackName=STACK, LogicalResourceId=function
        )
    except Exception as error:
        raise Failure(f"The local stack has no function {function}, or does not run: make up.") from error
    name = found["StackResourceDetail"]["PhysicalResourceId"]
    configuration: Any = stack.client("lambda", endpoint).get_function_configuration(FunctionName=name)
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    return variables


def _engine() -> tuple[str, bool]:
    """The gateway address of the container network, and whether Lambda's image is there already."""
    try:
        engine = docker.from_env()
        networks = {network.name: network for network in engine.networks.list()}
        network = next(networks[name] for name in _NETWORKS if name in networks)
        gateway: str = network.attrs["IPAM"]["Config"][0]["Gateway"]
        tags = [tag for image in engine.images.list() for tag in image.tags]
    except (docker.errors.DockerException, StopIteration, KeyError, IndexError) as error:
        raise Failure("No container engine answers: start Docker, or podman with DOCKER_HOST set.") from error
    return gateway, any("lambda/python:" in tag for tag in tags)


@contextmanager
def _reachable(address: str, port: int) -> Iterator[None]:
    """Hand on connections from `address` to the loopback address while the block runs."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_IP, _IP_FREEBIND, 1)
        listener.bind((address, port))
        listener.listen()
        threading.Thread(target=_hand_on, args=(listener, port), daemon=True).start()
        yield


def _hand_on(listener: socket.socket, port: int) -> None:
    while True:
        try:
            incoming, _ = listener.accept()
        except OSError:
            return  # the listener was closed
        outgoing = socket.create_connection(("127.0.0.1", port))
        for source, sink in ((incoming, outgoing), (outgoing, incoming)):
            threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        sink.close()

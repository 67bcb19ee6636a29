"""Hands on connections of functions in containers to the emulator, until the emulator ends.

`python -m tools.local.container_gateway <listening socket> <emulator's port> <emulator's process id>`; the socket is on
the container network's gateway address. Only containers in which SAM runs a function are let through: the emulator
executes code for those who may call it.
"""

import asyncio
import os
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import docker
import requests

_FUNCTIONS = {"label": "sam.cli.container.type=lambda"}
_ENGINE_SECONDS = 9  # functions wait ten for an answer
_TRIES = 4
_PAUSE_SECONDS = 0.5
# An address that was a function's is not asked for again for so long: on a busy machine the engine takes seconds to
# answer, and a function opens several connections.
_KNOWN_SECONDS = 5
_CHUNK = 65_536

_known_until: dict[str, float] = {}
"""Until when (`time.monotonic`) an address counts as a function's."""


async def serve(listener: socket.socket, port: int, emulator: int) -> None:
    """Hand on connections from `listener` to the loopback address until the process `emulator` ends."""

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await asyncio.to_thread(_is_function, writer.get_extra_info("peername")[0]):
            with suppress(OSError):
                await _hand_on(reader, writer, port)
        writer.close()

    server = await asyncio.start_server(accepted, sock=listener)
    asyncio.get_running_loop().add_reader(os.pidfd_open(emulator), os._exit, 0)
    await server.serve_forever()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    answers, requests = await asyncio.open_connection("127.0.0.1", port)
    await asyncio.gather(_copy(reader, requests), _copy(answers, writer))


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    finally:
        sink.close()


def _is_function(address: str) -> bool:
    """Whether a container of this address runs a function for SAM, or did within the last seconds.

    The engine is asked again before the answer is no: it may fail while another container is removed, and know a new
    one's address a moment later. A refusal is written down with what the engine said.
    """
    said = ""
    for attempt in range(_TRIES):
        time.sleep(_PAUSE_SECONDS if attempt else 0)
        if time.monotonic() < _known_until.get(address, 0):
            return True
        try:
            functions = _functions()
        except (docker.errors.DockerException, requests.RequestException) as error:
            said = f"the engine failed: {error}"
            continue
        _known_until.update(dict.fromkeys(functions, time.monotonic() + _KNOWN_SECONDS))
        if address in functions:
            return True
        said = f"SAM runs functions at {', '.join(sorted(functions)) or 'no address'}"
    sys.stdout.write(f"{address} was refused: {said}\n")
    sys.stdout.flush()
    return False


def _functions() -> set[str]:
    """The addresses of the functions that SAM runs now."""
    engine: Any = docker.from_env(timeout=_ENGINE_SECONDS)
    networks = [one["NetworkSettings"]["Networks"] for one in engine.api.containers(filters=_FUNCTIONS)]
    return {network["IPAddress"] for one in networks for network in one.values()}


if __name__ == "__main__":
    asyncio.run(serve(socket.socket(fileno=int(sys.argv[1])), int(sys.argv[2]), int(sys.argv[3])))

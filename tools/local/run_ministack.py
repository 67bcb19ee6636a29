"""Run MiniStack, and save its state every ten seconds; by itself it saves only when it is asked to end.

The emulator's own Python runs this file (`emulator.start`), so it imports nothing of the project. A save is a fork made
on the event loop, where no request is half done: the child has the state of one moment and writes it while the parent
goes on serving. Its files are written beside the state and moved into it when all of them are there; a move that was
cut short is completed at the next start. docs/adr/0048-launcher-of-the-emulator.md has the reasons.
"""

import asyncio
import hashlib
import logging
import os
import shutil
import signal
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app as emulator
from ministack.core import lambda_runtime, persistence
from ministack.services import cloudformation, sqs

_Receive = Callable[[], Awaitable[dict[str, Any]]]
_PERIOD_SECONDS = 10
_LONGEST_SAVE_SECONDS = 120
_STATE = Path(persistence.STATE_DIR)
_SAVED = _STATE / "saved"
_COMPLETE = _SAVED / "complete"


class Saver:
    """The emulator's ASGI application, whose state is saved after requests that may have changed it."""

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application
        self._changed = False
        self._child = 0
        self._forked_at = 0.0
        self._next: asyncio.TimerHandle | None = None

    async def __call__(self, scope: dict[str, Any], receive: _Receive, send: Any) -> None:
        if scope["type"] != "lifespan":
            self._changed = True
            await self._application(scope, receive, send)
            return

        async def receive_and_stop() -> dict[str, Any]:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                self._abandon()
            return message

        self._next = asyncio.get_running_loop().call_later(_PERIOD_SECONDS, self._tick)
        await self._application(scope, receive_and_stop, send)

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        self._next = loop.call_later(_PERIOD_SECONDS, self._tick)
        if self._saving(loop.time()) or not self._changed or _deploying():
            return
        self._changed = False
        self._forked_at = loop.time()
        with sqs._queues_lock:  # queue consumers take and delete messages in threads of their own
            self._child = os.fork()
        if not self._child:
            _save_and_exit()

    def _saving(self, now: float) -> bool:
        """Whether the last save still runs; one that failed, or hung and is killed, is made again."""
        if not self._child:
            return False
        ended, status = os.waitpid(self._child, os.WNOHANG)
        if ended:
            self._child = 0
            self._changed = self._changed or status != 0
        elif now - self._forked_at > _LONGEST_SAVE_SECONDS:
            os.kill(self._child, signal.SIGKILL)
        return not ended

    def _abandon(self) -> None:
        """Drop a save that runs, and make no more: the emulator, about to end, saves what is newer."""
        if self._next:
            self._next.cancel()
        if self._child:
            os.kill(self._child, signal.SIGKILL)
            os.waitpid(self._child, 0)
        shutil.rmtree(_SAVED, ignore_errors=True)


def _deploying() -> bool:
    """Whether a stack is half deployed: nobody could deploy to it after a start from such a state."""
    return any(stack["StackStatus"].endswith("_IN_PROGRESS") for stack in cloudformation._stacks.all_values())


def _save_and_exit() -> None:
    """What the child does. Nothing of the parent may go on in it, and the port closes when the parent dies."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        os.closerange(3, 4096)
        logging.disable(logging.INFO)
        shutil.rmtree(_SAVED, ignore_errors=True)
        persistence.STATE_DIR = str(_SAVED)
        persistence.save_all(emulator._build_persistence_save_dict())
        _COMPLETE.touch()
        complete_save()
    except BaseException:
        logging.exception("A save of the state failed")
        os._exit(1)
    os._exit(0)


def complete_save() -> None:
    """Move a save that is complete into the state; drop one that is not."""
    if _COMPLETE.exists():
        for file in _SAVED.glob("*.json"):
            file.replace(_STATE / file.name)
    shutil.rmtree(_SAVED, ignore_errors=True)


class SharedArchive(zipfile.ZipFile):
    """A layer or a function's code, unpacked once and linked to: unpacking 27 MB takes each new worker a second."""

    _unpacking = threading.Lock()

    def extractall(self, path: Any = None, members: Any = None, pwd: bytes | None = None) -> None:
        """Put a link to the unpacked archive in the place of `path`, an empty folder."""
        name = hashlib.sha256(Path(str(self.filename)).read_bytes()).hexdigest()
        unpacked = Path(tempfile.gettempdir()) / "unpacked" / name
        with self._unpacking:
            if not unpacked.exists():
                super().extractall(unpacked, members, pwd)
        Path(path).rmdir()
        Path(path).symlink_to(unpacked)


if __name__ == "__main__":
    # The child only copies, writes files and exits: it needs no lock that a thread of the parent may have held.
    warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
    complete_save()
    lambda_runtime.zipfile = SimpleNamespace(**(vars(zipfile) | {"ZipFile": SharedArchive}))
    emulator.app = Saver(emulator.app)
    emulator.main()

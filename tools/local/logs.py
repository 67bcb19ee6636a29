"""Following what the functions log, one short line each."""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import EndpointConnectionError

from tools.local.console import Failure
from tools.local.stack import client

_POLL_SECONDS = 1.0
_LOOK_BACK_MS = 5_000
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HISTORY_MS = 15 * 60_000
"""What `make logs` shows of the past."""

_LAMBDA_NOISE = ("START RequestId:", "END RequestId:", "REPORT RequestId:")
# Fields of a log line that its short form leaves out or shows in front.
_SHOWN_APART = {"level", "message", "timestamp", "service", "function", "cold_start"}


@dataclass(frozen=True)
class Shown:
    """Which lines are shown: of functions whose name has `function` in it, and from `level` on. Raises Failure."""

    function: str = ""
    level: str = "DEBUG"

    def __post_init__(self) -> None:
        if self._least() not in _LEVELS:
            raise Failure(f"LEVEL={self.level} is no level: use one of {', '.join(_LEVELS)}.")

    def has(self, function: str, level: str) -> bool:
        """Whether a line of this function and level is shown; one without a level always is."""
        enough = level not in _LEVELS or _LEVELS.index(level) >= _LEVELS.index(self._least())
        return enough and self.function.lower() in function.lower()

    def _least(self) -> str:
        return "WARNING" if self.level.upper() == "WARN" else self.level.upper()


_ALL = Shown()


def follow(endpoint: str, group: str, shown: Shown = _ALL, history_ms: int = _LOOK_BACK_MS) -> None:
    """Print what was logged in the last `history_ms` and from now on, until interrupted."""
    logs = client("logs", endpoint)
    since = int(time.time() * 1000) - history_ms
    seen: set[tuple[str, int, str]] = set()
    while True:
        try:
            fresh = [event for event in _events(logs, group, since) if _identity(event) not in seen]
        except EndpointConnectionError:
            raise Failure("The AWS emulator has stopped; details in .local/logs/emulator.log.") from None
        for event in fresh:
            line = short(event["message"], shown)
            if line:
                print(f"{datetime.fromtimestamp(event['timestamp'] / 1000):%H:%M:%S}  {line}", flush=True)  # noqa: DTZ006
        seen.update(map(_identity, fresh))
        since = max(since, int(time.time() * 1000) - _LOOK_BACK_MS)
        time.sleep(_POLL_SECONDS)


def short(message: str, shown: Shown) -> str:
    """One log event as a short line; empty for Lambda's own bookkeeping, and for what is not shown."""
    text = message.strip()
    if not text or text.startswith(_LAMBDA_NOISE):
        return ""
    try:
        fields = json.loads(text)
    except ValueError:
        return "" if shown.function else text
    if not isinstance(fields, dict) or "message" not in fields:
        return ""  # metrics in the embedded format
    function, level = str(fields.get("function", "")), str(fields.get("level", ""))
    if not shown.has(function, level):
        return ""
    rest = " ".join(f"{key}={value}" for key, value in fields.items() if key not in _SHOWN_APART)
    return f"{level:<7} {function} {fields['message']} {rest}".rstrip()


def _identity(event: dict[str, Any]) -> tuple[str, int, str]:
    """What tells events apart; the emulator gives them no id."""
    return event["logStreamName"], event["timestamp"], event["message"]


def _events(logs: Any, group: str, since: int) -> list[dict[str, Any]]:
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
    return [event for page in pages for event in page["events"]]

"""Event data as a publisher sends it: the seed's `workflow.executed` with the report of its steps, and values that
differ from event to event. Where compression is in play, a text of one letter would cost next to nothing."""

import json
import random
from typing import Any

_STEPS = ("Webhook", "Validate order", "Look up customer", "Create invoice", "Send e-mail", "Post to Slack", "Archive")
_STATES = ("success", "success", "success", "skipped", "error")


def payload(size: int, number: int) -> dict[str, Any]:
    """Data whose canonical JSON has `size` bytes at most, less what one more step would take; the same for a number."""
    chance = random.Random(number)
    data: dict[str, Any] = {
        "duration": chance.randrange(100, 90_000),
        "executionId": f"exec_{chance.getrandbits(96):024x}",
        "status": chance.choice(_STATES),
        "steps": [],
        "workflowId": f"wf_{chance.getrandbits(48):012x}",
    }
    while True:
        step = {
            "finishedAt": f"2026-11-22T{chance.randrange(24):02}:{chance.randrange(60):02}:{chance.randrange(60):02}Z",
            "id": f"{chance.getrandbits(64):016x}",
            "items": chance.randrange(1, 500),
            "name": chance.choice(_STEPS),
            "status": chance.choice(_STATES),
        }
        if _size({**data, "steps": [*data["steps"], step]}) > size:
            return data
        data["steps"].append(step)


def _size(data: dict[str, Any]) -> int:
    return len(json.dumps(data, separators=(",", ":")))

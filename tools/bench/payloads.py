"""Events as a publisher sends them. They differ from each other, because stored events are compressed."""

import random
from typing import Any

BATCH = 25  # events in one publish request
FILL = 10  # deliveries in one batch of the dispatcher

_STEPS = "Webhook Validate Deduplicate Customer Invoice Mail Post Archive".split()
_CHANCE = random.Random(1)


def drafts(event: str, count: int) -> list[dict[str, Any]]:
    """`count` events, each with the report of a workflow: 700 bytes of JSON."""
    return [{"event": event, "data": {"executionId": _id(), "steps": [*map(_step, _STEPS)]}} for _ in range(count)]


def _step(name: str) -> dict[str, Any]:
    return {"id": _id(), "name": name, "status": "success", "items": _CHANCE.randrange(500)}


def _id() -> str:
    return f"{_CHANCE.getrandbits(64):016x}"

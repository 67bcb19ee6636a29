"""Events as a publisher sends them. They differ from each other, because stored events are compressed."""

import random
from typing import Any

BATCH = 25  # events in one publish request
FILL = 10  # deliveries in one batch of the dispatcher

_STEPS = ("Webhook", "Validate order", "Look up customer", "Create invoice", "Send e-mail", "Archive")
_CHANCE = random.Random(1)


def drafts(event: str, count: int) -> list[dict[str, Any]]:
    """`count` events, each with the report of a workflow: 700 bytes of JSON."""
    return [{"event": event, "data": _report()} for _ in range(count)]


def _report() -> dict[str, Any]:
    times = [f"2026-11-22T{_CHANCE.randrange(24):02}:{_CHANCE.randrange(60):02}:00Z" for _ in _STEPS]
    steps = [
        {"finishedAt": time, "id": f"{_CHANCE.getrandbits(64):016x}", "items": _CHANCE.randrange(500), "name": name}
        for name, time in zip(_STEPS, times, strict=True)
    ]
    return {"executionId": f"exec_{_CHANCE.getrandbits(96):024x}", "status": "success", "steps": steps}

"""Cold start: CPU of init and first request, over that of the smallest function that reads one item."""

import statistics
from pathlib import Path

from tools.bench.figures import Figure
from tools.bench.runtime import Runtime, running
from tools.bench.service import Service
from tools.bench.tickets import batch

ROUNDS = 9
BARE = Path(__file__).parent / "handlers" / "get_item"

_READING = ("list_integrations", "get_integration", "list_webhooks", "get_webhook", "list_logs", "list_deliveries")
# Function -> must, stretch.
TARGETS: dict[str, tuple[float, float | None]] = {
    **dict.fromkeys(_READING, (1.0, 0.85)),
    "create_webhook": (1.0, 0.85),
    "authorize": (0.85, None),
    "execute_action": (1.2, None),
    "connect_integration": (1.2, None),
    "publish_events": (1.2, None),
    "dispatch_webhooks": (1.2, None),
    "search_available": (1.3, None),
}


def figures(service: Service, rounds: int = ROUNDS) -> list[Figure]:
    """Medians over fresh processes; in each round the baseline starts once before and once after the subjects."""
    bare: list[float] = []
    found: dict[str, list[float]] = {folder: [] for folder in TARGETS}
    for _ in range(rounds):
        bare.append(_bare(service))
        for folder, times in found.items():
            times.append(_subject(service, folder))
        bare.append(_bare(service))
    base = statistics.median(bare)
    note = f"bare handler: {base:.0f} ms of CPU here, over {len(bare)} starts"
    return [
        Figure(
            f"cold start of {folder}",
            statistics.median(times) / base,
            "x",
            TARGETS[folder][0],
            stretch=TARGETS[folder][1],
            note=note,
        )
        for folder, times in found.items()
    ]


def _bare(service: Service) -> float:
    with running([BARE], service.environment("list_integrations")) as function:
        return _first(function, {})


def _subject(service: Service, folder: str) -> float:
    event = batch(service, 1) if folder == "dispatch_webhooks" else service.first_request(folder)
    with running(service.folders(folder), service.environment(folder)) as function:
        return _first(function, event)


def _first(function: Runtime, event: dict[str, object]) -> float:
    succeeded(function.invoke(event))
    return function.cpu_ms()


def succeeded(answer: dict[str, object]) -> None:
    """Raises AssertionError for an answer that is no success: it would be cheaper than what is measured."""
    ends_well = answer.get("statusCode", 200) in range(200, 300) and not answer.get("batchItemFailures")
    assert ends_well, answer

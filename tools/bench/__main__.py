"""Run the benchmarks and print every figure beside its target: `python -m tools.bench [stack] [cost]`.

Without names it runs both suites and writes `bench/results/latest.json`. It ends with 0 when it ran: a figure that
misses its target says MISSED.
"""

import json
import os
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict

from tests.support.receiver import receiving
from tools.bench import agents, cost, delivery, endpoints, standing, storage
from tools.bench.figures import Figure
from tools.bench.service import deployed
from tools.local.options import PROJECT

_RESULTS = PROJECT / "bench" / "results" / "latest.json"


def on_the_stack() -> Iterator[Figure]:
    """What the functions do on a local stack, as SAM built them."""
    with receiving() as receiver, deployed(receiver) as service:
        yield from delivery.latency(service)
        yield from agents.figures(service)
        service.stop_consumers()
        yield from delivery.dispatch(service)
        yield from endpoints.figures(service)


def cost_of_events() -> Iterator[Figure]:
    """What events bill, counted on moto."""
    counts = storage.counted()
    yield from storage.figures(counts) + cost.figures(counts) + standing.figures()


_SUITES = {"stack": on_the_stack, "cost": cost_of_events}

if __name__ == "__main__":
    names = sys.argv[1:] or list(_SUITES)
    print(f"\n{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    figures = []
    for figure in (figure for name in names for figure in _SUITES[name]()):
        print(figure, flush=True)
        figures.append(figure)
    print(f"\n{len(figures)} figures, {sum(not figure.holds for figure in figures)} MISSED")
    if names == list(_SUITES):
        listed = [{**asdict(figure), "better": "lower"} for figure in figures]
        _RESULTS.parent.mkdir(parents=True, exist_ok=True)
        _RESULTS.write_text(json.dumps(listed, indent=2) + "\n")
        print(f"Written to {_RESULTS.relative_to(PROJECT)}")

"""Runs the benchmarks and prints every figure beside its target: `python -m tools.bench [storage cost cold warm …]`.

Without names it runs everything and writes `bench/results/latest.json`. It ends with 0 when it ran, whatever it found:
a figure that misses its target says MISSED.
"""

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from functools import cache

from tools.bench import billed, cold, cost, dispatch, machine, simulation, storage, warm
from tools.bench.figures import Figure, line, write
from tools.bench.receiver import receiving
from tools.bench.service import Service, deployed
from tools.local.options import PROJECT

_RESULTS = PROJECT / "bench" / "results" / "latest.json"
_NAMES = ("cold", "warm", "dispatch", "storage", "cost", "scale")


def main(names: Iterable[str]) -> int:
    """Runs the named suites in the order given."""
    print(f"\n{machine.described()}\n", flush=True)
    with ExitStack() as stack:

        @cache
        def service() -> Service:
            return stack.enter_context(deployed(stack.enter_context(receiving())))

        suites: dict[str, Callable[[], list[Figure]]] = {
            "cold": lambda: cold.figures(service()),
            "warm": lambda: warm.figures(service()),
            "dispatch": lambda: dispatch.figures(service()),
            "storage": lambda: storage.counted().figures,
            "cost": lambda: _cost(service()),
            "scale": simulation.figures,
        }
        found = [figure for name in names for figure in _printed(name, suites[name])]
    missed = sum(not figure.holds for figure in found)
    print(f"\n{len(found)} figures, {missed} MISSED", flush=True)
    if set(names) == set(_NAMES):
        write(found, _RESULTS)
        print(f"Written to {_RESULTS.relative_to(PROJECT)}")
    return 0


def _printed(name: str, suite: Callable[[], list[Figure]]) -> list[Figure]:
    print(f"{name}", flush=True)
    figures = suite()
    for figure in figures:
        print(line(figure), flush=True)
    return figures


def _cost(service: Service) -> list[Figure]:
    cpu, memory = billed.measured(service)
    given = cost.Assumptions(cpu=cpu)
    counts = storage.counted(many=100).costs
    figures, bills = cost.figures(counts, given)
    print("  CPU of a warm invocation, ms: " + ", ".join(f"{name} {ms:.1f}" for name, ms in vars(cpu).items()))
    print("  Resident MB: " + ", ".join(f"{folder} {mb:.0f}" for folder, mb in memory.items()))
    print("  Dollars per million, by what they are paid for (prices and assumptions: tools/bench/cost.py):")
    for bill in bills:
        print(bill.text())
    print("  Dollars that are due whatever is sent:")
    print(cost.standing(counts, cost.Prices(), given).text())
    print("  A million events in batches, if:")
    for name, total in cost.sensitivity(counts, given):
        print(f"  {name:<34} ${total:5.2f}")
    room = max(memory[folder] / cost.memory(folder) for folder in memory)
    return [*figures, Figure("memory in use over memory set, at most", room, "x", 0.7)]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.bench")
    parser.add_argument("suites", nargs="*", choices=[*_NAMES, []], help="all of them by default")
    sys.exit(main(tuple(parser.parse_args().suites) or _NAMES))

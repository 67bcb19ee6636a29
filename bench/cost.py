"""Dollars per million, from the counts of `storage` and stated prices. Every assumption is a field of `Assumptions`."""

from dataclasses import dataclass, replace

from bench.figures import Figure
from bench.storage import BATCH, FILL, PAYLOAD_BYTES, Costs

MILLION = 1_000_000
_GB = 10**9
_MONTH_DAYS = 30


@dataclass(frozen=True)
class Prices:
    """Dollars, us-east-1, on demand, without free tiers, as published on 2026-11-22."""

    rest_call: float = 3.50 / MILLION
    bus_event: float = 1.00 / MILLION
    write_unit: float = 0.625 / MILLION
    read_unit: float = 0.125 / MILLION
    stored_gb_month: float = 0.25
    backup_gb_month: float = 0.20  # point-in-time recovery
    sqs_request: float = 0.40 / MILLION
    fair_request: float = 0.10 / MILLION  # on top, for messages with a group
    lambda_request: float = 0.20 / MILLION
    lambda_gb_second: float = 0.0000133334  # arm64
    vcpu_mb: float = 1769  # memory that brings one vCPU
    log_gb: float = 0.50
    egress_gb: float = 0.09


@dataclass(frozen=True)
class Assumptions:
    """What the bill depends on besides the counts. Times in ms, sizes in bytes.

    `cpu_*` are CPU per invocation (for `dispatch`: fixed, and per delivery) on one vCPU; `aws_call` is the time that a
    call of AWS takes, during which a function waits and is billed.
    """

    fill: int = FILL
    receiver_latency: float = 200
    retention_days: int = 30
    dispatch_mb: int = 1024
    function_mb: int = 512
    cpu_publish: float = 3.0
    cpu_publish_event: float = 1.0
    cpu_dispatch: float = 5.0
    cpu_dispatch_delivery: float = 3.2  # with `cpu_dispatch`, 3.7 ms in a batch of 10, as `bench.dispatch` found
    cpu_call: float = 5.0
    aws_call: float = 5.0
    log_bytes_invocation: int = 900
    egress_bytes: int = PAYLOAD_BYTES + 700
    stored_bytes: int = PAYLOAD_BYTES + 350 + 700  # the event's row and the delivery's


@dataclass(frozen=True)
class Cost:
    """Dollars per million of something, by what they are paid for."""

    name: str
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """The sum."""
        return sum(self.parts.values())

    def text(self) -> str:
        """The bill in one line, dearest first."""
        listed = sorted(self.parts.items(), key=lambda part: -part[1])
        return f"  {self.name:<34} ${self.total:5.2f}   " + ", ".join(f"{name} {cost:.2f}" for name, cost in listed)


def costs(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, Cost]:
    """The bill for a million of each kind of use."""
    delivered = _delivered(counts, prices, given)
    return {
        "batch": Cost("events in batches of 25", _sum(_published(counts, prices, given, BATCH), delivered)),
        "bus": Cost("events over the bus", _sum(_over_the_bus(counts, prices, given), delivered)),
        "single": Cost("events one by one", _sum(_published(counts, prices, given, 1), delivered)),
        "call": Cost("calls of the API", _call(counts, prices, given)),
        "health": Cost("health tests", _health(counts, prices, given)),
    }


def figures(counts: Costs, given: Assumptions | None = None) -> tuple[list[Figure], list[Cost]]:
    """The bills, and those with a target as figures."""
    found = costs(counts, Prices(), given or Assumptions())
    targets = {"batch": 2.60, "bus": 4.20, "single": 6.80}
    return [
        Figure(f"a million {found[name].name}", found[name].total, "$", target, stretch=round(target * 0.8, 2))
        for name, target in targets.items()
    ], list(found.values())


def _published(counts: Costs, prices: Prices, given: Assumptions, events: int) -> dict[str, float]:
    bill = counts.single if events == 1 else counts.batch
    cpu = given.cpu_publish + given.cpu_publish_event * events
    waits = _round_trips(events) * given.aws_call
    per_event = {
        "api": prices.rest_call,
        "dynamodb": bill.writes * prices.write_unit + bill.reads * prices.read_unit,
        "sqs": bill.sqs * (prices.sqs_request + prices.fair_request),
        "lambda": _invocation(cpu, waits, given.function_mb, prices),
        "logs": given.log_bytes_invocation / _GB * prices.log_gb,
    }
    return _per_million(per_event, events)


def _over_the_bus(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    bill = counts.bus
    cpu = given.cpu_publish + given.cpu_publish_event * FILL
    per_batch = {
        "bus": FILL * prices.bus_event,
        "dynamodb": bill.writes * prices.write_unit + bill.reads * prices.read_unit,
        # The bus puts each event into its queue by itself; a batch is one receive and one delete.
        "sqs": (FILL + 2) * prices.sqs_request + bill.sqs * (prices.sqs_request + prices.fair_request),
        "lambda": _invocation(cpu, _round_trips(FILL) * given.aws_call, given.function_mb, prices),
        "logs": given.log_bytes_invocation / _GB * prices.log_gb,
    }
    return _per_million(per_batch, FILL)


def _delivered(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    counters = counts.dispatch.writes - 2 * FILL
    writes = 2 * given.fill + counters
    cpu = given.cpu_dispatch + given.cpu_dispatch_delivery * given.fill
    per_batch = {
        "dynamodb": writes * prices.write_unit + counts.dispatch.reads * prices.read_unit,
        "sqs": 2 * (prices.sqs_request + prices.fair_request),
        "lambda": _invocation(cpu, given.receiver_latency + 3 * given.aws_call, given.dispatch_mb, prices),
        "logs": given.log_bytes_invocation / _GB * prices.log_gb,
        "egress": given.fill * given.egress_bytes / _GB * prices.egress_gb,
        "storage": given.fill * _stored(given, prices),
    }
    return _per_million(per_batch, given.fill)


def _call(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    return _per_million(
        {
            "api": prices.rest_call,
            "dynamodb": counts.call.reads * prices.read_unit,
            "lambda": _invocation(given.cpu_call, 2 * given.aws_call, given.function_mb, prices),
            "logs": given.log_bytes_invocation / _GB * prices.log_gb,
        },
        1,
    )


def _health(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    return _per_million(
        {
            "dynamodb": counts.health.writes * prices.write_unit + counts.health.reads * prices.read_unit,
            "sqs": 3 * prices.sqs_request,
            "lambda": _invocation(
                given.cpu_call, given.receiver_latency + 2 * given.aws_call, given.function_mb, prices
            ),
            "logs": given.log_bytes_invocation / _GB * prices.log_gb,
        },
        1,
    )


def _round_trips(events: int) -> int:
    """Waits of a publish: webhooks, events one after the other, and the queue (its batches go at once)."""
    return 2 + events


def _invocation(cpu: float, waits: float, memory_mb: int, prices: Prices) -> float:
    share = min(1.0, memory_mb / prices.vcpu_mb)
    seconds = (cpu / share + waits) / 1000
    return prices.lambda_request + seconds * memory_mb / 1024 * prices.lambda_gb_second


def _stored(given: Assumptions, prices: Prices) -> float:
    gb_months = given.stored_bytes / _GB * given.retention_days / _MONTH_DAYS
    return gb_months * (prices.stored_gb_month + prices.backup_gb_month)


def _per_million(parts: dict[str, float], units: int) -> dict[str, float]:
    return {name: cost / units * MILLION for name, cost in parts.items()}


def _sum(*bills: dict[str, float]) -> dict[str, float]:
    names = dict.fromkeys(name for bill in bills for name in bill)
    return {name: sum(bill.get(name, 0.0) for bill in bills) for name in names}


def sensitivity(counts: Costs) -> list[tuple[str, float]]:
    """What moves the bill of a million events in batches: each lever alone, and the total with it."""
    given = Assumptions()
    levers = {
        "as it is": given,
        "batches half full": replace(given, fill=5),
        "one message per invocation": replace(given, fill=1),
        "receivers take 1 s": replace(given, receiver_latency=1000),
        "kept 7 days": replace(given, retention_days=7),
        "dispatcher with 512 MB": replace(given, dispatch_mb=512),
    }
    return [(name, costs(counts, Prices(), case)["batch"].total) for name, case in levers.items()]

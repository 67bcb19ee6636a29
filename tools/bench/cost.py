"""Dollars of a million delivered events, from the counts of `storage`, CPU times and stated prices."""

from dataclasses import dataclass, field

from tests.support.template import functions, template
from tools.bench.figures import Figure
from tools.bench.meter import Bill
from tools.bench.payloads import BATCH, FILL
from tools.bench.storage import Counts

MILLION, _GB = 1_000_000, 10**9


@dataclass(frozen=True)
class Prices:
    """Dollars, us-east-1, on demand, without free tiers, as published on the services' pricing pages on 2026-11-22."""

    rest_call: float = 3.50 / MILLION
    write_unit: float = 0.625 / MILLION
    read_unit: float = 0.125 / MILLION
    stored_gb_month: float = 0.25
    sqs_request: float = 0.50 / MILLION  # standard queue and fair queue
    lambda_request: float = 0.20 / MILLION
    lambda_gb_second: float = 0.0000133334  # arm64
    vcpu_mb: float = 1769  # memory that brings one vCPU ("Configure Lambda function memory")
    log_gb: float = 0.50
    egress_gb: float = 0.09


@dataclass(frozen=True)
class Assumptions:
    """What else the bill depends on; events are kept for 30 days. Times in ms, sizes in bytes."""

    receiver_latency: float = 200
    aws_call: float = 5.0  # a function waits for it and is billed
    months: float = 1.0  # that events and deliveries are kept
    wire: int = 150  # what TLS and TCP add to the request of a delivery
    logged: int = 600  # an invocation's line of log and of metrics
    # CPU of a warm publish request by its number of events, and of a batch of FILL deliveries, as `make bench` measured
    # them on 2026-11-26. Lambda is a twentieth of the bill.
    publish_cpu: dict[int, float] = field(default_factory=lambda: {1: 3.7, BATCH: 8.9})
    dispatch_cpu: float = 5.9


def bill(counts: Counts, given: Assumptions, prices: Prices | None = None) -> dict[str, float]:
    """The dollars of a million delivered events, by what they are paid for."""
    prices = prices or Prices()
    cpu = given.publish_cpu[counts.events]
    publishing = {
        "API Gateway": prices.rest_call,
        "SQS": counts.publish.sqs * prices.sqs_request,
        **_invocation("publish_events", counts.publish, cpu, 3 * given.aws_call, given, prices),
    }
    waits = given.receiver_latency + 3 * given.aws_call  # for claims, the slowest receiver, results and counters
    delivering = {
        "SQS": 2 * prices.sqs_request,
        "egress": FILL * (counts.egress + given.wire) / _GB * prices.egress_gb,
        **_invocation("dispatch_webhooks", counts.dispatch, given.dispatch_cpu, waits, given, prices),
    }
    return {
        part: MILLION * (publishing.get(part, 0) / counts.events + delivering.get(part, 0) / FILL)
        for part in {**publishing, **delivering}
    }


def _invocation(
    folder: str, counted: Bill, cpu: float, waits: float, given: Assumptions, prices: Prices
) -> dict[str, float]:
    mb = int(functions()[folder].get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))
    seconds = (cpu / min(1.0, mb / prices.vcpu_mb) + waits) / 1000
    return {
        "DynamoDB": counted.writes * prices.write_unit + counted.reads * prices.read_unit,
        "Lambda": prices.lambda_request + seconds * mb / 1024 * prices.lambda_gb_second,
        "logs": given.logged / _GB * prices.log_gb,
        "storage": counted.stored / _GB * given.months * prices.stored_gb_month,
    }


def figures(counts: dict[str, Counts]) -> list[Figure]:
    """A million events in each way, with the parts of the bill, dearest first."""
    targets = {f"in batches of {BATCH}": 2.50, "one by one": 7.40}
    bills = {name: bill(each, Assumptions()) for name, each in counts.items()}
    return [
        Figure(f"a million events {name}", sum(parts.values()), "$", targets.get(name), _listed(parts))
        for name, parts in bills.items()
    ]


def _listed(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {dollars:.2f}" for name, dollars in sorted(parts.items(), key=lambda part: -part[1]))

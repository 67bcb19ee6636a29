"""Dollars of a million delivered events, from the counts of `storage`, CPU times and stated prices."""

from dataclasses import dataclass, field

from tests.support.template import functions, template
from tools.bench.figures import Figure
from tools.bench.meter import Bill
from tools.bench.payloads import BATCH, FILL
from tools.bench.storage import Counts

MILLION, GB = 1_000_000, 10**9


@dataclass(frozen=True)
class Assumptions:
    """What the bill depends on besides the counts. Times in ms, sizes in bytes.

    Prices are dollars, us-east-1, on demand, without free tiers, as published on the services' pages on 2026-11-22. CPU
    is that of a warm publish request by its number of events, and of a batch of FILL deliveries, as measured on
    2026-11-26 (Lambda is a twentieth of the bill); `logged` is what an invocation writes to its log.
    """

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
    receiver_latency: float = 200
    aws_call: float = 5.0  # a function waits for it and is billed
    limit_writes: float = 0.1  # of a request, for the tenant's request limit, where a container gets ten a second
    months: float = 1.0  # that events and deliveries are kept
    wire: int = 150  # what TLS and TCP add to the request of a delivery
    logged: dict[str, int] = field(default_factory=lambda: {"publish_events": 485, "dispatch_webhooks": 625})
    publish_cpu: dict[int, float] = field(default_factory=lambda: {1: 3.7, BATCH: 8.9})
    dispatch_cpu: float = 5.9


def bill(counts: Counts, given: Assumptions) -> dict[str, float]:
    """The dollars of a million delivered events, by what they are paid for."""
    publishing = {"API Gateway": given.rest_call, "SQS": counts.publish.sqs * given.sqs_request}
    publishing |= {"request limit": given.limit_writes * given.write_unit}
    cpu = given.publish_cpu[counts.events]
    publishing |= _invocation("publish_events", counts.publish, cpu, 3 * given.aws_call, given)
    egress = FILL * (counts.egress + given.wire) / GB * given.egress_gb
    delivering = {"SQS": 2 * given.sqs_request, "egress": egress}
    waits = given.receiver_latency + 3 * given.aws_call  # for claims, the slowest receiver, results and counters
    delivering |= _invocation("dispatch_webhooks", counts.dispatch, given.dispatch_cpu, waits, given)
    return {
        part: MILLION * (publishing.get(part, 0) / counts.events + delivering.get(part, 0) / FILL)
        for part in publishing | delivering
    }


def _invocation(folder: str, counted: Bill, cpu: float, waits: float, given: Assumptions) -> dict[str, float]:
    mb = int(functions()[folder].get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))
    seconds = (cpu / min(1.0, mb / given.vcpu_mb) + waits) / 1000
    return {
        "DynamoDB": counted.writes * given.write_unit + counted.reads * given.read_unit,
        "Lambda": given.lambda_request + seconds * mb / 1024 * given.lambda_gb_second,
        "logs": given.logged[folder] / GB * given.log_gb,
        "storage": counted.stored / GB * given.months * given.stored_gb_month,
    }


def figures(counts: dict[str, Counts]) -> list[Figure]:
    """A million events in each way, with the parts of the bill, dearest first."""
    targets, found = {f"in batches of {BATCH}": 2.50, "one by one": 7.50}, []
    for name, each in counts.items():
        parts = sorted(bill(each, Assumptions()).items(), key=lambda part: -part[1])
        note = ", ".join(f"{part} {dollars:.2f}" for part, dollars in parts)
        found.append(Figure(f"a million events {name}", sum(dict(parts).values()), "$", targets.get(name), note))
    return found

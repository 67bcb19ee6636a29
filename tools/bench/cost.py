"""Dollars per million, from the counts of `storage` and stated prices. Every assumption is a field of `Assumptions`."""

from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.template import functions, resources, template
from tools.bench.billed import Cpu
from tools.bench.figures import Figure
from tools.bench.meter import Bill
from tools.bench.sizes import BATCH, FILL
from tools.bench.storage import Costs

MILLION = 1_000_000
_GB = 10**9
_MONTH_DAYS = 30
_MONTH_HOURS = 730


@dataclass(frozen=True)
class Prices:
    """Dollars, us-east-1, on demand, without free tiers or volume discounts, as published on 2026-11-22.

    By the pricing pages of the services: "Amazon API Gateway pricing" (REST), "Amazon EventBridge pricing" (custom
    events), "Amazon DynamoDB pricing for On-Demand Capacity", "Amazon SQS pricing" (standard queues, fair queues: the
    surcharge is taken for every request, receives and deletes too), "AWS Lambda pricing" (arm64), "Amazon CloudWatch
    pricing" (ingested logs, standard class; alarms), "AWS Key Management Service pricing", "AWS Secrets Manager
    pricing", "Amazon EventBridge pricing" (Scheduler), "Amazon EC2 On-Demand pricing" (data transfer out).
    """

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
    vcpu_mb: float = 1769  # memory that brings one vCPU ("Configure Lambda function memory")
    log_gb: float = 0.50
    alarm_month: float = 0.10
    key_month: float = 1.00
    secret_month: float = 0.40
    scheduled: float = 1.00 / MILLION
    egress_gb: float = 0.09


def memory(folder: str) -> int:
    """Megabytes that template.yaml gives a function."""
    everywhere = template()["Globals"]["Function"]["MemorySize"]
    return int(functions()[folder].get("MemorySize", everywhere))


def _backed_up() -> bool:
    """Whether the history is backed up where nobody says otherwise."""
    return bool(template()["Parameters"].get("HistoryBackup", {}).get("Default", "true") == "true")


def _system_log_bytes() -> int:
    """Lambda's own lines about an invocation (platform.start and platform.report), unless only warnings are logged."""
    config: dict[str, Any] = template()["Globals"]["Function"]["LoggingConfig"]
    return 0 if config.get("SystemLogLevel") == "WARN" else 500


@dataclass(frozen=True)
class Assumptions:
    """What the bill depends on besides what was counted. Times in ms, sizes in bytes.

    Memory, backup and Lambda's own log lines are those of template.yaml. `aws_call` is the time that a call of AWS
    takes, during which a function waits and is billed. `wire` is what TLS records and three TCP segments add to the
    request of a delivery. An event source mapping polls an empty queue `polls_an_hour`: five requests at once, each of
    20 s ("Using Lambda with Amazon SQS": five concurrent batches, long polling).
    """

    fill: int = FILL
    receiver_latency: float = 200
    retention_days: int = 30
    dispatch_mb: int = field(default_factory=lambda: memory("dispatch_webhooks"))
    publish_mb: int = field(default_factory=lambda: memory("publish_events"))
    receive_mb: int = field(default_factory=lambda: memory("receive_events"))
    function_mb: int = field(default_factory=lambda: memory("list_integrations"))
    backup: bool = field(default_factory=_backed_up)
    system_log_bytes: int = field(default_factory=_system_log_bytes)
    aws_call: float = 5.0
    wire: int = 150
    polls_an_hour: int = 5 * 180
    cpu: Cpu = field(default_factory=Cpu)


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
    delivered = _delivered(counts.dispatch, counts.egress, prices, given)
    carried = _carried(counts, prices, given)
    return {
        "batch": Cost("events in batches of 25", _sum(_published(counts, prices, given, BATCH), delivered)),
        "bus": Cost("events over the bus", _sum(_over_the_bus(counts, prices, given), delivered)),
        "single": Cost("events one by one", _sum(_published(counts, prices, given, 1), carried)),
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
    cpu = given.cpu.publish_one if events == 1 else given.cpu.publish_batch
    per_call = {
        "api": prices.rest_call,
        "dynamodb": _units(bill, prices),
        "sqs": bill.sqs * (prices.sqs_request + prices.fair_request),
        # It waits for the webhooks, the events' item if it keeps one, and the queue, one after the other.
        "lambda": _invocation(cpu, (2 + bool(bill.writes)) * given.aws_call, given.publish_mb, prices),
        "logs": _logs(bill, given, prices),
        "storage": _stored(bill, given, prices),
    }
    return _per_million(per_call, events)


def _over_the_bus(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    bill = counts.bus
    per_batch = {
        "bus": FILL * prices.bus_event,
        "dynamodb": _units(bill, prices),
        # The bus puts each event into its queue by itself; a batch is one receive and one delete.
        "sqs": (FILL + 2) * prices.sqs_request + bill.sqs * (prices.sqs_request + prices.fair_request),
        "lambda": _invocation(given.cpu.receive, 3 * given.aws_call, given.receive_mb, prices),
        "logs": _logs(bill, given, prices),
        "storage": _stored(bill, given, prices),
    }
    return _per_million(per_batch, FILL)


def _carried(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    """Delivering events that their messages alone kept so far: the dispatcher keeps them first."""
    extra = given.cpu.dispatch_singles - given.cpu.dispatch
    return _delivered(counts.dispatch_of_singles, counts.egress, prices, given, extra, 1)


def _delivered(
    bill: Bill, egress: float, prices: Prices, given: Assumptions, extra_cpu: float = 0, extra_calls: int = 0
) -> dict[str, float]:
    each = (given.cpu.dispatch - given.cpu.dispatch_one) / (FILL - 1)
    cpu = given.cpu.dispatch_one + each * (given.fill - 1) + extra_cpu
    kept = bill.writes - 2 * FILL - 1
    writes = 2 * given.fill + max(min(kept, 1), kept * given.fill / FILL) + 1
    # It waits for the events' item if it keeps one, the claims, the slowest receiver, the results and the counters.
    waits = given.receiver_latency + (3 + extra_calls) * given.aws_call
    per_batch = {
        "dynamodb": writes * prices.write_unit + bill.reads * prices.read_unit,
        "sqs": 2 * (prices.sqs_request + prices.fair_request),
        "lambda": _invocation(cpu, waits, given.dispatch_mb, prices),
        "logs": _logs(bill, given, prices),
        "egress": given.fill * (egress + given.wire) / _GB * prices.egress_gb,
        "storage": _stored(bill, given, prices) * given.fill / FILL,
    }
    return _per_million(per_batch, given.fill)


def _call(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    return _per_million(
        {
            "api": prices.rest_call,
            "dynamodb": _units(counts.call, prices),
            "lambda": _invocation(given.cpu.call, 2 * given.aws_call, given.function_mb, prices),
            "logs": _logs(counts.call, given, prices),
        },
        1,
    )


def _health(counts: Costs, prices: Prices, given: Assumptions) -> dict[str, float]:
    waits = given.receiver_latency + 2 * given.aws_call
    return _per_million(
        {
            "dynamodb": _units(counts.health, prices),
            "sqs": 3 * prices.sqs_request,
            "lambda": _invocation(given.cpu.health, waits, given.function_mb, prices),
            "logs": _logs(counts.health, given, prices),
        },
        1,
    )


def _units(bill: Bill, prices: Prices) -> float:
    return bill.writes * prices.write_unit + bill.reads * prices.read_unit


def _logs(bill: Bill, given: Assumptions, prices: Prices) -> float:
    return (bill.logged + given.system_log_bytes) / _GB * prices.log_gb


def _stored(bill: Bill, given: Assumptions, prices: Prices) -> float:
    gb_months = bill.stored / _GB * given.retention_days / _MONTH_DAYS
    return gb_months * (prices.stored_gb_month + (prices.backup_gb_month if given.backup else 0))


def _invocation(cpu: float, waits: float, memory_mb: int, prices: Prices) -> float:
    share = min(1.0, memory_mb / prices.vcpu_mb)
    seconds = (cpu / share + waits) / 1000
    return prices.lambda_request + seconds * memory_mb / 1024 * prices.lambda_gb_second


def _per_million(parts: dict[str, float], units: int) -> dict[str, float]:
    return {name: cost / units * MILLION for name, cost in parts.items()}


def _sum(*bills: dict[str, float]) -> dict[str, float]:
    names = dict.fromkeys(name for bill in bills for name in bill)
    return {name: sum(bill.get(name, 0.0) for bill in bills) for name in names}


def standing(counts: Costs, prices: Prices, given: Assumptions) -> Cost:
    """Dollars for a month in which nothing happens: what stands there, what polls, and what looks every minute."""
    queues = sum(
        event["Type"] == "SQS" for properties in functions().values() for event in properties.get("Events", {}).values()
    )
    sweep = _units(counts.sweep, prices) + _logs(counts.sweep, given, prices) + prices.scheduled
    sweep += _invocation(given.cpu.call, given.aws_call, given.function_mb, prices)
    return Cost(
        "a month in which nothing happens",
        {
            "alarms": len(resources("AWS::CloudWatch::Alarm")) * prices.alarm_month,
            "sqs": queues * given.polls_an_hour * _MONTH_HOURS * prices.sqs_request,
            "kms": len(resources("AWS::KMS::Key")) * prices.key_month,
            "secrets": len(resources("AWS::SecretsManager::Secret")) * prices.secret_month,
            "sweeps": 60 * _MONTH_HOURS * sweep,
        },
    )


def sensitivity(counts: Costs, given: Assumptions) -> list[tuple[str, float]]:
    """What moves the bill of a million events in batches: each lever alone, and the total with it."""
    levers = {
        "as it is": given,
        "batches half full": replace(given, fill=5),
        "one message per invocation": replace(given, fill=1),
        "receivers take 1 s": replace(given, receiver_latency=1000),
        "kept 7 days": replace(given, retention_days=7),
        "history backed up" if not given.backup else "history not backed up": replace(given, backup=not given.backup),
        **{f"dispatcher with {mb} MB": replace(given, dispatch_mb=mb) for mb in (256, 512, 1024)},
    }
    return [(name, costs(counts, Prices(), case)["batch"].total) for name, case in levers.items()]

"""Dollars of a month without traffic, by what they are paid for, from template.yaml and stated prices."""

from typing import Any

from jobsprint.repositories.audit_chain import SHARDS
from jobsprint.repositories.delivery_items import DUE_SHARDS
from jobsprint.repositories.integration_items import HEALTH_SHARDS
from tests.support.template import functions, resources, template
from tools.bench.cost import Assumptions
from tools.bench.figures import Figure

# us-east-1, a month, without free tiers.
_ALARM, _KEY, _SECRET, METRIC = 0.10, 1.00, 0.40, 0.30
METRICS_OF_A_METHOD = 5  # Count, Latency, IntegrationLatency, 4XXError, 5XXError
_MINUTES = 730 * 60
# An event source polls an empty queue by five requests at a time, 20 s each ("Using Lambda with Amazon SQS").
_POLLS_A_MINUTE = 15
_HEALTH_RUNS = 730 * 4  # HealthTestRate
_SECONDS = 0.05  # that a function without work takes


def alarmed_metrics() -> int:
    """How many metrics the alarms watch: CloudWatch bills an alarm for each."""
    return sum(
        sum("MetricStat" in query for query in alarm.get("Metrics", [])) or 1
        for alarm in resources("AWS::CloudWatch::Alarm").values()
    )


def standing() -> dict[str, float]:
    """The bill of an idle stage with default parameters, dearest first."""
    prices = Assumptions()
    queues = sum(event["Type"] == "SQS" for event in _events())
    sweeps = _MINUTES * (_invocation("sweep_deliveries", prices) + DUE_SHARDS / 2 * prices.read_unit)
    seals = _MINUTES * (_invocation("seal_audit", prices) + SHARDS / 2 * prices.read_unit)
    tests = _HEALTH_RUNS * HEALTH_SHARDS * (_invocation("check_health", prices) + 3 * prices.sqs_request)
    parts = {
        "alarms": alarmed_metrics() * _ALARM,
        "polling of empty queues": queues * _POLLS_A_MINUTE * _MINUTES * prices.sqs_request,
        "the keys": len(resources("AWS::KMS::Key")) * _KEY,
        "the secret": len(resources("AWS::SecretsManager::Secret")) * _SECRET,
        "the sweeper": sweeps,
        "the sealer": seals,
        "health tests of nothing": tests,
    }
    return dict(sorted(parts.items(), key=lambda part: -part[1]))


def method_metrics() -> float:
    """What a month of API Gateway's metrics for each method and preflight would cost; MethodSettings turn them off."""
    paths = [event["Properties"]["Path"] for event in _events() if event["Type"] == "Api"]
    return (len(paths) + len(set(paths))) * METRICS_OF_A_METHOD * METRIC


def _events() -> list[dict[str, Any]]:
    return [event for function in functions().values() for event in function.get("Events", {}).values()]


def _invocation(folder: str, prices: Assumptions) -> float:
    mb = int(functions()[folder].get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))
    return prices.lambda_request + _SECONDS * mb / 1024 * prices.lambda_gb_second


def figures() -> list[Figure]:
    """The bill of an idle stage, with its parts."""
    parts = standing()
    note = ", ".join(f"{part} {dollars:.2f}" for part, dollars in parts.items())
    return [Figure("a month without traffic", sum(parts.values()), "$", None, note)]

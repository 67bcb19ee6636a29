"""The alarms: each has a severity and its topic, watches what means something, and has its row in the runbook."""

import re
from typing import Any

import pytest

from tests.architecture.test_dashboard import OURS, written_metrics
from tests.support.template import ROOT, functions, resources, template

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text("utf-8")
ALARMS = resources("AWS::CloudWatch::Alarm")
TOPICS = {"critical": "AlarmTopic", "warning": "WarningTopic"}
# Queues whose messages are delayed on purpose: the age of the oldest says nothing there.
DELAYED = {"DeliveryQueue", "ExecutionQueue", "RecoveryQueue"}


def severity(name: str) -> str:
    return str(ALARMS[name]["AlarmDescription"]).partition(":")[0]


def metrics(name: str) -> list[dict[str, Any]]:
    """The metrics of an alarm, each with Namespace, MetricName and Dimensions."""
    alarm = ALARMS[name]
    return [one["MetricStat"]["Metric"] for one in alarm.get("Metrics", []) if "MetricStat" in one] or [alarm]


def watched() -> set[tuple[str, str]]:
    """(metric, what it is of) for every metric that some alarm watches."""
    found = set()
    for name in ALARMS:
        for metric in metrics(name):
            [of, *_] = [str(dimension["Value"]) for dimension in metric.get("Dimensions", [])] or [""]
            [logical_id] = re.findall(r"'([\w:]+)(?:\.\w+)?'\}$", of) or [of]
            found.add((metric["MetricName"], logical_id))
    return found


def rows() -> dict[str, tuple[str, list[str]]]:
    """Severity and linked sections by alarm, from the table in the runbook."""
    found = {}
    for line in RUNBOOK.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[1] in TOPICS:
            for name in re.findall(r"`(\w+)`", cells[0]):
                found[f"{name}Alarm"] = (cells[1], re.findall(r"\(#([a-z-]+)\)", cells[3]))
    return found


@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_has_a_severity_and_goes_to_its_topic(name: str) -> None:
    topic = [{"Fn::Ref": TOPICS[severity(name)]}]
    assert ALARMS[name]["AlarmActions"] == topic
    assert ALARMS[name]["OKActions"] == topic
    assert "TreatMissingData" in ALARMS[name]


def test_every_alarm_has_a_row_in_the_runbook_and_every_row_an_alarm() -> None:
    assert {name: of for name, (of, _) in rows().items()} == {name: severity(name) for name in ALARMS}
    headings = {
        re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.+)$", RUNBOOK, re.MULTILINE)
    }
    assert {section for _, sections in rows().values() for section in sections} <= headings
    assert all(sections for _, sections in rows().values())


def test_no_alarm_watches_the_age_of_messages_that_are_delayed_on_purpose() -> None:
    assert not [(metric, queue) for metric, queue in watched() if "AgeOfOldest" in metric and queue in DELAYED]
    assert ("FirstAttemptMs", "Stage") in watched()
    assert {("ApproximateNumberOfMessagesVisible", queue) for queue in DELAYED} <= watched()


@pytest.mark.parametrize(
    "expected",
    [
        ("Errors", "AuthorizeFunction"),
        ("Errors", "PublishEventsFunction"),
        ("Latency", "AWS::StackName"),
        ("ClaimedAccountConcurrency", ""),
        ("ReadThrottleEvents", "TenantsTable"),
        ("WriteThrottleEvents", "TenantsTable"),
        ("WriteThrottleEvents", "EventsTable"),
        ("ReadThrottleEvents", "TokensTable"),
        ("FailedInvocations", "EventBus"),
        ("ApproximateNumberOfMessagesVisible", "RecoveryDeadLetters"),
        ("NumberOfMessagesReceived", "DeliveryQueue"),
    ],
)
def test_something_watches(expected: tuple[str, str]) -> None:
    assert expected in watched()


@pytest.mark.parametrize(
    ("requests", "slow", "polls", "long_polls", "rings"),
    [
        (1000, 9, None, None, False),
        (1000, 11, None, None, True),
        (1000, 300, 290, 290, True),
        (1000, 300, 299, 299, False),
        (1000, 200, 500, 400, False),
        (1000, 206, 500, 200, True),
    ],
)
def test_a_hundredth_of_slow_requests_rings_and_no_poll_that_waits(
    requests: int, slow: int, polls: int | None, long_polls: int | None, rings: bool
) -> None:
    queries = {query["Id"]: query for query in ALARMS["ApiLatencyAlarm"]["Metrics"]}
    assert {name: query["MetricStat"]["Stat"] for name, query in queries.items() if "MetricStat" in query} == {
        "requests": "SampleCount",
        "quick": "PR(0:10000)",
        "polls": "SampleCount",
        "short": "PR(0:5000)",
    }
    known = {"requests": requests, "quick": 100 - 100 * slow / requests, "polls": polls or 0}
    known["short"] = 100 - 100 * (long_polls or 0) / polls if polls else 0
    for name in ("waiting", "result"):
        known[name] = eval(queries[name]["Expression"], {"FILL": lambda value, _: value}, dict(known))  # noqa: S307
    assert (known["result"] > ALARMS["ApiLatencyAlarm"]["Threshold"]) is rings


def test_every_function_without_a_caller_has_an_alarm_for_its_errors() -> None:
    unseen = {
        properties["LogicalId"]
        for properties in functions().values()
        if {event["Type"] for event in properties.get("Events", {}).values()} & {"SQS", "ScheduleV2"}
    }
    # Steps of a recovery that fail are dead letters soon, which have an alarm.
    assert unseen - {"RecoverDeliveriesFunction"} <= {of for metric, of in watched() if metric == "Errors"}


def test_our_own_metrics_are_written_and_have_the_stage() -> None:
    own = [metric for name in ALARMS for metric in metrics(name) if metric["Namespace"] == OURS]
    assert {metric["MetricName"] for metric in own} <= written_metrics()
    assert all(metric["Dimensions"] == [{"Name": "stage", "Value": {"Fn::Ref": "Stage"}}] for metric in own)


def test_alarms_that_compare_metrics_are_left_out_of_the_local_stack() -> None:
    compared = {name for name, alarm in ALARMS.items() if "Metrics" in alarm}
    assert compared == {name for name in ALARMS if template()["Resources"][name].get("Condition") == "InAws"}
    assert template()["Conditions"]["InAws"] == {"Fn::Not": [{"Fn::Equals": [{"Fn::Ref": "Stage"}, "local"]}]}

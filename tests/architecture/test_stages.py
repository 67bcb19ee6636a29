"""Several stages in one account and Region, and what CloudFormation itself refuses there."""

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.expanded import expanded
from tests.support.template import template

# Names that are unique within the resource that they belong to, and names of metrics.
SCOPED = {
    ("AWS::Lambda::Alias", "Name"),
    ("AWS::ApiGateway::Stage", "StageName"),
    ("AWS::CloudWatch::Alarm", "MetricName"),
    ("AWS::ApiGateway::BasePathMapping", "BasePath"),
}
NAMED_AFTER_THE_STACK = {"EventBus", "Api", "ConnectorLayer", "DependenciesLayer", "TraceSampling"}


def names(**parameters: str) -> list[tuple[str, Any]]:
    """The logical id and the name of every expanded resource that does not leave its name to CloudFormation."""
    return [
        (logical_id, value)
        for logical_id, resource in expanded(**parameters).items()
        for name, value in {
            **resource.get("Properties", {}),
            **resource.get("Properties", {}).get("SamplingRule", {}),
        }.items()
        if name.endswith("Name")
        and (resource["Type"], name) not in SCOPED
        and not (isinstance(value, dict) and value.keys() <= {"Ref", "Fn::GetAtt"})
    ]


def test_two_stages_share_no_name() -> None:
    found = names()
    assert [(owner, name) for owner, name in found if "${AWS::StackName}" not in json.dumps(name)] == []
    assert {re.sub(r"[0-9a-f]{10}$", "", owner) for owner, _ in found} == NAMED_AFTER_THE_STACK


def holds(expression: Any, parameters: Mapping[str, str]) -> Any:
    """The value of a rule's expression (CloudFormation, "Rules")."""
    if not isinstance(expression, dict):
        return expression
    [(function, given)] = expression.items()
    if function == "Fn::Ref":
        return parameters[given]
    if function == "Fn::Condition":
        return holds(template()["Conditions"][given], parameters)
    values = [holds(one, parameters) for one in given]
    return {
        "Fn::Equals": lambda: str(values[0]) == str(values[-1]),
        "Fn::Not": lambda: not values[0],
        "Fn::And": lambda: all(values),
        "Fn::Or": lambda: any(values),
    }[function]()


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"Stage": "dev", "Runtime": "python3.13"}, []),
        ({"Stage": "dev", "Runtime": "python3.12"}, []),
        ({"Stage": "dev", "Runtime": "python3.11"}, ["RuntimeInAws"]),
        ({"Stage": "prod", "Runtime": "python3.11"}, ["RuntimeInAws"]),
        ({"Stage": "local", "Runtime": "python3.11", "AllowLoopbackTargets": "true"}, []),
        ({"Stage": "dev", "AllowLoopbackTargets": "true"}, ["LoopbackInAws"]),
        ({"DomainName": "api.example.com", "CertificateArn": "arn"}, []),
        ({"DomainName": "api.example.com", "CertificateArn": "arn", "HostedZoneId": "Z1"}, []),
        ({"DomainName": "api.example.com"}, ["DomainIsWhole"]),
        ({"CertificateArn": "arn"}, ["DomainIsWhole"]),
        ({"HostedZoneId": "Z1"}, ["DomainIsWhole"]),
    ],
)
def test_what_is_for_the_local_stack_alone_is_refused_in_aws(given: dict[str, str], refused: list[str]) -> None:
    parameters = {name: str(parameter["Default"]) for name, parameter in template()["Parameters"].items()} | given
    broken = [
        name
        for name, rule in template()["Rules"].items()
        if holds(rule.get("RuleCondition", True), parameters)
        and not all(holds(one["Assert"], parameters) for one in rule["Assertions"])
    ]
    assert broken == refused

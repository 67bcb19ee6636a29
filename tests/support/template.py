"""template.yaml as plain data, the AWS resources that moto makes from it, and the environment of its functions."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
LAYER = ROOT / "layers" / "connector"
"""The layer that holds our own code."""


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short tags as {"Fn::Tag": value}."""


def _tag(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        return {f"Fn::{suffix}": loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {f"Fn::{suffix}": loader.construct_sequence(node, deep=True)}
    assert isinstance(node, yaml.MappingNode)
    return {f"Fn::{suffix}": loader.construct_mapping(node, deep=True)}


_Loader.add_multi_constructor("!", _tag)  # type: ignore[no-untyped-call]


@cache
def template() -> dict[str, Any]:
    """The parsed template."""
    with (ROOT / "template.yaml").open() as file:
        parsed: dict[str, Any] = yaml.load(file, Loader=_Loader)  # noqa: S506 - a SafeLoader with tags
    return parsed


def resources(kind: str) -> dict[str, dict[str, Any]]:
    """The properties of every resource of a type, by logical id."""
    return {
        name: resource.get("Properties", {})
        for name, resource in template()["Resources"].items()
        if resource["Type"] == kind
    }


def import_path() -> list[str]:
    """Where Python finds the code of the functions, the layers and the tests."""
    return [str(ROOT), str(LAYER)]


def functions() -> dict[str, dict[str, Any]]:
    """The properties of every function, by folder name."""
    return {
        properties["CodeUri"].removeprefix("functions/"): properties | {"LogicalId": name}
        for name, properties in resources("AWS::Serverless::Function").items()
    }


@cache
def routes() -> dict[tuple[str, str], str]:
    """The folder that answers each (METHOD, path) of the API."""
    return {
        (event["Properties"]["Method"].upper(), event["Properties"]["Path"]): folder
        for folder, properties in functions().items()
        for event in properties.get("Events", {}).values()
        if event["Type"] == "Api"
    }


def create_tables(dynamodb: Any, *only: str) -> dict[str, str]:
    """Creates every table (or `only` those) as the template describes it, named like its logical id."""
    names = {}
    for name, properties in resources("AWS::DynamoDB::Table").items():
        if only and name not in only:
            continue
        wanted = ("BillingMode", "AttributeDefinitions", "KeySchema", "LocalSecondaryIndexes", "GlobalSecondaryIndexes")
        dynamodb.create_table(TableName=name, **{key: properties[key] for key in wanted if key in properties})
        names[name] = name
    return names


def create_queues(sqs: Any) -> dict[str, str]:
    """Creates every queue of the template (without dead-letter wiring) and gives its URL by logical id."""
    return {
        name: sqs.create_queue(
            QueueName=name, Attributes={"VisibilityTimeout": str(properties.get("VisibilityTimeout", 30))}
        )["QueueUrl"]
        for name, properties in resources("AWS::SQS::Queue").items()
    }


def environment(values: dict[str, str]) -> dict[str, str]:
    """The variables that Globals gives to every function, and those that some have beside them.

    What one refers to, a resource or a parameter, has the value of its name in `values`; a parameter that is not there
    has its default, and a resource its logical id.
    """
    defaults = {name: str(given.get("Default", name)) for name, given in template()["Parameters"].items()}
    known = {**defaults, **values}

    def value(given: str | dict[str, str]) -> str:
        if isinstance(given, str):
            return given
        [text] = given.values()
        # !Ref Name, !GetAtt Name.Arn, or !Sub with a ${Name} in it
        [name] = re.findall(r"\$\{(\w+)\}", text) or [text.partition(".")[0]]
        return known.get(name, name)

    variables = dict(template()["Globals"]["Function"]["Environment"]["Variables"])
    for properties in resources("AWS::Serverless::Function").values():
        variables |= properties.get("Environment", {}).get("Variables", {})
    return {name: value(given) for name, given in variables.items()}

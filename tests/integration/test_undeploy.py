"""`make undeploy`: what stays, what it costs, and that nothing goes unless it is said."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.template import template
from tools.local import deploy, undeploy
from tools.local.console import Failure

STACK = "jobsprint-dev"  # of dev in samconfig.toml
KEPT = {
    "Key": {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain", "Properties": {"KeyPolicy": {}}},
    "Bucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain", "Properties": {"BucketName": "catalogue"}},
    "Table": {
        "Type": "AWS::DynamoDB::Table",
        "DeletionPolicy": "Retain",
        "Properties": {
            "TableName": "tenants",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        },
    },
}


@pytest.fixture
def cloudformation() -> Iterator[Any]:
    """A deployed stack with a table, a bucket, a key and a queue."""
    with mock_aws():
        client = boto3.client("cloudformation")
        resources = {**KEPT, "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "queue"}}}
        client.create_stack(StackName=STACK, TemplateBody=json.dumps({"Resources": resources}))
        yield client


def stacks(cloudformation: Any) -> list[str]:
    return [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]


def test_it_says_what_stays_and_what_that_costs_and_removes_nothing(
    cloudformation: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    undeploy.undeploy("dev", really=False)
    said = capsys.readouterr().out
    assert "table tenants (0.0 GB)" in said
    assert "aws dynamodb update-table --table-name tenants --no-deletion-protection-enabled" in said
    assert "bucket catalogue" in said
    assert "$ 1.00 a month  key " in said
    assert "$ 1.00 a month together" in said
    assert "queue" not in said.replace("deliveries", "")
    assert "YES=1 removes" in said
    assert stacks(cloudformation) == [STACK]


def test_the_price_of_a_table_has_its_backup(cloudformation: Any) -> None:
    class Table:
        def describe_table(self, **_: str) -> dict[str, Any]:
            return {"Table": {"TableSizeBytes": 10 * 10**9}}

        def describe_continuous_backups(self, **_: str) -> dict[str, Any]:
            recovery = {"PointInTimeRecoveryStatus": "ENABLED"}
            return {"ContinuousBackupsDescription": {"PointInTimeRecoveryDescription": recovery}}

    assert undeploy.table(Table(), "tenants").price == pytest.approx(10 * (0.25 + 0.20))


def test_said_twice_it_removes_the_stack(cloudformation: Any) -> None:
    undeploy.undeploy("dev", really=True, asks=False)
    assert stacks(cloudformation) == []


def test_it_asks_whether_the_account_is_the_right_one(cloudformation: Any) -> None:
    with pytest.raises(Failure, match="Nothing was done"):
        undeploy.undeploy("dev", really=True, answer=lambda _: "n")
    assert stacks(cloudformation) == [STACK]


def test_without_a_stack_it_is_one_clear_sentence() -> None:
    with mock_aws(), pytest.raises(Failure, match=f"There is no stack {STACK} in this account"):
        undeploy.undeploy("dev", really=False)


def test_every_kind_that_stays_is_told_of() -> None:
    stays = {
        resource["Type"]
        for resource in template()["Resources"].values()
        if "Retain" in str(resource.get("DeletionPolicy"))
    }
    assert stays == {"AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::KMS::Key"}


def test_a_stage_is_read_from_samconfig() -> None:
    assert deploy.read_stage("dev").stack_name == STACK

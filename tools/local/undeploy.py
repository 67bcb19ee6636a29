"""`make undeploy`: what removing a stage leaves behind and what that costs, and the removal itself."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from tools.local import deploy
from tools.local.console import Failure, step

# Dollars a month, us-east-1, on demand.
_TABLE_GB, _BACKUP_GB, _KEY = 0.25, 0.20, 1.00
_GB = 10**9


@dataclass(frozen=True)
class Remains:
    """A resource that stays when its stack goes, with its price in dollars a month and how it is removed by hand."""

    kind: str
    name: str
    price: float
    removal: str


def undeploy(name: str, *, really: bool, asks: bool = True, answer: Callable[[str], str] = input) -> None:
    """Say what stays and what it costs and, if `really`, delete the stage's stacks. Raises Failure without a stack."""
    stage = deploy.read_stage(name)
    deploy.check_account(stage, "Removing" if really else "Looking at", asks=asks and really, answer=answer)
    remains = list(what_stays(stage))
    print(f"  Removing {stage.stack_name} ends the API, deliveries, schedules and alarms. These stay, with all data:")
    for one in remains:
        print(f"    ${one.price:5.2f} a month  {one.kind} {one.name}\n      to remove: {one.removal}")
    print(f"    ${sum(one.price for one in remains):5.2f} a month together, until they are removed by hand.")
    print("  Stored secrets can be read only while the key exists; a later deployment makes new tables and a new key.")
    if not really:
        print("  Nothing was removed: YES=1 removes.")
        return
    cloudformation = stage.client("cloudformation")
    for stack_name in (f"{stage.stack_name}-dashboard", stage.stack_name):
        with step(f"Deleting the stack {stack_name}"):
            _delete(cloudformation, stack_name)


def _delete(cloudformation: Any, stack_name: str) -> None:
    """Delete a stack, if it exists, and wait until it is gone."""
    try:
        cloudformation.delete_stack(StackName=stack_name)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack_name)
    except (ClientError, WaiterError) as error:
        raise Failure(f"The stack {stack_name} was not deleted; its events say why: {error}") from error


def what_stays(stage: deploy.Stage) -> Iterator[Remains]:
    """The stage's resources that are retained. Raises Failure where it has no stack."""
    try:
        pages = list(
            stage.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stage.stack_name)
        )
    except ClientError as error:
        raise Failure(f"There is no stack {stage.stack_name} in this account: {error}") from None
    for resource in (one for page in pages for one in page["StackResourceSummaries"]):
        name = resource.get("PhysicalResourceId", "")
        match resource["ResourceType"]:
            case "AWS::DynamoDB::Table":
                yield table(stage.client("dynamodb"), name)
            case "AWS::S3::Bucket":
                yield Remains("bucket", name, 0, f"empty it with all versions, then aws s3 rb s3://{name}")
            case "AWS::KMS::Key":
                yield Remains("key", name, _KEY, f"aws kms schedule-key-deletion --key-id {name}")
            case "AWS::Lambda::LayerVersion":
                *_, layer, number = name.split(":")
                removal = f"aws lambda delete-layer-version --layer-name {layer} --version-number {number}"
                yield Remains("layer", f"{layer}:{number} (and earlier versions)", 0, removal)


def table(dynamodb: Any, name: str) -> Remains:
    """A table, whose price is that of its storage and of its backup where it has one."""
    size = dynamodb.describe_table(TableName=name)["Table"].get("TableSizeBytes", 0) / _GB
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    recovery = backups.get("PointInTimeRecoveryDescription", {}).get("PointInTimeRecoveryStatus") == "ENABLED"
    removal = (
        f"aws dynamodb update-table --table-name {name} --no-deletion-protection-enabled"
        f" && aws dynamodb delete-table --table-name {name}"
    )
    return Remains("table", f"{name} ({size:.1f} GB)", size * (_TABLE_GB + recovery * _BACKUP_GB), removal)

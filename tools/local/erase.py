"""Erasing a tenant: its tokens, every row of its own in every table, and the signed heads of its audit trail."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.local import sam, stack
from tools.local.console import Failure
from tools.local.emulator import running_address
from tools.local.options import STACK, Home

# Tokens first, so that nobody writes behind us; they stand under an id of their own and name their tenant.
_TABLES = ("TokensTable", "LimitsTable", "RequestsTable", "TenantsTable", "LogsTable", "EventsTable", "AuditTable")
_BATCH = 25
_OBJECTS = 1000
_TRIES = 8
_DATA_KEY = "#key"

Key = dict[str, Any]


@dataclass(frozen=True)
class Account:
    """The clients for one deployed stack, and its outputs by name: its tables among them."""

    dynamodb: Any
    s3: Any
    kms: Any
    tables: Mapping[str, str]


def local_account(home: Home) -> Account:
    """The running local stack."""
    endpoint = running_address(home)
    return Account(
        stack.client("dynamodb", endpoint),
        stack.client("s3", endpoint),
        stack.client("kms", endpoint),
        stack.outputs(stack.client("cloudformation", endpoint), STACK),
    )


def deployed_account(stage: str) -> Account:
    """A stack in AWS, with the caller's own credentials."""
    settings = sam.stage_settings(stage)
    region = str(settings["region"])
    return Account(
        stack.deployed_client("dynamodb", region),
        stack.deployed_client("s3", region),
        stack.deployed_client("kms", region),
        stack.outputs(stack.deployed_client("cloudformation", region), str(settings["stack_name"])),
    )


def erase(account: Account, tenant: str, *, really: bool) -> str:
    """Counts what a tenant has and, if `really`, deletes it; the outcome in lines of text.

    Reads every table from end to end, so it costs a scan. The data key goes last: until then a run that broke off can
    be repeated. Raises Failure for what is no tenant's name, and when DynamoDB does not take a delete.
    """
    if not tenant or "#" in tenant:
        raise Failure(f"TENANT={tenant} is not the name of a tenant.")
    lines = []
    for output in _TABLES:
        keys = list(_keys_of(account, account.tables[output], tenant))
        if really:
            keys.sort(key=lambda key: key.get("pk", {}).get("S") == tenant + _DATA_KEY)
            _delete(account, account.tables[output], keys)
        lines.append(f"{output}: {len(keys)} rows")
    heads = list(head_versions(account, tenant))
    if really:
        _delete_heads(account, heads)
    lines.append(f"AuditBucket: {len(heads)} signed heads")
    end = "Erased. Run it again in 15 minutes: what was still in the queues may have left rows"
    return "\n".join([*lines, end if really else "Nothing was changed; with YES=1 these are deleted"])


def head_versions(account: Account, tenant: str) -> Iterator[dict[str, str]]:
    """Every version of every signed head of a tenant's audit trail: `Key` and `VersionId`."""
    pages = account.s3.get_paginator("list_object_versions").paginate(
        Bucket=account.tables["AuditBucket"], Prefix=f"heads/{tenant}/"
    )
    for version in (version for page in pages for version in page.get("Versions", [])):
        yield {"Key": version["Key"], "VersionId": version["VersionId"]}


def key_names(account: Account, table: str) -> list[str]:
    """The attributes of a table's key, the partition's first."""
    schema = account.dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]
    return [part["AttributeName"] for part in sorted(schema, key=lambda part: part["KeyType"] != "HASH")]


def own_rows(account: Account, table: str, tenant: str) -> Iterator[dict[str, Any]]:
    """Every row of one tenant, or of all for an empty name: a scan of the table."""
    own: dict[str, Any] = {}
    if tenant:
        key = "pk" if "pk" in key_names(account, table) else "tenant"
        own = {
            "FilterExpression": "#tenant = :tenant OR begins_with(#key, :prefix)",
            "ExpressionAttributeNames": {"#tenant": "tenant", "#key": key},
            "ExpressionAttributeValues": {":tenant": {"S": tenant}, ":prefix": {"S": f"{tenant}#"}},
        }
    for page in account.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True, **own):
        yield from page["Items"]


def _keys_of(account: Account, table: str, tenant: str) -> Iterator[Key]:
    names = key_names(account, table)
    for row in own_rows(account, table, tenant):
        yield {name: row[name] for name in names}


def _delete_heads(account: Account, heads: list[dict[str, str]]) -> None:
    for start in range(0, len(heads), _OBJECTS):
        deletion = {"Objects": heads[start : start + _OBJECTS], "Quiet": True}
        answer = account.s3.delete_objects(Bucket=account.tables["AuditBucket"], Delete=deletion)
        if answer.get("Errors"):
            raise Failure(f"Signed heads were not deleted: {answer['Errors'][0]['Message']}. Run it again.")


def _delete(account: Account, table: str, keys: list[Key]) -> None:
    for start in range(0, len(keys), _BATCH):
        waiting = {table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + _BATCH]]}
        for attempt in range(_TRIES):
            waiting = account.dynamodb.batch_write_item(RequestItems=waiting).get("UnprocessedItems") or {}
            if not waiting:
                break
            time.sleep(0.1 * 2**attempt)
        else:
            raise Failure(
                f"{table} is throttled: run it again later. Nothing is half erased that a repeat cannot find."
            )

"""Copying the rows of a restored table back into the stack's own, which keeps its name and its settings."""

from typing import Any

from botocore.exceptions import ClientError

from tools.local.console import Failure
from tools.local.erase import Account, key_names, own_rows


def copy_rows(account: Account, source: str, target: str, *, tenant: str = "", overwrite: bool = False) -> str:
    """Copies every row, or those of one tenant; the outcome in a sentence.

    A row that the target has already stays as it is unless `overwrite`. One write per row, so a run that broke off can
    be repeated. Raises Failure where the two tables have other keys or one is missing.
    """
    try:
        names = key_names(account, target)
        if key_names(account, source) != names:
            raise Failure(f"{source} and {target} have different keys.")
        rows = own_rows(account, source, tenant)
        outcomes = [_copied(account, target, row, None if overwrite else names[0]) for row in rows]
    except account.dynamodb.exceptions.ResourceNotFoundException as error:
        raise Failure(f"{source} or {target} is not there: {error}") from None
    return f"{sum(outcomes)} of {len(outcomes)} rows copied from {source} to {target}; the others were there"


def _copied(account: Account, target: str, row: dict[str, Any], unless: str | None) -> bool:
    condition: dict[str, Any] = {}
    if unless:
        condition = {
            "ConditionExpression": "attribute_not_exists(#key)",
            "ExpressionAttributeNames": {"#key": unless},
        }
    try:
        account.dynamodb.put_item(TableName=target, Item=row, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        raise
    return True

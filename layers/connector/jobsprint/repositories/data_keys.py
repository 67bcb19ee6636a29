"""The wrapped data key of each tenant: pk <tenant>#key, sk 1. Only KMS can unwrap it."""

import base64

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import marshal_item, unmarshal_item, written


def find_wrapped_key(tenant: str) -> bytes | None:
    """The tenant's wrapped data key, or None while it has none."""
    answer = aws.dynamodb().get_item(
        TableName=settings().tenants_table,
        Key=marshal_item({"pk": f"{tenant}#key", "sk": "1"}),
        ConsistentRead=True,
    )
    item = unmarshal_item(answer.get("Item", {}))
    return base64.b64decode(item["wrapped"]) if item else None


def keep_wrapped_key(tenant: str, wrapped: bytes) -> bool:
    """Keeps the tenant's first data key; False when another request was first."""
    return written(
        lambda: aws.dynamodb().put_item(
            TableName=settings().tenants_table,
            Item=marshal_item({"pk": f"{tenant}#key", "sk": "1", "wrapped": base64.b64encode(wrapped).decode()}),
            ConditionExpression="attribute_not_exists(pk)",
        )
    )

"""The chain of each tenant's audit records (`domain.audit_chain`): its head, and the index of what is not in it yet.

    pk <tenant>#head         sk head                        the head; while it is not signed it is pending as well
    byPending: pendingShard <shard>   pendingKey <tenant>#<time>
                             records that are not sealed, and unsigned heads

An index is read a moment late: what is not in it yet is sealed by a later run, and what is still in it, though sealed,
is recognised by its item. So nothing is left out, however late it was written. Links and head are written by one
transaction that demands the head as it was read: of two runs at the same time one seals.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.audit_chain import Head, Link
from jobsprint.repositories.dynamodb import Item, batch_get, marshal_item, unmarshal_item, written

SHARDS = 8
MAX_LINKS = 99
"""With the head one transaction: DynamoDB takes 100 items."""

_INDEX = "byPending"


def shard_of(tenant: str) -> str:
    """The shard of the index that has a tenant's pending records."""
    return str(hashlib.sha256(tenant.encode()).digest()[0] % SHARDS)


def pending_key(tenant: str, at: int) -> str:
    """The sort key of a record in the index, written at `at` (Unix ms): the oldest of a tenant come first."""
    return f"{tenant}#{at:013d}"


def next_tenant(shard: int, after: str) -> str | None:
    """The first tenant behind `after` with something pending in a shard; None where there is no other."""
    # `#` sorts before every character of a tenant's name, and `$` right behind it.
    found = _query(str(shard), "pendingKey > :key", {":key": f"{after}$"}, 1)
    return str(found[0]["pendingKey"]).partition("#")[0] if found else None


@dataclass(frozen=True)
class Pending:
    """A record to be sealed: its key, its text and when it was written (Unix ms)."""

    pk: str
    sk: str
    record: str
    at: int


class ChainStore:
    """The chain of one tenant."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().audit_table
        self._head = {"pk": f"{tenant}#head", "sk": "head"}

    def head(self) -> tuple[Head | None, bool]:
        """The head, None before the first link; and whether it still has to be signed."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=marshal_item(self._head), ConsistentRead=True)
        if "Item" not in answer:
            return None, False
        item = unmarshal_item(answer["Item"])
        return Head.read(item["head"]), "pendingShard" in item

    def pending(self) -> tuple[list[Pending], bool]:
        """Up to `MAX_LINKS` records that are not sealed, the oldest first, and whether there may be more."""
        shown = _query(shard_of(self._tenant), "begins_with(pendingKey, :key)", {":key": f"{self._tenant}#"}, MAX_LINKS)
        keys = [{"pk": item["pk"], "sk": item["sk"]} for item in shown if item["sk"] != "head"]
        records = [item for item in batch_get(self._table, keys, consistent=True) if "sequence" not in item]
        records.sort(key=lambda item: (item["pendingKey"], item["pk"], item["sk"]))
        found = [
            Pending(item["pk"], item["sk"], item["record"], int(item["pendingKey"].partition("#")[2]))
            for item in records
        ]
        return found, len(shown) == MAX_LINKS

    def seal(self, before: Head | None, records: Sequence[Pending], links: Sequence[Link], head: Head) -> bool:
        """Put the links of `records` and the new head behind `before`; False where another run was faster."""
        writes = [self._head_update(before, head)]
        writes += [self._link_update(one, link, head) for one, link in zip(records, links, strict=True)]
        try:
            aws.dynamodb().transact_write_items(TransactItems=writes)
        except ClientError as error:
            if not _was_late(error):
                raise
            return False
        return True

    def mark_signed(self, head: Head) -> None:
        """The head is signed and kept; nothing changes where there is a newer one."""
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item(self._head),
                UpdateExpression="REMOVE pendingShard, pendingKey",
                ConditionExpression="#sequence = :sequence",
                ExpressionAttributeNames={"#sequence": "sequence"},
                ExpressionAttributeValues=marshal_item({":sequence": head.sequence}),
            )
        )

    def _head_update(self, before: Head | None, head: Head) -> Any:
        values: dict[str, str | int] = {
            ":head": head.text(),
            ":sequence": head.sequence,
            ":shard": shard_of(self._tenant),
            ":key": pending_key(self._tenant, head.sealed_at),
        }
        return {
            "Update": {
                "TableName": self._table,
                "Key": marshal_item(self._head),
                "UpdateExpression": (
                    "SET #head = :head, #sequence = :sequence, pendingShard = :shard, pendingKey = :key"
                ),
                "ConditionExpression": "#head = :before" if before else "attribute_not_exists(pk)",
                "ExpressionAttributeNames": {"#head": "head", "#sequence": "sequence"},
                "ExpressionAttributeValues": marshal_item(values | ({":before": before.text()} if before else {})),
            }
        }

    def _link_update(self, record: Pending, link: Link, head: Head) -> Any:
        values: dict[str, str | int] = {
            ":sequence": link.sequence,
            ":previous": link.previous,
            ":hash": link.hash,
            ":expires": -(-head.kept_until // 1000),
        }
        return {
            "Update": {
                "TableName": self._table,
                "Key": marshal_item({"pk": record.pk, "sk": record.sk}),
                "UpdateExpression": (
                    "SET #sequence = :sequence, #previous = :previous, #hash = :hash, expiresAt = :expires"
                    " REMOVE pendingShard, pendingKey"
                ),
                # A record that was erased meanwhile must not come back.
                "ConditionExpression": "attribute_exists(pk) AND attribute_not_exists(#sequence)",
                "ExpressionAttributeNames": {name: name[1:] for name in ("#sequence", "#previous", "#hash")},
                "ExpressionAttributeValues": marshal_item(values),
            }
        }


def _was_late(error: ClientError) -> bool:
    """Whether a transaction was refused because its items have changed, or are being changed."""
    response: Any = error.response
    reasons = {reason.get("Code") for reason in response.get("CancellationReasons", [])}
    return bool(reasons) and reasons <= {"None", "ConditionalCheckFailed", "TransactionConflict"}


def _query(shard: str, condition: str, values: dict[str, str], limit: int) -> list[Item]:
    answer = aws.dynamodb().query(
        TableName=settings().audit_table,
        IndexName=_INDEX,
        KeyConditionExpression=f"pendingShard = :shard AND {condition}",
        ExpressionAttributeValues=marshal_item({":shard": shard, **values}),
        Limit=limit,
    )
    return [unmarshal_item(item) for item in answer["Items"]]

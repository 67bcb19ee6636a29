"""What DynamoDB and SQS bill, counted at the clients from real requests and items.

By the DynamoDB Developer Guide a write bills the larger of the item before and after, in KB begun, and each index that
holds something of the item once for what goes and once for what comes. moto's `ConsumedCapacity` ignores sizes.
"""

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.template import resources

_READS, _WRITES = {"GetItem", "Query", "BatchGetItem"}, {"PutItem", "UpdateItem", "DeleteItem"}

Item = Mapping[str, Any]


@dataclass
class Bill:
    """Calls that read, write units (those of indexes included), bytes stored, and SQS requests."""

    reads: int = 0
    writes: int = 0
    stored: int = 0
    sqs: int = 0


class Meter:
    """Bills the calls of a DynamoDB and an SQS client; `own` is another DynamoDB client, which is not billed."""

    def __init__(self, dynamodb: Any, sqs: Any, own: Any) -> None:
        self._own = own
        self._call = threading.local()  # calls come from a pool; both hooks of a call run in its thread
        self._lock = threading.Lock()
        self._bill = Bill()
        for client in (dynamodb, sqs):
            client.meta.events.register("provide-client-params", self._before)
            client.meta.events.register("after-call", self._after)

    def take(self) -> Bill:
        """The bill of all calls since it was last taken."""
        bill, self._bill = self._bill, Bill()
        return bill

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if model.name in _WRITES:
            table, given = params["TableName"], params.get("Key") or params["Item"]
            names = [key["AttributeName"] for key in resources("AWS::DynamoDB::Table")[table]["KeySchema"]]
            key = {name: given[name] for name in names}
            self._call.item = table, key, self._read(table, key)

    def _after(self, model: Any, **_: Any) -> None:
        with self._lock:
            self._count(model)

    def _count(self, model: Any) -> None:
        """Bill a call that was answered. A condition that fails is billed too."""
        if model.name in _WRITES:
            table, key, old = self._call.item
            new = self._read(table, key)
            self._bill.writes += max(units(old), units(new)) + index_units(table, old, new)
            # DynamoDB bills 100 bytes on top of each stored item.
            self._bill.stored += sum(sign * (size(item) + 100) for sign, item in ((1, new), (-1, old)) if item)
        elif model.name == "TransactWriteItems":
            self._bill.writes += 4  # an item and its count, each under 1 KB and twice
        elif model.name in _READS:
            self._bill.reads += 1
        elif model.service_model.service_name == "sqs":
            self._bill.sqs += 1
        else:
            raise NotImplementedError(model.name)

    def _read(self, table: str, key: Item) -> Item:
        item: Item = self._own.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return item


def units(item: Item) -> int:
    """KB begun of an item; 1 for none, as a write that changes nothing is billed as well."""
    return max(1, math.ceil(size(item) / 1024))


def index_units(table: str, old: Item, new: Item) -> int:
    """The write units of a table's indexes when an item changes."""
    properties = resources("AWS::DynamoDB::Table")[table]
    indexes = [*properties.get("LocalSecondaryIndexes", []), *properties.get("GlobalSecondaryIndexes", [])]
    changes = [(_projected(index, old), _projected(index, new)) for index in indexes]
    return sum(units(held) for before, after in changes if before != after for held in (before, after) if held)


def size(value: Any) -> int:
    """Bytes of an item in DynamoDB's JSON, a byte or two for each attribute too many."""
    if isinstance(value, Mapping | list):
        return sum(map(size, [*value, *value.values()] if isinstance(value, Mapping) else value))
    return len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 1


def _projected(index: Item, item: Item) -> Item:
    """What an index holds of an item, its table's key left out: nothing where the item lacks the index's key."""
    keys, projection = {key["AttributeName"] for key in index["KeySchema"]}, index["Projection"]
    kept = item.keys() if projection["ProjectionType"] == "ALL" else keys | set(projection.get("NonKeyAttributes", ()))
    return {name: value for name, value in item.items() if name in kept} if keys <= item.keys() else {}

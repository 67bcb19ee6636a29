"""What DynamoDB, SQS and KMS would bill for the calls of a block, from real requests and items.

Read and write units follow the DynamoDB Developer Guide ("Read and write capacity", "Item sizes and formats", and for
indexes "Provisioned throughput considerations for global secondary indexes"): a write bills the larger of the item
before and after, in KB begun, also when its condition fails; an index bills what it holds of the item when that
changes, and twice (delete and put) when its key does. The stand-in's own `ConsumedCapacity` does not grow with item
size, so the items are weighed here.
"""

import math
import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3

from jobsprint.core import aws
from tests.support import partiql
from tests.support.template import resources

_KB = 1024
_READ_KB = 4 * _KB
_SQS_CHUNK = 64 * _KB
_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
_OVERHEAD = 100  # bytes that DynamoDB bills on top of each item stored
_BATCH = "BatchExecuteStatement"

AttributeMap = Mapping[str, Any]


@dataclass
class Bill:
    """Units and calls. Reads count half for an eventually consistent one; `indexes` are the part of `writes` that
    indexes take. `sqs` counts requests as billed: one for each 64 KB begun. `queried` are the items that queries read,
    `stored` the bytes more that the tables and their indexes bill, `logged` what went to the log."""

    reads: float = 0.0
    writes: int = 0
    indexes: int = 0
    queried: int = 0
    stored: int = 0
    logged: int = 0
    sqs: int = 0
    kms: int = 0
    calls: Counter[str] = field(default_factory=Counter)


@contextmanager
def metered() -> Iterator[Bill]:
    """Bills everything that the service's own clients do inside the block (moto in this process)."""
    meter = _Meter()
    clients = (aws.dynamodb(), aws.sqs(), aws.kms())
    for client in clients:
        client.meta.events.register("provide-client-params", meter.before, unique_id="meter-before")
        client.meta.events.register("after-call", meter.after, unique_id="meter-after")
    try:
        yield meter.bill
    finally:
        for client in clients:
            client.meta.events.unregister("provide-client-params", unique_id="meter-before")
            client.meta.events.unregister("after-call", unique_id="meter-after")


class _Meter:
    """Weighs items before and after each write with a client of its own, which is not billed."""

    def __init__(self) -> None:
        self.bill = Bill()
        self._own: Any = boto3.client("dynamodb")
        # The dispatcher calls from several threads; both hooks of a call run in its own.
        self._noted: dict[int, tuple[dict[str, Any], list[AttributeMap]]] = {}

    def before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        """Notes what a call is about to change."""
        before = [self._stands(*item) for item in _written(model, params)]
        self._noted[threading.get_ident()] = (params, before)

    def after(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        """Bills a call that was answered."""
        service, operation = model.service_model.service_name, model.name
        params, before = self._noted[threading.get_ident()]
        self.bill.calls[f"{service}:{operation}"] += 1
        written = _written(model, params)
        if service == "sqs":
            self.bill.sqs += _chunks(params)
        elif service == "kms":
            self.bill.kms += 1
        elif written:
            for (table, key), stood in zip(written, before, strict=True):
                self._write(table, stood, self._stands(table, key))
        else:
            self.bill.reads += _read_units(operation, params, parsed)
            self.bill.queried += len(parsed.get("Items", ()))

    def _stands(self, table: str, key: AttributeMap) -> AttributeMap:
        item: AttributeMap = self._own.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return item

    def _write(self, table: str, before: AttributeMap, after: AttributeMap) -> None:
        in_indexes = sum(index_units(index, table, before, after) for index in _indexes(table))
        self.bill.indexes += in_indexes
        self.bill.writes += max(_kilobytes(before), _kilobytes(after), 1) + in_indexes
        self.bill.stored += _stored(table, after) - _stored(table, before)


def _stored(table: str, item: AttributeMap) -> int:
    """Bytes that an item takes in its table and in the indexes that hold it."""
    copies = [item, *(_projected(index, table, item) for index in _indexes(table))]
    return sum(item_size(copy) + _OVERHEAD for copy in copies if copy)


def _written(model: Any, params: Mapping[str, Any]) -> list[tuple[str, AttributeMap]]:
    """The table and key of each item that a call writes to."""
    if model.service_model.service_name != "dynamodb":
        return []
    if model.name == _BATCH:
        writes = [partiql.read(one["Statement"], one["Parameters"]) for one in params["Statements"]]
        return [(write.table, write.key(_key_names(write.table))) for write in writes]
    if model.name not in _WRITES:
        return []
    given = params.get("Key") or params["Item"]
    return [(params["TableName"], {name: given[name] for name in _key_names(params["TableName"])})]


def _key_names(table: str) -> list[str]:
    return [key["AttributeName"] for key in resources("AWS::DynamoDB::Table")[table]["KeySchema"]]


def index_units(index: Mapping[str, Any], table: str, before: AttributeMap, after: AttributeMap) -> int:
    """The write units that one index takes when an item goes from `before` to `after`."""
    old, new = _projected(index, table, before), _projected(index, table, after)
    if old == new:
        return 0
    keys = [key["AttributeName"] for key in index["KeySchema"]]
    if old and new and all(old[name] == new[name] for name in keys):
        return max(_kilobytes(old), _kilobytes(new))
    return (_kilobytes(old) if old else 0) + (_kilobytes(new) if new else 0)


def item_size(item: AttributeMap) -> int:
    """Bytes of an item: names and values in UTF-8, numbers about one byte for two digits, and containers' overhead."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.lstrip("-").replace(".", "").strip("0")) / 2) + 1
        case "B":
            return len(content)
        case "BOOL" | "NULL":
            return 1
        case "L":
            return 3 + sum(1 + _value_size(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(element) for name, element in content.items())
        case _:
            return sum(len(str(element).encode()) for element in content)


def _kilobytes(item: AttributeMap) -> int:
    return math.ceil(item_size(item) / _KB)


def _indexes(table: str) -> list[dict[str, Any]]:
    properties = resources("AWS::DynamoDB::Table")[table]
    return [*properties.get("LocalSecondaryIndexes", []), *properties.get("GlobalSecondaryIndexes", [])]


def _projected(index: Mapping[str, Any], table: str, item: AttributeMap) -> AttributeMap:
    """What an index holds of an item: nothing where it lacks the index's key."""
    keys = {key["AttributeName"] for key in index["KeySchema"]}
    if not keys <= item.keys():
        return {}
    projection = index["Projection"]
    if projection["ProjectionType"] == "ALL":
        return item
    kept = keys | set(_key_names(table)) | set(projection.get("NonKeyAttributes", ()))
    return {name: value for name, value in item.items() if name in kept}


def _read_units(operation: str, params: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    if operation == "BatchGetItem":
        units = 0.0
        for table, asked in params["RequestItems"].items():
            found = answer["Responses"].get(table, [])
            missing = len(asked["Keys"]) - len(found)
            units += (_rounded(found) + missing) * _share(asked)
        return units
    if operation == "GetItem":
        return _rounded([answer.get("Item", {})]) * _share(params)
    if operation in {"Query", "Scan"}:
        # A query bills the sum of what it read; items that a filter drops are never in these (no filter is used).
        return max(1, math.ceil(sum(map(item_size, answer["Items"])) / _READ_KB)) * _share(params)
    raise NotImplementedError(operation)


def _rounded(items: Iterable[AttributeMap]) -> int:
    return sum(max(1, math.ceil(item_size(item) / _READ_KB)) for item in items)


def _share(params: Mapping[str, Any]) -> float:
    return 1.0 if params.get("ConsistentRead") else 0.5


def _chunks(params: Mapping[str, Any]) -> int:
    bodies = [entry["MessageBody"] for entry in params.get("Entries", [params])]
    return max(1, math.ceil(sum(len(body.encode()) for body in bodies) / _SQS_CHUNK))

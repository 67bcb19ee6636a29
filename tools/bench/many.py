"""A partition of any number of rows behind DynamoDB's Query, made one by one as they are asked for.

The real handlers ask; what they are answered has the size of a real row, and follows DynamoDB's rules for `Limit`,
`BETWEEN`, 1 MB a page and `LastEvaluatedKey`. Anything else in a request is a NotImplementedError rather than a guess.
"""

import bisect
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from jobsprint.core import aws
from jobsprint.core.ids import derived_id, first_at
from tools.bench.meter import item_size

_PAGE_BYTES = 1024 * 1024
_KNOWN = {
    "TableName",
    "KeyConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ScanIndexForward",
    "ConsistentRead",
    "Limit",
    "IndexName",
    "ExclusiveStartKey",
}
_STARTED = re.compile(r'"startedAt":\d+')
_WHOLE = "#k = :k"
_BETWEEN = "#k = :k AND #s BETWEEN :low AND :high"


@dataclass(frozen=True)
class Rows:
    """`count` rows like `sample`, one in each millisecond up to `newest` (Unix ms). All have the partition's value."""

    sample: Mapping[str, Any]
    count: int
    newest: int

    def sort_key(self, place: int) -> str:
        """The key of the row at a place, the oldest at 0."""
        prefix = self.sample["sk"]["S"].partition("_")[0]
        at = self._at(place)
        return derived_id(prefix, f"{prefix}_{first_at(at)}", str(place))

    def _at(self, place: int) -> int:
        return self.newest - self.count + 1 + place

    def _row(self, place: int) -> dict[str, Any]:
        """The row at a place: its key and its times are its own."""
        started = f'"startedAt":{self._at(place)}'
        attempts = [{"S": _STARTED.sub(started, one["S"])} for one in self.sample.get("attempts", {"L": []})["L"]]
        own = {"attempts": {"L": attempts}} if attempts else {"at": {"N": str(self._at(place))}}
        return {**self.sample, "sk": {"S": self.sort_key(place)}, **own}

    def place(self, key: str) -> int:
        """How many rows have a smaller key."""
        return bisect.bisect_left(range(self.count), key, key=self.sort_key)

    def query(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """What DynamoDB answers."""
        if unknown := params.keys() - _KNOWN:
            raise NotImplementedError(unknown)
        low, high = self._between(params)
        order = range(low, high) if params["ScanIndexForward"] else range(high - 1, low - 1, -1)
        if start := params.get("ExclusiveStartKey"):
            at = self.place(start["sk"]["S"])
            order = range(at + 1, high) if params["ScanIndexForward"] else range(at - 1, low - 1, -1)
        items: list[dict[str, Any]] = []
        size = 0
        for place in order[: params["Limit"]]:
            items.append(self._row(place))
            size += item_size(items[-1])
            if size >= _PAGE_BYTES:
                break
        answer: dict[str, Any] = {"Items": items, "Count": len(items)}
        # As DynamoDB does it: reaching the limit is more to come, even behind the last row.
        if items and (len(items) < len(order) or len(items) == params["Limit"]):
            key_names = {"pk", "sk", params["ExpressionAttributeNames"]["#k"]}
            answer["LastEvaluatedKey"] = {name: items[-1][name] for name in key_names}
        return answer

    def _between(self, params: Mapping[str, Any]) -> tuple[int, int]:
        names, values = params["ExpressionAttributeNames"], params["ExpressionAttributeValues"]
        if values[":k"] != self.sample[names["#k"]]:
            raise NotImplementedError(values[":k"])
        if params["KeyConditionExpression"] == _WHOLE:
            return 0, self.count
        if params["KeyConditionExpression"] != _BETWEEN or names["#s"] != "sk":
            raise NotImplementedError(params["KeyConditionExpression"])
        low, high = values[":low"]["S"], values[":high"]["S"]
        return self.place(low), self.place(high + "\0")


@contextmanager
def standing_in(rows: Rows, table: str) -> Iterator[None]:
    """Answers every Query of a table from `rows` while the block runs."""
    asked: dict[str, Any] = {}

    def note(params: dict[str, Any], **_: Any) -> None:
        asked.update(request=params)

    def answer(**_: Any) -> tuple[Any, dict[str, Any]] | None:
        request = asked["request"]
        return (SimpleNamespace(status_code=200), rows.query(request)) if request["TableName"] == table else None

    events = aws.dynamodb().meta.events
    events.register("provide-client-params.dynamodb.Query", note, unique_id="many-note")
    events.register_first("before-call.dynamodb.Query", answer, unique_id="many-answer")
    try:
        yield
    finally:
        events.unregister("provide-client-params.dynamodb.Query", unique_id="many-note")
        events.unregister("before-call.dynamodb.Query", unique_id="many-answer")

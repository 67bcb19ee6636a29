"""DynamoDB attribute values, conditional updates and bounded queries: what all repositories share.

Stored values are strings, whole numbers, booleans, bytes, lists of strings and maps of strings; anything deeper is
stored as canonical JSON text, so DynamoDB's numbers never touch a tenant's data.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from botocore.exceptions import ClientError

from jobsprint.core import aws

Value: TypeAlias = str | int | bool | bytes | list[str] | dict[str, str]
Item: TypeAlias = dict[str, Any]
_Answer = TypeVar("_Answer")

MAX_READ = 1000
_PAGE = 250
_ALIAS = re.compile(r"#(\w+)")


def marshal(value: Value) -> dict[str, Any]:
    """The DynamoDB attribute value of `value`."""
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case list():
            return {"L": [{"S": text} for text in value]}
        case dict():
            return {"M": {name: {"S": text} for name, text in value.items()}}


def marshal_item(item: Mapping[str, Value | None]) -> dict[str, Any]:
    """The attribute map of `item` without its absent (None) values."""
    return {name: marshal(value) for name, value in item.items() if value is not None}


def _unmarshal(attribute: Mapping[str, Any]) -> Any:
    [(kind, value)] = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "L":
            return [_unmarshal(element) for element in value]
        case "M":
            return {name: _unmarshal(element) for name, element in value.items()}
        case _:
            return value


def unmarshal_item(attributes: Mapping[str, Any]) -> Item:
    """The plain values of an attribute map."""
    return {name: _unmarshal(attribute) for name, attribute in attributes.items()}


@dataclass(frozen=True)
class Lost:
    """A write whose condition did not hold.

    `item` is the current item: empty where there is none, or where the write did not ask for it by
    `ReturnValuesOnConditionCheckFailure="ALL_OLD"`.
    """

    item: Item


def try_write(write: Callable[[], _Answer]) -> _Answer | Lost:
    """The response to a conditional write, or the item that refused it. Any other error of DynamoDB is raised."""
    try:
        return write()
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
        current: Any = error.response.get("Item", {})
        return Lost(unmarshal_item(current))


def written(write: Callable[[], object]) -> bool:
    """Whether the condition of a write held, and it was done. Any other error of DynamoDB is raised."""
    return not isinstance(try_write(write), Lost)


def update_item(
    table: str,
    key: Mapping[str, str],
    changes: Mapping[str, Value | None],
    *,
    condition: str,
    values: Mapping[str, Value] | None = None,
    expressions: Mapping[str, str] | None = None,
) -> Item | Lost:
    """Change an item in one write if `condition` holds, and return it as it is afterwards; else the current item.

    A change to None removes its attribute. Every attribute is written `#name`, as some names are reserved words, and
    the new value of a change is `:name`. `values` are further ones that the condition or an expression names.
    `expressions` set an attribute otherwise: {"createdAt": "if_not_exists(#createdAt, :createdAt)"}.
    """
    present = {name: value for name, value in changes.items() if value is not None}
    sets = {**{name: f":{name}" for name in present}, **(expressions or {})}
    removes = [f"#{name}" for name, value in changes.items() if value is None]
    update = f"SET {', '.join(f'#{name} = {expression}' for name, expression in sets.items())}"
    if removes:
        update += f" REMOVE {', '.join(removes)}"
    answer = try_write(
        lambda: aws.dynamodb().update_item(
            TableName=table,
            Key=marshal_item(key),
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeNames={f"#{name}": name for name in _ALIAS.findall(f"{update} {condition}")},
            ExpressionAttributeValues=marshal_item(
                {**{f":{name}": present[name] for name in present}, **(values or {})}
            ),
            ReturnValues="ALL_NEW",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    )
    return answer if isinstance(answer, Lost) else unmarshal_item(answer["Attributes"])


def live(item: Item, now: int) -> bool:
    """Whether an item's time to live has not passed: DynamoDB deletes late, so readers judge too. `now` in ms."""
    return "expiresAt" not in item or int(item["expiresAt"]) * 1000 > now


@dataclass(frozen=True)
class Page:
    """Items of one page, and the sort key to go on from, or None at the end."""

    items: list[Item]
    position: str | None


@dataclass(frozen=True)
class Query:
    """A key query, newest first unless `ascending`.

    `key` is the partition attribute and its value; `low` and `high` bound the sort key, both included. `resume` gives
    the exclusive start key of a position. `fields` are the attributes to read; all, if there are none.
    """

    table: str
    key: tuple[str, str]
    resume: Callable[[str], Mapping[str, str]]
    sort: str = "sk"
    index: str | None = None
    low: str | None = None
    high: str | None = None
    consistent: bool = True
    ascending: bool = False
    fields: tuple[str, ...] = ()

    def request(self, limit: int, position: str | None) -> dict[str, Any]:
        """The arguments of DynamoDB's Query."""
        names = {"#k": self.key[0]}
        values = {":k": self.key[1]}
        condition = "#k = :k"
        if self.low is not None and self.high is not None:
            names["#s"] = self.sort
            values |= {":low": self.low, ":high": self.high}
            condition += " AND #s BETWEEN :low AND :high"
        projected = _projected(self.fields)
        request: dict[str, Any] = {
            "TableName": self.table,
            "KeyConditionExpression": condition,
            **projected,
            "ExpressionAttributeNames": names | projected.get("ExpressionAttributeNames", {}),
            "ExpressionAttributeValues": marshal_item(values),
            "ScanIndexForward": self.ascending,
            "ConsistentRead": self.consistent,
            "Limit": limit,
        }
        if self.index:
            request["IndexName"] = self.index
        if position is not None:
            request["ExclusiveStartKey"] = marshal_item(dict(self.resume(position)))
        return request


def read_page(
    query: Query,
    *,
    limit: int,
    position: str | None,
    position_of: Callable[[Item], str],
    keep: Callable[[Item], bool],
    load: Callable[[list[Item]], Iterable[Item | None]] | None = None,
) -> Page:
    """Up to `limit` items that `keep` accepts, in the query's order, reading at most 1,000.

    A page may be shorter than `limit` while there is more: `position` then points behind the last item read. `load`
    gives the whole items, in order, for those of an index that holds keys only; None for what is gone.
    """
    if query.low is not None and query.high is not None and query.low > query.high:
        return Page([], None)  # DynamoDB refuses an empty range
    kept: list[Item] = []
    read = 0
    while read < MAX_READ:
        # One more than asked for shows whether there is more.
        batch = min(_PAGE, MAX_READ - read) if read or limit > _PAGE else limit + 1
        answer = aws.dynamodb().query(**query.request(batch, position))
        items = [unmarshal_item(attributes) for attributes in answer["Items"]]
        for item, whole in zip(items, load(items) if load else items, strict=True):
            position = position_of(item)
            if whole is not None and keep(whole):
                kept.append(whole)
                if len(kept) == limit:
                    return Page(kept, position if "LastEvaluatedKey" in answer or item is not items[-1] else None)
        read += len(items)
        if "LastEvaluatedKey" not in answer:
            return Page(kept, None)
    return Page(kept, position)


def batch_get(
    table: str, keys: Iterable[Mapping[str, str]], *, consistent: bool = False, fields: Sequence[str] = ()
) -> list[Item]:
    """The items of at most 100 `keys` that exist, in no order, with these `fields` or all.

    What DynamoDB leaves unprocessed is asked again.
    """
    request = {"Keys": [marshal_item(dict(key)) for key in keys], "ConsistentRead": consistent, **_projected(fields)}
    pending: Any = {table: request}
    found: list[Item] = []
    while pending and pending[table]["Keys"]:
        answer = aws.dynamodb().batch_get_item(RequestItems=pending)
        found += [unmarshal_item(attributes) for attributes in answer["Responses"].get(table, [])]
        pending = answer.get("UnprocessedKeys")
    return found


def _projected(fields: Sequence[str]) -> dict[str, Any]:
    """The arguments of a read that limit it to these fields."""
    if not fields:
        return {}
    names = {f"#f{number}": name for number, name in enumerate(fields)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names}


# Two first parts fit into one item, so that one text can take the place of another in a single write.
PART_CHARACTERS = 180_000


def keep_rest(table: str, pk: str, sk: str, text: str, *, expires: int) -> tuple[str, int]:
    """Store all of `text` but its first part, and return that and the number of parts. `expires` in Unix seconds."""
    first, *more = (text[start : start + PART_CHARACTERS] for start in range(0, max(1, len(text)), PART_CHARACTERS))
    for number, part in enumerate(more, 1):
        item: dict[str, Value | None] = {"pk": pk, "sk": f"{sk}#{number}", "part": part, "expiresAt": expires}
        aws.dynamodb().put_item(TableName=table, Item=marshal_item(item))
    return first, len(more) + 1


def whole(table: str, pk: str, sk: str, first: str, parts: int) -> str:
    """The text whose first part is `first`."""
    return "".join([first, *(_part(table, pk, f"{sk}#{number}") for number in range(1, parts))])


def _part(table: str, pk: str, sk: str) -> str:
    key = marshal_item({"pk": pk, "sk": sk})
    answer = aws.dynamodb().get_item(TableName=table, Key=key, ConsistentRead=True)
    return str(unmarshal_item(answer["Item"])["part"])

"""Texts longer than DynamoDB takes in one item (400 KB): the first part stands in the item, the others beside it.

The further items have the same partition key and `<sk>#1`, `<sk>#2`, …
"""

from jobsprint import aws
from jobsprint.store.table import Value, marshal_item, unmarshal_item

# Two first parts fit into one item, so that one text can take the place of another in a single write.
PART_CHARACTERS = 180_000


def keep_rest(table: str, pk: str, sk: str, text: str, *, expires: int) -> tuple[str, int]:
    """Keeps all of `text` but its first part, and gives that and the number of parts. `expires` in Unix seconds."""
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

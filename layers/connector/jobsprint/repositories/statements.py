"""Conditional writes to several items in one call: PartiQL statements through BatchExecuteStatement.

Each statement is a write of its own and bills what the same PutItem or UpdateItem would; the call answers for each
(https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementError.html). What they save is the
CPU of a call for each. No value may be bytes: botocore hands the values on as they are
(`layers/dependencies/aws_models.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.repositories.dynamodb import Value, marshal, marshal_item

_MOST = 25  # statements of one call
_CONDITION_FAILED = frozenset({"ConditionalCheckFailed", "DuplicateItem"})


@dataclass(frozen=True)
class Statement:
    """A write to one item: its PartiQL and the values of the question marks. `item` names what it writes to."""

    text: str
    parameters: list[dict[str, Any]]
    item: tuple[str, ...]


def insert(table: str, key: Mapping[str, str], attributes: Mapping[str, Value]) -> Statement:
    """Makes an item unless there is one with that key."""
    item: dict[str, Value] = {**key, **attributes}
    places = ", ".join(f"'{name}': ?" for name in item)
    return Statement(f'INSERT INTO "{table}" VALUE {{{places}}}', list(marshal_item(item).values()), _named(table, key))


def update(
    table: str, key: Mapping[str, str], changes: Mapping[str, Value], *, remove: Sequence[str], where: Mapping[str, str]
) -> Statement:
    """Sets and removes attributes of an item that has exactly these values in `where`."""
    sets = " ".join(f'SET "{name}" = ?' for name in changes)
    removes = "".join(f' REMOVE "{name}"' for name in remove)
    conditions = {**key, **where}
    condition = " AND ".join(f'"{name}" = ?' for name in conditions)
    return Statement(
        f'UPDATE "{table}" {sets}{removes} WHERE {condition}',
        [marshal(value) for value in (*changes.values(), *conditions.values())],
        _named(table, key),
    )


def _named(table: str, key: Mapping[str, str]) -> tuple[str, ...]:
    return (table, *key.values())


def _ignored(_: str) -> None:
    pass


def run(statements: Sequence[Statement], on_fault: Callable[[str], None] = _ignored) -> list[bool]:
    """Runs the statements and says of each whether it was written.

    False is no verdict: its condition failed, DynamoDB was throttled or broken for this one, or another statement here
    writes to the same item (which one call may not). A write of its own tells. `on_fault` is called with DynamoDB's
    code for each that failed by no condition: should that last, every write takes a second call. Raises where a call
    fails as a whole; then any of its statements may have been written.
    """
    firsts = {statement.item: place for place, statement in reversed(list(enumerate(statements)))}
    places = sorted(firsts.values())
    written = [False] * len(statements)
    for start in range(0, len(places), _MOST):
        chunk = places[start : start + _MOST]
        answer = aws.dynamodb().batch_execute_statement(
            Statements=[{"Statement": statements[n].text, "Parameters": statements[n].parameters} for n in chunk]
        )
        for place, response in zip(chunk, answer["Responses"], strict=True):
            code = response.get("Error", {}).get("Code")
            written[place] = code is None
            if code is not None and code not in _CONDITION_FAILED:
                on_fault(code)
    return written

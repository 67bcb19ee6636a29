"""BatchExecuteStatement for moto, which knows no conditions there: inserts and updates as DynamoDB judges them.

Only what `repositories.statements` writes is understood; anything else is a NotImplementedError rather than a guess.
Each statement is turned into the PutItem or UpdateItem that it is, so that moto's own conditions decide.
"""

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

_INSERT = re.compile(r"""INSERT INTO "(?P<table>[\w.-]+)" VALUE \{(?P<fields>.*)\}""")
_FIELD = re.compile(r"'(\w+)': \?")
_UPDATE = re.compile(r'UPDATE "(?P<table>[\w.-]+)" (?P<changes>.*) WHERE (?P<where>.*)')
_SET, _REMOVE, _EQUALS = re.compile(r'SET "(\w+)" = \?'), re.compile(r'REMOVE "(\w+)"'), re.compile(r'"(\w+)" = \?')
_MOST = 25

Attributes = Mapping[str, Any]


@dataclass(frozen=True)
class Write:
    """One statement, read. `where` is None for an insert, whose `sets` are the whole item."""

    table: str
    sets: Attributes
    removes: tuple[str, ...] = ()
    where: Attributes | None = None

    def key(self, names: list[str]) -> dict[str, Any]:
        """The key of the item it writes to; `names` are the table's key attributes."""
        named = self.sets if self.where is None else self.where
        return {name: named[name] for name in names}


def read(text: str, parameters: list[dict[str, Any]]) -> Write:
    """What a statement does. Raises NotImplementedError for one that is not understood to the last character."""
    values = iter(parameters)
    if found := _INSERT.fullmatch(text):
        fields = _all(_FIELD, found["fields"], ", ")
        written = Write(found["table"], dict(zip(fields, values, strict=False)))
    elif found := _UPDATE.fullmatch(text):
        sets = [match[1] for match in _SET.finditer(found["changes"])]
        removes = [match[1] for match in _REMOVE.finditer(found["changes"])]
        if " ".join([*(f'SET "{n}" = ?' for n in sets), *(f'REMOVE "{n}"' for n in removes)]) != found["changes"]:
            raise NotImplementedError(text)
        changes = dict(zip(sets, values, strict=False))
        where = dict(zip(_all(_EQUALS, found["where"], " AND "), values, strict=False))
        written = Write(found["table"], changes, tuple(removes), where)
    else:
        raise NotImplementedError(text)
    if next(values, None) is not None or text.count("?") != len(parameters):
        raise NotImplementedError(f"{len(parameters)} parameters for {text}")
    return written


def _all(part: re.Pattern[str], text: str, between: str) -> list[str]:
    found = [part.fullmatch(piece) for piece in text.split(between)]
    names = [match[1] for match in found if match]
    if len(names) != len(found):
        raise NotImplementedError(text)
    return names


@contextmanager
def conditions_hold() -> Iterator[None]:
    """While the block runs, moto honours the conditions of batches, and works one request at a time.

    It judges a condition in one step and writes in another, and changes an item attribute by attribute; in DynamoDB
    nobody sees anything in between.
    """
    from moto.core.botocore_stubber import BotocoreStubber
    from moto.dynamodb.responses import DynamoHandler

    lock, work = threading.RLock(), BotocoreStubber.__call__

    def one_at_a_time(stubber: Any, *given: Any, **named: Any) -> Any:
        with lock:
            return work(stubber, *given, **named)

    def batch_execute_statement(handler: Any) -> Any:
        from moto.core.responses import ActionResult
        from moto.dynamodb.exceptions import MockValidationException

        asked = handler.body["Statements"]
        writes = [read(one["Statement"], one.get("Parameters", [])) for one in asked]
        if not 0 < len(writes) <= _MOST:
            raise MockValidationException(f"Member must have length less than or equal to {_MOST}")
        backend = handler.dynamodb_backend
        items = [(write.table, str(write.key(_key_names(backend, write)))) for write in writes]
        if len(set(items)) < len(items):
            raise MockValidationException("Provided list of item keys contains duplicates")
        return ActionResult({"Responses": [_answer(backend, write) for write in writes]})

    with (
        patch.object(DynamoHandler, "batch_execute_statement", batch_execute_statement),
        patch.object(BotocoreStubber, "__call__", one_at_a_time),
    ):
        yield


def _key_names(backend: Any, write: Write) -> list[str]:
    return list(backend.get_table(write.table).table_key_attrs)


def _answer(backend: Any, write: Write) -> dict[str, Any]:
    from moto.dynamodb.exceptions import ConditionalCheckFailed

    try:
        (_update if write.where else _insert)(backend, write)
    except ConditionalCheckFailed:
        code = "ConditionalCheckFailed" if write.where else "DuplicateItem"
        return {"Error": {"Code": code, "Message": "refused"}}
    return {"TableName": write.table}


def _insert(backend: Any, write: Write) -> None:
    first = _key_names(backend, write)[0]
    backend.put_item(
        write.table,
        dict(write.sets),
        condition_expression="attribute_not_exists(#key)",
        expression_attribute_names={"#key": first},
        expression_attribute_values={},
    )


def _update(backend: Any, write: Write) -> None:
    assert write.where
    sets, wheres = list(write.sets), list(write.where)
    names = {f"#s{n}": name for n, name in enumerate(sets)} | {f"#w{n}": name for n, name in enumerate(wheres)}
    names |= {f"#r{n}": name for n, name in enumerate(write.removes)}
    removes = f" REMOVE {', '.join(f'#r{n}' for n in range(len(write.removes)))}" if write.removes else ""
    backend.update_item(
        write.table,
        write.key(_key_names(backend, write)),
        f"SET {', '.join(f'#s{n} = :s{n}' for n in range(len(sets)))}{removes}",
        names,
        {f":s{n}": write.sets[name] for n, name in enumerate(sets)}
        | {f":w{n}": write.where[name] for n, name in enumerate(wheres)},
        condition_expression=" AND ".join(f"#w{n} = :w{n}" for n in range(len(wheres))),
    )

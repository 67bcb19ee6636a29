"""The tests' own reader of statements guesses nothing."""

from typing import Any

import pytest

from jobsprint.repositories import statements
from tests.support import partiql

KEY = {"pk": "a#b", "sk": "c"}
ONE: list[dict[str, Any]] = [{"S": "x"}]


def test_it_reads_what_the_store_writes() -> None:
    insert = statements.insert("T", KEY, {"n": 1, "list": ["x"]})
    read = partiql.read(insert.text, insert.parameters)
    assert (read.table, read.where) == ("T", None)
    assert read.sets == {"pk": {"S": "a#b"}, "sk": {"S": "c"}, "n": {"N": "1"}, "list": {"L": [{"S": "x"}]}}
    update = statements.update("T", KEY, {"n": 2}, remove=("a", "b"), where={"claim": "me"})
    read = partiql.read(update.text, update.parameters)
    assert (read.sets, read.removes) == ({"n": {"N": "2"}}, ("a", "b"))
    assert read.where == {"pk": {"S": "a#b"}, "sk": {"S": "c"}, "claim": {"S": "me"}}
    assert read.key(["pk", "sk"]) == {"pk": {"S": "a#b"}, "sk": {"S": "c"}}


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ('SELECT * FROM "T" WHERE "pk" = ?', ONE),
        ('DELETE FROM "T" WHERE "pk" = ?', ONE),
        ("INSERT INTO \"T\" VALUE {'pk': 'x'}", []),
        ("INSERT INTO \"T\" VALUE {'pk': ?, 'sk': ?}", ONE),
        ("INSERT INTO \"T\" VALUE {'pk': ?}", ONE * 2),
        ('UPDATE "T" SET "a" = 1 WHERE "pk" = ?', ONE),
        ('UPDATE "T" SET "a" = ? WHERE "pk" = ? OR "sk" = ?', ONE * 3),
        ('UPDATE "T" SET "a" = list_append("a", ?) WHERE "pk" = ?', ONE * 2),
    ],
)
def test_it_refuses_what_it_does_not_understand(text: str, parameters: list[dict[str, Any]]) -> None:
    with pytest.raises(NotImplementedError):
        partiql.read(text, parameters)

"""Limits of our own code: lines of a file and of a handler, and words that it does not use."""

import re

from tests.support.sources import FUNCTIONS, sources
from tests.support.template import ROOT

MAX_LINES, MAX_HANDLER_LINES = 450, 60

# Private words and old spellings; docs/api-contract.md is what a comment refers to.
BANNED = re.compile(
    r"\banew\b|whoever|what bec[ao]mes? of|the other side|ticket|untold|\btelling\b|\bvett(ed|ing)\b|"
    r"contract,? section|\bthe seed\b|design\.md",
    re.IGNORECASE,
)


def lines(text: str) -> int:
    return text.count("\n")


def test_no_file_and_no_handler_is_too_long() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): lines(path.read_text("utf-8"))
        for path in sources()
        if lines(path.read_text("utf-8")) > (MAX_HANDLER_LINES if path.is_relative_to(FUNCTIONS) else MAX_LINES)
    }
    assert found == {}


def test_no_package_uses_a_banned_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: {match[0]}"
        for path in sources()
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if (match := BANNED.search(line))
    ]
    assert found == []

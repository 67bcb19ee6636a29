"""Words that say the same of an action, or nearly: which others each may stand for, by their stems.

An agent that asks for an action seldom uses its words: `drop a line` is `send_message`. They stand in `synonyms.txt`,
a group on a line: words that stand for each other, or behind a `>` what the words before it mean.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jobsprint.catalog.text import stem, words

_FILE = Path(__file__).with_name("synonyms.txt")

READ = "get list find retrieve fetch show read search query"
"""What a question asks for."""


@cache
def standing_for() -> dict[str, frozenset[str]]:
    """For the stem of each word those that it may stand for, without itself."""
    found: dict[str, set[str]] = {}
    for word, other in _pairs():
        if word != other:
            found.setdefault(word, set()).add(other)
    return {word: frozenset(others) for word, others in found.items()}


@cache
def verbs() -> frozenset[str]:
    """The stems of words that say what is to be done."""
    return frozenset(stem(word) for group in _sections()["verbs"] for word in words(group))


@cache
def beginnings() -> dict[str, list[str]]:
    """What a noun means that begins a request, as `["send", "email"]` for `email`."""
    pairs = (line.split(" > ") for line in _sections()["beginnings"])
    return {noun: meant.split() for noun, meant in pairs}


def _pairs() -> Iterator[tuple[str, str]]:
    for group in _sections()["verbs"] + _sections()["nouns"]:
        stems = [stem(word) for word in words(group)]
        yield from ((one, other) for one in stems for other in stems)
    for line in _sections()["others"]:
        left, right = ([stem(word) for word in words(side)] for side in line.split(">"))
        yield from ((one, other) for one in left for other in right)


@cache
def _sections() -> dict[str, list[str]]:
    """The lines below each heading, read once per container."""
    sections: dict[str, list[str]] = {}
    name = ""
    for line in _FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            name = line[2:].partition(":")[0]
            sections[name] = []
        elif line:
            sections[name].append(line)
    return sections

"""Event patterns in EventBridge's syntax: `Pattern.of` reads one, `Pattern.matches` tests a document.

    {"event": ["order.paid"], "data": {"amount": [{"numeric": [">", 100]}], "tags": ["vip", {"prefix": "eu-"}]}}

Every field of a pattern must be met, by any of the tests in its list. `$or` holds alternatives. Tests see only leaves:
strings, numbers, true, false and null. A list in the document stands for each of its elements, and fields below it must
be met by one and the same element.

The rules are those of the EventBridge user guide, "Comparison operators for use in event patterns", and where it is
silent those of aws/event-ruler, which EventBridge runs on: `exists` sees leaves only, `{}` and `[]` have none, and
`anything-but` also lets pass what is no string. Where this differs:

- Numbers are compared by value, over all doubles (the guide says: to 5e9 with 15 digits).
- A dot in a field's name is a dot, never a path. A field may be tested once in each alternative.
- Texts that ignore case are compared case-folded (Unicode, section 3.13), and addresses in plain values as text.
- A test for absence beside others below a list applies to the element that meets those, in any order of the fields.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobsprint.core.canonical_json import JsonValue
from jobsprint.domain.event_pattern_syntax import MAX_ALTERNATIVES, MAX_BYTES, Flaw, Leaf, Path, Reader

__all__ = [
    "EFFORT",
    "MAX_ALTERNATIVES",
    "MAX_BYTES",
    "MAX_FLAWS",
    "Effort",
    "Exhausted",
    "Flaw",
    "Pattern",
    "PatternError",
]

MAX_FLAWS = 20
"""Flaws reported for one pattern."""

EFFORT = 500_000
"""Steps of matching, each about 0.5 µs: more than any sensible filter takes on 200 KB."""

# What an assignment of leaves to the fields of a node can be: impossible, all of them absent, or with a leaf.
_NO, _ABSENT, _YES = 0, 1, 2
_CHARACTERS_A_STEP = 1000


class PatternError(ValueError):
    """Not a usable pattern; `flaws` is never empty."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, flaw.where)) or 'pattern'}: {flaw.reason}" for flaw in flaws))
        self.flaws = flaws


class Exhausted(Exception):
    """The document is too large for this pattern: the effort was used up before there was a result."""


class Effort:
    """A budget of matching steps; several matches can share one."""

    __slots__ = ("_left",)

    def __init__(self, steps: int = EFFORT) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Use up `steps`. Raises Exhausted when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise Exhausted("This pattern takes too many steps on this document")


@dataclass
class _Node:
    """The tests at one place of the document; `absence` is the result where the document has nothing there."""

    leaf: Leaf | None = None
    fields: dict[str, "_Node"] = field(default_factory=dict)
    absence: int = _ABSENT


@dataclass(frozen=True)
class Pattern:
    """A pattern ready to match documents: its alternatives, each a tree of fields."""

    _alternatives: tuple[_Node, ...]

    @classmethod
    def of(cls, pattern: Mapping[str, JsonValue], fields: Collection[str] = ()) -> "Pattern":
        """Read a pattern. Raises PatternError with up to `MAX_FLAWS` flaws.

        Its outermost names must be among `fields`, if there are any.
        """
        reader = Reader(fields)
        alternatives = reader.read(dict(pattern))
        if reader.flaws:
            raise PatternError(tuple(reader.flaws[:MAX_FLAWS]))
        return cls(tuple(map(_tree, alternatives)))

    def matches(self, document: Mapping[str, JsonValue], effort: Effort | None = None) -> bool:
        """Whether the document meets the pattern. Raises Exhausted when that takes more than the effort."""
        effort = effort or Effort()
        return any(_fit(alternative, document, effort) != _NO for alternative in self._alternatives)


def _fit(node: _Node, value: Any, effort: Effort) -> int:
    if isinstance(value, dict):
        return _fit_object(node, value, effort)
    if isinstance(value, list):
        return _fit_list(node, value, effort)
    if any(child.absence == _NO for child in node.fields.values()):
        return _NO
    if node.leaf is None:
        return _ABSENT
    return _YES if _takes(node.leaf, value, effort) else _NO


def _fit_object(node: _Node, members: dict[str, Any], effort: Effort) -> int:
    effort.spend(1 + len(node.fields))
    if node.leaf is not None and not node.leaf.absent:
        return _NO
    best = _ABSENT
    for name, child in node.fields.items():
        found = _fit(child, members[name], effort) if name in members else child.absence
        if found == _NO:
            return _NO
        best = max(best, found)
    return best


def _fit_list(node: _Node, elements: list[Any], effort: Effort) -> int:
    """Any leaf of the list may meet a test; the fields below a nested element must all be met by that one element."""
    effort.spend(1 + len(elements) // 10)
    nested = [element for element in elements if isinstance(element, dict | list)]
    met = False
    if node.leaf is not None and len(nested) < len(elements):
        leaf = node.leaf
        met = any(_takes(leaf, element, effort) for element in elements if not isinstance(element, dict | list))
        if met and not node.fields:
            return _YES
        node = _node(None if met else replace(node.leaf, absent=False), node.fields)
    all_absent = node.absence == _ABSENT
    for element in nested:
        found = _fit(node, element, effort)
        if found == _YES:
            return _YES
        all_absent = all_absent and found == _ABSENT
    if not all_absent:
        return _NO
    return _YES if met else _ABSENT


def _node(leaf: Leaf | None, fields: dict[str, _Node]) -> _Node:
    absent = (leaf is None or leaf.absent) and all(child.absence == _ABSENT for child in fields.values())
    return _Node(leaf, fields, _ABSENT if absent else _NO)


def _tree(leaves: Mapping[Path, Leaf]) -> _Node:
    """The fields of one alternative as a tree."""
    own = leaves.get(())
    below: dict[str, dict[Path, Leaf]] = {}
    for path, leaf in leaves.items():
        if path:
            below.setdefault(path[0], {})[path[1:]] = leaf
    return _node(own, {name: _tree(rest) for name, rest in below.items()})


def _takes(leaf: Leaf, value: Any, effort: Effort) -> bool:
    """Whether a leaf of the document meets one of the tests."""
    effort.spend(leaf.weight * (1 + len(value) // _CHARACTERS_A_STEP if isinstance(value, str) else 1))
    return leaf.accepts(value)

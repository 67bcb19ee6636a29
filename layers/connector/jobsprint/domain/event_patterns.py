"""Event patterns in EventBridge's syntax: read once, then matched against documents.

    {"event": ["order.paid"], "data": {"amount": [{"numeric": [">", 100]}], "tags": ["vip", {"prefix": "eu-"}]}}

Every field of a pattern must be met, by any of the tests in its list. `$or` holds alternatives. What a test sees are
leaves: strings, numbers, true, false and null. A list in the document stands for each of its elements, and fields below
it must be met by one and the same element.

The rules are those of the EventBridge user guide, "Comparison operators for use in event patterns", and where it is
silent those of aws/event-ruler, which EventBridge runs on: `exists` sees leaves only, `{}` and `[]` have none, and
`anything-but` also lets pass what is no string. Where this differs:

- Numbers are compared by value, over all doubles (the guide says: to 5e9 with 15 digits).
- A dot in a field's name is a dot, never a path. A field may be tested once in each alternative.
- Texts that ignore case are compared case-folded (Unicode, section 3.13), and addresses in plain values as text.
- A test for absence beside others below a list is judged in the element that meets those, whatever the fields' order.
"""

import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonValue

MAX_BYTES = 4096
"""UTF-8 bytes of a pattern as canonical JSON."""

MAX_ALTERNATIVES = 32
"""Ways to meet a pattern: those of each `$or`, multiplied. Each is one walk over the document."""

MAX_FLAWS = 20

EFFORT = 500_000
"""Steps of matching, each about 0.5 µs: more than any filter of sense takes on 200 KB."""

Step: TypeAlias = str | int
Where: TypeAlias = tuple[Step, ...]
Scalar: TypeAlias = str | int | float | bool | None
_Test: TypeAlias = Callable[[Any], bool]
_Path: TypeAlias = tuple[str, ...]

OR = "$or"
# Also names that event-ruler keeps for later: a pattern must mean the same there.
_RESERVED_IN_OR = frozenset(
    "exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard "
    "not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range "
    "ip-address-in-range ip-address-not-in-range".split()
)
_ADDRESS = re.compile(r"[0-9a-fA-F:.]{2,45}")
_WILDCARD_PARTS = re.compile(r"\\[\\*]|\*+|[^\\*]+|\\")
# What an assignment of leaves to the fields of a node can be: impossible, all of them absent, or with a leaf.
_NO, _ABSENT, _YES = 0, 1, 2
_CHARACTERS_A_STEP = 1000


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with a pattern: the steps that lead there, such as `("data", "amount", 0, "numeric")`."""

    where: Where
    reason: str


class PatternError(ValueError):
    """Not a usable pattern; `flaws` is never empty."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, flaw.where)) or 'pattern'}: {flaw.reason}" for flaw in flaws))
        self.flaws = flaws


class Exhausted(Exception):
    """The document is too large for this pattern: its effort was used up before there was an answer."""


class Effort:
    """What matching may still cost; several matches can share one."""

    __slots__ = ("_left",)

    def __init__(self, steps: int = EFFORT) -> None:
        self._left = steps

    def spend(self, steps: int) -> None:
        """Takes `steps` off. Raises Exhausted when there are none left."""
        self._left -= steps
        if self._left < 0:
            raise Exhausted("This pattern takes too many steps on this document")


@dataclass(frozen=True)
class _Leaf:
    """The tests of one field, any of which is enough; `absent`: it may also be missing.

    `weight` is the number of comparisons that one leaf of the document may take.
    """

    texts: frozenset[str] = frozenset()
    numbers: frozenset[float] = frozenset()
    constants: tuple[bool | None, ...] = ()
    tests: tuple[_Test, ...] = ()
    absent: bool = False
    weight: int = 1

    def takes(self, value: Any, effort: Effort) -> bool:
        """Whether a leaf of the document meets one of the tests."""
        effort.spend(self.weight * (1 + len(value) // _CHARACTERS_A_STEP if isinstance(value, str) else 1))
        return self.holds(value) or any(test(value) for test in self.tests)

    def holds(self, value: Any) -> bool:
        """Whether it is one of the plain values."""
        if isinstance(value, str):
            return value in self.texts
        if value is None or isinstance(value, bool):
            return any(value is constant for constant in self.constants)
        return value in self.numbers


@dataclass
class _Node:
    """What must hold at one place of the document; `absence` is what it is worth where there is nothing."""

    leaf: _Leaf | None = None
    fields: dict[str, "_Node"] = field(default_factory=dict)
    absence: int = _ABSENT


@dataclass(frozen=True)
class Pattern:
    """A pattern that was read: its alternatives, each a tree of fields."""

    _alternatives: tuple[_Node, ...]

    @classmethod
    def of(cls, pattern: Mapping[str, JsonValue], fields: Collection[str] = ()) -> "Pattern":
        """Reads a pattern. Raises PatternError with up to `MAX_FLAWS` flaws.

        Its outermost names must be among `fields`, if there are any.
        """
        reader = _Reader(fields)
        alternatives = reader.read(dict(pattern))
        if reader.flaws:
            raise PatternError(tuple(reader.flaws[:MAX_FLAWS]))
        return cls(tuple(map(_tree, alternatives)))

    def matches(self, document: Mapping[str, JsonValue], effort: Effort | None = None) -> bool:
        """Whether the document meets the pattern. Raises Exhausted when that takes more than the effort."""
        effort = effort or Effort()
        return any(_fit(alternative, document, effort) != _NO for alternative in self._alternatives)


# --- Matching ---------------------------------------------------------------------------------------------------------


def _fit(node: _Node, value: Any, effort: Effort) -> int:
    if isinstance(value, dict):
        return _fit_object(node, value, effort)
    if isinstance(value, list):
        return _fit_list(node, value, effort)
    if any(child.absence == _NO for child in node.fields.values()):
        return _NO
    if node.leaf is None:
        return _ABSENT
    return _YES if node.leaf.takes(value, effort) else _NO


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
    """Leaves right in the list are free for all; what is below a nested element must be met by that one alone."""
    effort.spend(1 + len(elements) // 10)
    nested = [element for element in elements if isinstance(element, dict | list)]
    met = False
    if node.leaf is not None and len(nested) < len(elements):
        takes = node.leaf.takes
        met = any(takes(element, effort) for element in elements if not isinstance(element, dict | list))
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


def _node(leaf: _Leaf | None, fields: dict[str, _Node]) -> _Node:
    absent = (leaf is None or leaf.absent) and all(child.absence == _ABSENT for child in fields.values())
    return _Node(leaf, fields, _ABSENT if absent else _NO)


def _tree(leaves: Mapping[_Path, _Leaf]) -> _Node:
    """The fields of one alternative as a tree."""
    own = leaves.get(())
    below: dict[str, dict[_Path, _Leaf]] = {}
    for path, leaf in leaves.items():
        if path:
            below.setdefault(path[0], {})[path[1:]] = leaf
    return _node(own, {name: _tree(rest) for name, rest in below.items()})


# --- Reading ----------------------------------------------------------------------------------------------------------

_Alternative: TypeAlias = dict[_Path, _Leaf]


class _Reader:
    """Reads one pattern into its alternatives, and notes every flaw on the way."""

    def __init__(self, fields: Collection[str]) -> None:
        self._fields = fields
        self.flaws: list[Flaw] = []

    def read(self, pattern: dict[str, JsonValue]) -> list[_Alternative]:
        try:
            size = len(canonical_json.dumps(pattern).encode())
        except canonical_json.UnrepresentableJson as error:
            self._flaw((), error.reason)
            return []
        if size > MAX_BYTES:
            self._flaw((), f"up to {MAX_BYTES} bytes as JSON")
            return []
        return self._object(pattern, (), (), in_or=False)

    def _flaw(self, where: Where, reason: str) -> None:
        self.flaws.append(Flaw(where, reason))

    def _object(self, members: dict[str, JsonValue], path: _Path, where: Where, *, in_or: bool) -> list[_Alternative]:
        if not members:
            self._flaw(where, "at least one field")
        alternatives: list[_Alternative] = [{}]
        for name, value in members.items():
            place = (*where, name)
            if name == OR:
                found = self._or(value, path, place)
            elif in_or and name in _RESERVED_IN_OR:
                self._flaw(place, f"a field inside {OR} may not have the name of an operator")
                continue
            else:
                found = self._field(name, value, path, place, in_or=in_or)
            alternatives = self._both(alternatives, found, place)
        return alternatives

    def _field(self, name: str, value: JsonValue, path: _Path, place: Where, *, in_or: bool) -> list[_Alternative]:
        if not path and self._fields and name not in self._fields:
            self._flaw(place, f"there is no such field; a pattern is about {', '.join(self._fields)}")
            return [{}]
        if isinstance(value, dict):
            return self._object(value, (*path, name), place, in_or=in_or)
        if isinstance(value, list):
            return [{(*path, name): self._leaf(value, place)}]
        self._flaw(place, "a list of values and tests, or an object of fields")
        return [{}]

    def _or(self, value: JsonValue, path: _Path, where: Where) -> list[_Alternative]:
        if not isinstance(value, list) or len(value) < 2:
            self._flaw(where, "a list of two objects or more")
            return [{}]
        found: list[_Alternative] = []
        for index, one in enumerate(value):
            if isinstance(one, dict):
                found += self._object(one, path, (*where, index), in_or=True)
            else:
                self._flaw((*where, index), "an object of fields")
        return found

    def _both(self, some: list[_Alternative], others: list[_Alternative], where: Where) -> list[_Alternative]:
        """Every way to meet both; a flaw where that is too many, or asks one field twice."""
        if len(some) * len(others) > MAX_ALTERNATIVES:
            self._flaw(where, f"together with the fields before it over {MAX_ALTERNATIVES} ways to match")
            return some
        if any(one.keys() & other.keys() for one in some for other in others):
            self._flaw(where, "this field is tested twice in one way to match; put the tests into one list")
            return some
        return [one | other for one in some for other in others]

    def _leaf(self, values: list[JsonValue], where: Where) -> _Leaf:
        if not values:
            self._flaw(where, "at least one value or test")
        tests: list[_Test] = []
        absent = False
        for index, value in enumerate(values):
            place = (*where, index)
            if isinstance(value, list):
                self._flaw(place, "a text, a number, true, false, null or a test")
            elif isinstance(value, dict):
                test = self._test(value, place)
                if test is _is_absent:
                    absent = True
                elif test is not None:
                    tests.append(test)
        return _Leaf(
            texts=frozenset(value for value in values if isinstance(value, str)),
            numbers=frozenset(value for value in values if _is_number(value)),  # type: ignore[misc]
            constants=tuple(value for value in values if value is None or isinstance(value, bool)),
            tests=tuple(tests),
            absent=absent,
            weight=1 + sum(_weight(value) for value in values if isinstance(value, dict)),
        )

    def _test(self, value: dict[str, JsonValue], where: Where) -> _Test | None:
        if len(value) != 1:
            self._flaw(where, f"one operator: {', '.join(_OPERATORS)}")
            return None
        [(name, operand)] = value.items()
        place = (*where, name)
        if name not in _OPERATORS:
            self._flaw(place, f"unknown; the operators are {', '.join(_OPERATORS)}")
            return None
        try:
            return _OPERATORS[name](operand)
        except ValueError as error:
            self._flaw(place, str(error))
            return None


# --- Operators: each takes its operand and gives the test; ValueError says what the operand must be -------------------


def _weight(operand: JsonValue) -> int:
    """The number of values in the operand of a test."""
    parts = operand.values() if isinstance(operand, dict) else operand if isinstance(operand, list) else ()
    return sum(map(_weight, parts)) or 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(operand: JsonValue) -> str:
    if not isinstance(operand, str):
        raise ValueError("a text")
    return operand


def _texts(operand: JsonValue) -> list[str]:
    texts = operand if isinstance(operand, list) else [operand]
    if not texts:
        raise ValueError("at least one text")
    return [_text(text) for text in texts]


def _folded(operand: JsonValue) -> str | None:
    """The text of `{"equals-ignore-case": text}`, case-folded; None for anything that is no object."""
    if not isinstance(operand, dict):
        return None
    if list(operand) != ["equals-ignore-case"] or not isinstance(operand["equals-ignore-case"], str):
        raise ValueError('a text, or {"equals-ignore-case": text}')
    return operand["equals-ignore-case"].casefold()


def _prefix(operand: JsonValue) -> _Test:
    folded = _folded(operand)
    if folded is not None:
        return lambda value: isinstance(value, str) and value.casefold().startswith(folded)
    start = _text(operand)
    return lambda value: isinstance(value, str) and value.startswith(start)


def _suffix(operand: JsonValue) -> _Test:
    folded = _folded(operand)
    if folded is not None:
        return lambda value: isinstance(value, str) and value.casefold().endswith(folded)
    end = _text(operand)
    return lambda value: isinstance(value, str) and value.endswith(end)


def _equals_ignore_case(operand: JsonValue) -> _Test:
    folded = _text(operand).casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _wildcard(operand: JsonValue) -> _Test:
    """`*` is any run of characters, `\\*` and `\\\\` are these characters.

    Between the fixed ends each piece is taken where it first occurs, so a match never goes back: no pattern is slow.
    """
    pieces = _pieces(_text(operand))
    first, *middle, last = pieces if len(pieces) > 1 else (*pieces, "")
    if len(pieces) == 1:
        return lambda value: isinstance(value, str) and value == first
    shortest = sum(map(len, pieces))

    def test(value: object) -> bool:
        if not isinstance(value, str) or len(value) < shortest:
            return False
        if not (value.startswith(first) and value.endswith(last)):
            return False
        at, end = len(first), len(value) - len(last)
        for piece in middle:
            at = value.find(piece, at, end)
            if at < 0:
                return False
            at += len(piece)
        return True

    return test


def _pieces(text: str) -> list[str]:
    """The fixed texts between the wildcards; one more than there are wildcards."""
    pieces = [""]
    for part in _WILDCARD_PARTS.findall(text):
        if part == "*":
            pieces.append("")
        elif part.startswith("*"):
            raise ValueError("no two * side by side")
        elif part == "\\":
            raise ValueError("a \\ stands before * or \\ only")
        else:
            pieces[-1] += part[1:] if part.startswith("\\") else part
    return pieces


def _numeric(operand: JsonValue) -> _Test:
    terms = operand if isinstance(operand, list) else []
    bounds = list(zip(terms[::2], terms[1::2], strict=False))
    if len(terms) != 2 * len(bounds) or not all(_is_number(number) for _, number in bounds):
        raise ValueError(_NUMERIC)
    match [sign for sign, _ in bounds]:
        case ["=" | "<" | "<=" | ">" | ">="]:
            return _compares(bounds)
        case [">" | ">=", "<" | "<="]:
            if terms[1] >= terms[3]:  # type: ignore[operator]
                raise ValueError("the lower bound is below the upper one")
            return _compares(bounds)
    raise ValueError(_NUMERIC)


_NUMERIC = 'such as ["=", 5], ["<", 10] or [">", 0, "<=", 5]'
_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _compares(bounds: list[tuple[Any, Any]]) -> _Test:
    (first, low), (second, high) = (bounds * 2)[:2]
    one, other = _COMPARISONS[first], _COMPARISONS[second]
    return lambda value: _is_number(value) and one(value, low) and other(value, high)


def _cidr(operand: JsonValue) -> _Test:
    import ipaddress  # only patterns with an address pay for it

    address, slash, bits = _text(operand).partition("/")
    try:
        if not slash or not bits.isdecimal() or not _ADDRESS.fullmatch(address):
            raise ValueError("no network")
        network = ipaddress.ip_network((address, int(bits)), strict=False)
    except ValueError:
        raise ValueError("a network such as 10.0.0.0/24 or 2001:db8::/32") from None

    def test(value: object) -> bool:
        if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
            return False
        try:
            return ipaddress.ip_address(value) in network
        except ValueError:
            return False

    return test


def _is_absent(_: object) -> bool:
    """The test of `{"exists": false}`, which no leaf meets."""
    return False


def _exists(operand: JsonValue) -> _Test:
    if not isinstance(operand, bool):
        raise ValueError("true or false")
    return (lambda _: True) if operand else _is_absent


def _anything_but(operand: JsonValue) -> _Test:
    """What none of the operand's values or tests takes, whatever its type."""
    tests = _refused_by_operator(operand) if isinstance(operand, dict) else [_refused_by_value(operand)]
    return lambda value: not any(test(value) for test in tests)


def _refused_by_operator(operand: dict[str, JsonValue]) -> list[_Test]:
    if len(operand) != 1 or (name := next(iter(operand))) not in _REFUSABLE:
        raise ValueError(f"a text, a number, a list of either, or one of {', '.join(_REFUSABLE)}")
    texts = _texts(operand[name])
    if name in ("prefix", "suffix") and "" in texts:
        raise ValueError(f"an empty {name} fits every text")
    return [_REFUSABLE[name](text) for text in texts]


def _refused_by_value(operand: JsonValue) -> _Test:
    values = operand if isinstance(operand, list) else [operand]
    texts = frozenset(value for value in values if isinstance(value, str))
    numbers = frozenset(value for value in values if _is_number(value))
    if not values or not (all(isinstance(v, str) for v in values) or all(_is_number(v) for v in values)):
        raise ValueError("a text, a number, or a list of either, not mixed")
    return _Leaf(texts=texts, numbers=numbers).holds  # type: ignore[arg-type]


_REFUSABLE: dict[str, Callable[[JsonValue], _Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
}
_OPERATORS: dict[str, Callable[[JsonValue], _Test]] = {
    **_REFUSABLE,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
}

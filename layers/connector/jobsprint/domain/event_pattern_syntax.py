"""The syntax of event patterns: a pattern's JSON read into alternatives, or the list of its flaws.

An alternative gives the tests of each field by its path; a pattern without `$or` has one. `domain.event_patterns` has
the rules and matches documents.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeAlias

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonValue
from jobsprint.domain.event_pattern_operators import OPERATORS, Test, is_absent, is_number, weight

MAX_BYTES = 4096
"""UTF-8 bytes of a pattern as canonical JSON."""

MAX_ALTERNATIVES = 32
"""Ways to meet a pattern: those of each `$or`, multiplied. Each is one walk over the document."""

OR = "$or"

Where: TypeAlias = tuple[str | int, ...]
Path: TypeAlias = tuple[str, ...]

# Also names that event-ruler reserves for the future: a pattern must mean the same there.
_RESERVED_IN_OR = frozenset(
    "exactly equals-ignore-case prefix suffix anything-but exists wildcard numeric cidr = < <= > >= regex not-wildcard "
    "not-equals-ignore-case date-after date-on-or-after date-before date-on-or-before in-date-range "
    "ip-address-in-range ip-address-not-in-range".split()
)


@dataclass(frozen=True)
class Flaw:
    """One thing wrong with a pattern: the steps that lead there, such as `("data", "amount", 0, "numeric")`."""

    where: Where
    reason: str


@dataclass(frozen=True)
class Leaf:
    """The tests of one field, any of which is enough; with `absent` it may also be missing.

    `weight` is the number of comparisons that one leaf of the document may take.
    """

    texts: frozenset[str] = frozenset()
    numbers: frozenset[float] = frozenset()
    constants: tuple[bool | None, ...] = ()
    tests: tuple[Test, ...] = ()
    absent: bool = False
    weight: int = 1

    def accepts(self, value: Any) -> bool:
        """Whether a value of the document is one of the plain values or passes one of the tests."""
        return self._is_listed(value) or any(test(value) for test in self.tests)

    def _is_listed(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self.texts
        if value is None or isinstance(value, bool):
            return any(value is constant for constant in self.constants)
        return value in self.numbers


Alternative: TypeAlias = dict[Path, Leaf]


class Reader:
    """Reads one pattern into its alternatives and collects its flaws.

    With `fields`, the outermost names of the pattern must be among them.
    """

    def __init__(self, fields: Collection[str]) -> None:
        self._fields = fields
        self.flaws: list[Flaw] = []

    def read(self, pattern: dict[str, JsonValue]) -> list[Alternative]:
        """The alternatives; without meaning once `flaws` has any."""
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

    def _object(self, members: dict[str, JsonValue], path: Path, where: Where, *, in_or: bool) -> list[Alternative]:
        if not members:
            self._flaw(where, "at least one field")
        alternatives: list[Alternative] = [{}]
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

    def _field(self, name: str, value: JsonValue, path: Path, place: Where, *, in_or: bool) -> list[Alternative]:
        if not path and self._fields and name not in self._fields:
            self._flaw(place, f"there is no such field; a pattern is about {', '.join(self._fields)}")
            return [{}]
        if isinstance(value, dict):
            return self._object(value, (*path, name), place, in_or=in_or)
        if isinstance(value, list):
            return [{(*path, name): self._leaf(value, place)}]
        self._flaw(place, "a list of values and tests, or an object of fields")
        return [{}]

    def _or(self, value: JsonValue, path: Path, where: Where) -> list[Alternative]:
        if not isinstance(value, list) or len(value) < 2:
            self._flaw(where, "a list of two objects or more")
            return [{}]
        found: list[Alternative] = []
        for index, one in enumerate(value):
            if isinstance(one, dict):
                found += self._object(one, path, (*where, index), in_or=True)
            else:
                self._flaw((*where, index), "an object of fields")
        return found

    def _both(self, some: list[Alternative], others: list[Alternative], where: Where) -> list[Alternative]:
        """Every way to meet both; a flaw where that is too many, or asks one field twice."""
        if len(some) * len(others) > MAX_ALTERNATIVES:
            self._flaw(where, f"together with the fields before it over {MAX_ALTERNATIVES} ways to match")
            return some
        if any(one.keys() & other.keys() for one in some for other in others):
            self._flaw(where, "this field is tested twice in one way to match; put the tests into one list")
            return some
        return [one | other for one in some for other in others]

    def _leaf(self, values: list[JsonValue], where: Where) -> Leaf:
        if not values:
            self._flaw(where, "at least one value or test")
        tests: list[Test] = []
        absent = False
        for index, value in enumerate(values):
            place = (*where, index)
            if isinstance(value, list):
                self._flaw(place, "a text, a number, true, false, null or a test")
            elif isinstance(value, dict):
                test = self._test(value, place)
                if test is is_absent:
                    absent = True
                elif test is not None:
                    tests.append(test)
        return Leaf(
            texts=frozenset(value for value in values if isinstance(value, str)),
            numbers=frozenset(value for value in values if is_number(value)),  # type: ignore[misc]
            constants=tuple(value for value in values if value is None or isinstance(value, bool)),
            tests=tuple(tests),
            absent=absent,
            weight=1 + sum(weight(value) for value in values if isinstance(value, dict)),
        )

    def _test(self, value: dict[str, JsonValue], where: Where) -> Test | None:
        if len(value) != 1:
            self._flaw(where, f"one operator: {', '.join(OPERATORS)}")
            return None
        [(name, operand)] = value.items()
        place = (*where, name)
        if name not in OPERATORS:
            self._flaw(place, f"unknown; the operators are {', '.join(OPERATORS)}")
            return None
        try:
            return OPERATORS[name](operand)
        except ValueError as error:
            self._flaw(place, str(error))
            return None

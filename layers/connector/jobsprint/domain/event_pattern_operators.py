"""Operators of event patterns: each turns its operand into a test of one value of a document.

`OPERATORS` names them as EventBridge does (`prefix`, `numeric`, `anything-but`, …); the rules are in
`domain.event_patterns`.
"""

import operator
import re
from collections.abc import Callable
from typing import Any, TypeAlias

from jobsprint.core.canonical_json import JsonValue

Test: TypeAlias = Callable[[Any], bool]

_ADDRESS = re.compile(r"[0-9a-fA-F:.]{2,45}")
_WILDCARD_PARTS = re.compile(r"\\[\\*]|\*+|[^\\*]+|\\")


def weight(operand: JsonValue) -> int:
    """The number of values in the operand of a test."""
    parts = operand.values() if isinstance(operand, dict) else operand if isinstance(operand, list) else ()
    return sum(map(weight, parts)) or 1


def is_number(value: object) -> bool:
    """Whether it is a JSON number (a bool is none)."""
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


def _compared_by(compare: Callable[[str, str], bool]) -> Callable[[JsonValue], Test]:
    """The operator of a comparison of two texts, which may ignore case."""

    def read(operand: JsonValue) -> Test:
        folded = _folded(operand)
        if folded is not None:
            return lambda value: isinstance(value, str) and compare(value.casefold(), folded)
        text = _text(operand)
        return lambda value: isinstance(value, str) and compare(value, text)

    return read


_prefix = _compared_by(str.startswith)
_suffix = _compared_by(str.endswith)


def _equals_ignore_case(operand: JsonValue) -> Test:
    folded = _text(operand).casefold()
    return lambda value: isinstance(value, str) and value.casefold() == folded


def _wildcard(operand: JsonValue) -> Test:
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


def _numeric(operand: JsonValue) -> Test:
    terms = operand if isinstance(operand, list) else []
    bounds = list(zip(terms[::2], terms[1::2], strict=False))
    if len(terms) != 2 * len(bounds) or not all(is_number(number) for _, number in bounds):
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


def _compares(bounds: list[tuple[Any, Any]]) -> Test:
    (first, low), (second, high) = (bounds * 2)[:2]
    one, other = _COMPARISONS[first], _COMPARISONS[second]
    return lambda value: is_number(value) and one(value, low) and other(value, high)


def _cidr(operand: JsonValue) -> Test:
    import ipaddress  # imported on use: few patterns have an address

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


def is_absent(_: object) -> bool:
    """The test of `{"exists": false}`, which no leaf passes."""
    return False


def _exists(operand: JsonValue) -> Test:
    if not isinstance(operand, bool):
        raise ValueError("true or false")
    return (lambda _: True) if operand else is_absent


def _anything_but(operand: JsonValue) -> Test:
    """A value of any type that none of the operand's values or tests accepts."""
    tests = _refused_by_operator(operand) if isinstance(operand, dict) else [_refused_by_value(operand)]
    return lambda value: not any(test(value) for test in tests)


def _refused_by_operator(operand: dict[str, JsonValue]) -> list[Test]:
    if len(operand) != 1 or (name := next(iter(operand))) not in _REFUSABLE:
        raise ValueError(f"a text, a number, a list of either, or one of {', '.join(_REFUSABLE)}")
    texts = _texts(operand[name])
    if name in ("prefix", "suffix") and "" in texts:
        raise ValueError(f"an empty {name} fits every text")
    return [_REFUSABLE[name](text) for text in texts]


def _refused_by_value(operand: JsonValue) -> Test:
    values = operand if isinstance(operand, list) else [operand]
    texts = frozenset(value for value in values if isinstance(value, str))
    numbers = frozenset(value for value in values if is_number(value))
    if not values or not (all(isinstance(v, str) for v in values) or all(is_number(v) for v in values)):
        raise ValueError("a text, a number, or a list of either, not mixed")
    return lambda value: value in texts if isinstance(value, str) else is_number(value) and value in numbers


_REFUSABLE: dict[str, Callable[[JsonValue], Test]] = {
    "prefix": _prefix,
    "suffix": _suffix,
    "equals-ignore-case": _equals_ignore_case,
    "wildcard": _wildcard,
}
OPERATORS: dict[str, Callable[[JsonValue], Test]] = {
    **_REFUSABLE,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "cidr": _cidr,
    "exists": _exists,
}
"""Each takes its operand and gives the test. ValueError says what the operand must be."""

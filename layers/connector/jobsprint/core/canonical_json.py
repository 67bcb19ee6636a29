"""JSON text exactly as JavaScript's `JSON.stringify` writes it.

A webhook endpoint checks the body signature over the bytes of `JSON.stringify(payload)`, where `payload` is what its
`JSON.parse` made of our body (docs/api-contract.md, "Signatures"). So the text that we sign and send must not change
when it is parsed and stringified. `parse` accepts only what JavaScript can hold without changing it; `dumps` writes it
the way JavaScript will.

The rules come from ECMA-262 (the section's name is the anchor):

- SerializeJSONProperty, SerializeJSONObject, SerializeJSONArray: no white space, `null`, `true`, `false`.
- QuoteJSONString: `\\b \\t \\n \\f \\r \\" \\\\` by name, every other character below U+0020 as `\\u00xx` in lower
  case, all else literally, U+007F, U+2028 and characters outside the BMP too. Python's own encoder with
  `ensure_ascii=False` does the same. Lone surrogates, which it prints as escapes, are refused here: no caller means
  to send one.
- Number::toString: the shortest digits that read back as the same double, plain from 1e-6 up to below 1e21, else with
  an exponent; `-0` prints as `0`. Python's `repr` finds the same digits and lays them out differently.
- OrdinaryOwnPropertyKeys: keys that are array indices (`"0"` to `"4294967294"` in canonical form) come first, in
  ascending order; all others in the order of their creation. `JSON.parse` makes `"__proto__"` an ordinary own property
  (CreateDataProperty), so it needs no special case.

What JavaScript cannot hold is refused, never changed: a number whose decimal value differs from what
`JSON.stringify(Number(token))` prints, a lone surrogate, a key twice in one object, nesting over `MAX_DEPTH`.
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from json.encoder import encode_basestring as _quote
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

if TYPE_CHECKING:
    JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"
else:
    # Pydantic takes such a field as it is and describes it as `{}`: `parse` has checked it already, and to check 180 KB
    # again as a recursive type takes 10 to 20 ms.
    JsonValue = Any
JsonObject: TypeAlias = dict[str, JsonValue]

MAX_DEPTH = 100
"""Objects and arrays inside one another, the outermost counted as 1. Far below what any Python stack takes."""

MAX_FLAWS = 20
"""Flaws reported for one text: enough to start with, and the error response stays small."""

_MAX_PATH_CHARACTERS = 200
_MAX_SAFE_INTEGER = 2**53
_MAX_ARRAY_INDEX = 2**32 - 2
_DOUBLE_LIMIT = 2**1024
_ALWAYS_EXACT_CHARACTERS = 15  # every integer token of this length is below 2**53

_ARRAY_INDEX = re.compile(r"0|[1-9][0-9]{0,9}")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

# These find everything in the output of Python's encoder that JavaScript may write differently: a key of digits, and a
# number that has 16 digits or more, ends in `.0` or has an exponent. A string that looks like one only costs time.
_MAY_BE_INDEX = re.compile(r'"[0-9]{1,10}":')
_MAY_BE_OTHER_NUMBER = re.compile(r"[\[,:]-?(?:[0-9]{16}|[0-9]+(?:\.0[,\]}]|(?:\.[0-9]+)?e))")

_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class Flaw:
    """One place JavaScript could not hold: `data.a[3].b` (empty for the outermost value), and what is wrong there."""

    path: str
    reason: str


class CanonicalError(ValueError):
    """The text or value has no canonical form."""


class UnreadableJson(CanonicalError):
    """The text is no JSON at all (RFC 8259); the message says where reading stopped. The API answers 400."""


class UnrepresentableJson(CanonicalError):
    """Readable JSON that JavaScript would change. `flaws` is never empty and in document order. The API answers 422."""

    def __init__(self, flaws: tuple[Flaw, ...]) -> None:
        super().__init__("; ".join(f"{flaw.path or 'the value'}: {flaw.reason}" for flaw in flaws))
        self.flaws = flaws

    @property
    def path(self) -> str:
        """Where the first flaw is."""
        return self.flaws[0].path

    @property
    def reason(self) -> str:
        """What the first flaw is."""
        return self.flaws[0].reason


def parse(text: str | bytes) -> JsonValue:
    """Read JSON text strictly.

    Takes text, or bytes in UTF-8 without a byte order mark, of any length. Gives plain Python values; a whole number
    up to 2**53 is an `int` however it was written (`1.0`, `1e3`), every other number a `float`.
    Raises `UnreadableJson` for what is no JSON, and `UnrepresentableJson` with up to `MAX_FLAWS` places for what
    JavaScript cannot hold. `dumps` accepts everything this returns.
    """
    try:
        text = text if isinstance(text, str) else text.decode()
    except UnicodeDecodeError as error:
        raise UnreadableJson(f"The text is not UTF-8: byte {error.start} cannot be read.") from None
    reader = _Reader()
    try:
        tree: JsonValue = reader.decoder.decode(text)
    except json.JSONDecodeError as error:
        raise UnreadableJson(f"{error.msg.removesuffix(' at')} at line {error.lineno}, column {error.colno}.") from None
    except RecursionError:
        raise UnrepresentableJson((Flaw("", _TOO_DEEP),)) from None
    if reader.met_flaw or _may_hold_surrogate(text) or too_deep(tree, text):
        _refuse_flaws(tree)
    return tree


def dumps(value: JsonValue) -> str:
    """Write `value` as `JSON.stringify` writes it once `JSON.parse` has read it; always encodable as UTF-8.

    Raises `UnrepresentableJson` for NaN, infinities, integers no double holds exactly as printed, lone surrogates and
    nesting over `MAX_DEPTH`: nothing `parse` returned has one, a value from elsewhere may.
    """
    if isinstance(value, dict | list):
        text = _text_by_encoder(value)
        if text is not None:
            return text
    _refuse_flaws(value)
    return _text(value)


# --- reading ---------------------------------------------------------------------------------------------------------


class _Unfit:
    """Placeholder in the tree for a number JavaScript would change; the walk turns it into a flaw with its path."""


class _Repeating(dict[str, Any]):
    """An object with repeated keys, which the walk reports."""

    repeated: set[str]


class _Reader:
    """A decoder for one text. Its hooks do not know the path, so they leave marks in the tree and set `met_flaw`."""

    def __init__(self) -> None:
        self.met_flaw = False
        self.decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_int=self._integer,
            parse_float=self._number,
            parse_constant=_refuse_constant,
        )

    def _integer(self, token: str) -> object:
        return int(token) if len(token) <= _ALWAYS_EXACT_CHARACTERS else self._number(token)

    def _number(self, token: str) -> object:
        number = _exact(token)
        if number is None:
            self.met_flaw = True
            return _Unfit()
        return number

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        self.met_flaw = True
        marked = _Repeating(members)
        marked.repeated = {key for key, count in Counter(key for key, _ in pairs).items() if count > 1}
        return marked


def _refuse_constant(token: str) -> NoReturn:
    raise UnreadableJson(f"{token} is not JSON.")


def _may_hold_surrogate(text: str) -> bool:
    """Whether a string in this JSON text could hold a lone surrogate, as an escape or as it is."""
    return "\\ud" in text or "\\uD" in text or not _encodable(text)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# --- numbers ---------------------------------------------------------------------------------------------------------


def _exact(token: str) -> int | float | None:
    """The number a JSON token means, or None where JavaScript would print another decimal value."""
    number = float(token)
    if math.isinf(number):
        return None
    if number == 0:  # -0 prints as 0, which is the same decimal value; another digit means it was too small
        return None if token.lower().partition("e")[0].strip("-0.") else 0
    # repr gives the digits JavaScript prints, so equal decimals here are equal decimals there.
    if repr(number) != token and _decimal(repr(number)) != _decimal(token):
        return None
    return int(number) if abs(number) <= _MAX_SAFE_INTEGER and number.is_integer() else number


def _decimal(token: str) -> tuple[str, int]:
    """A number's digits without outer zeros, and the place of its decimal point: `0.d1d2d3… x 10**point`.

    The point is the `n` of Number::toString. Takes a token whose double is finite and not zero, of any length: only
    the exponent is computed, and that has few digits once its leading zeros are gone (`int` refuses over 4,300).
    """
    mantissa, _, exponent = token.lower().removeprefix("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    shift = int(exponent.lstrip("+-0") or "0")
    digits = (whole + fraction).lstrip("0")
    leading_zeros = len(whole) + len(fraction) - len(digits)
    point = len(whole) - leading_zeros + (-shift if exponent.startswith("-") else shift)
    return digits.rstrip("0"), point


def _number_text(number: float) -> str:
    """Number::toString, step by step; `number` is finite."""
    if number == 0:
        return "0"
    digits, point = _decimal(repr(number))
    sign = "-" if number < 0 else ""
    if len(digits) <= point <= 21:
        return sign + digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


# --- writing ---------------------------------------------------------------------------------------------------------


def _text_by_encoder(value: JsonValue) -> str | None:
    """What Python's C encoder writes, or None where that is not, or may not be, what JavaScript writes."""
    try:
        text = _ENCODER.encode(value)
    except (ValueError, RecursionError):  # NaN, an integer of over 4,300 digits, a circle; nesting
        return None
    may_differ = _MAY_BE_INDEX.search(text) or _MAY_BE_OTHER_NUMBER.search(text)
    return None if may_differ or not _encodable(text) or too_deep(value, text) else text


def _text(value: JsonValue) -> str:
    """The same text without the encoder, some ten times slower; `value` has no flaw."""
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quote(key)}:{_text(value[key])}" for key in _ordered(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number_text(value)
    return _ENCODER.encode(value)  # null, true and false; TypeError for what is no JSON value


def _ordered(keys: dict[str, JsonValue]) -> list[str]:
    """An object's keys in JavaScript's order."""
    indices = sorted((key for key in keys if _is_array_index(key)), key=int)
    return [*indices, *(key for key in keys if not _is_array_index(key))]


def _is_array_index(key: str) -> bool:
    return _ARRAY_INDEX.fullmatch(key) is not None and int(key) <= _MAX_ARRAY_INDEX


# --- flaws -----------------------------------------------------------------------------------------------------------

_Path: TypeAlias = tuple[str | int, ...]

_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_UNFIT_NUMBER = "is a number that JavaScript would change; send it as a string"
_LONE_SURROGATE = "holds half of a surrogate pair, which has no UTF-8 form"
_REPEATED_KEY = "stands more than once in its object"


def too_deep(value: JsonValue, text: str) -> bool:
    """Whether `value`, whose JSON is `text`, is nested over the limit; goes level by level, so never recurses."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _refuse_flaws(value: JsonValue) -> None:
    """Raise `UnrepresentableJson` if there is a flaw anywhere."""
    found = tuple(Flaw(_path_text(path), reason) for path, reason in islice(_flaws(value, ()), MAX_FLAWS))
    if found:
        raise UnrepresentableJson(found)


def _flaws(value: Any, path: _Path) -> Iterator[tuple[_Path, str]]:
    """Every flaw in document order. Recurses at most `MAX_DEPTH` deep."""
    if isinstance(value, dict | list):
        if len(path) >= MAX_DEPTH:
            yield path, _TOO_DEEP
            return
        yield from _object_flaws(value, path) if isinstance(value, dict) else _array_flaws(value, path)
    elif isinstance(value, str):
        if not _encodable(value):
            yield path, _LONE_SURROGATE
    elif _is_unfit_number(value):
        yield path, _UNFIT_NUMBER


def _object_flaws(value: dict[str, Any], path: _Path) -> Iterator[tuple[_Path, str]]:
    repeated = value.repeated if isinstance(value, _Repeating) else set()
    for key, member in value.items():
        if not _encodable(key):
            yield (*path, key), _LONE_SURROGATE
        if key in repeated:
            yield (*path, key), _REPEATED_KEY
        yield from _flaws(member, (*path, key))


def _array_flaws(value: list[Any], path: _Path) -> Iterator[tuple[_Path, str]]:
    for index, item in enumerate(value):
        yield from _flaws(item, (*path, index))


def _is_unfit_number(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    if isinstance(value, int) and abs(value) > _MAX_SAFE_INTEGER:
        # The bound comes first: `str` refuses integers of over 4,300 digits.
        return abs(value) >= _DOUBLE_LIMIT or _exact(str(value)) is None
    return isinstance(value, _Unfit)


def _path_text(path: _Path) -> str:
    """`data.a[3].b`; keys that are not plain words as `["…"]` in ASCII, so the text is safe in logs and answers."""
    text = "".join(_step_text(step) for step in path).removeprefix(".")
    return text if len(text) <= _MAX_PATH_CHARACTERS else text[:_MAX_PATH_CHARACTERS] + "…"


def _step_text(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if _PLAIN_KEY.fullmatch(step) else f"[{json.dumps(step)}]"

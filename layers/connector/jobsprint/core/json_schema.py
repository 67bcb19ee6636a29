"""JSON Schemas of capabilities and event types: checked themselves, and values checked against them.

Validation is `jsonschema-rs`: references are never fetched, and patterns run on a linear-time engine, because schemas
come from tenants. It is imported on use, because it is large (15 MB) and few operations need it.
"""

from collections.abc import Mapping
from typing import Any

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import Detail
from jobsprint.core.models import SENTENCES
from jobsprint.core.schema_patterns import Budget, compiled_bytes, kept_bytes, options, without_patterns

_ANY_OBJECT: JsonObject = {"type": "object"}
"""The schema of a capability without described parameters; no library is loaded to check it."""

_MAX_DETAILS = 20
_REFERENCE_KEYWORDS = frozenset({"$ref", "$dynamicRef", "$recursiveRef"})
_MAX_REFERENCES = 20  # each may double the work: 2 of them in each of 20 definitions never end
_GROWTH = 1.45  # the factor by which each reference that cannot be expanded can multiply the work
_MOST_GROWTH = 100  # references counted for that: more are over every limit anyway
# In pairs of a value and a part of the schema. A pair costs at most 10 ns to judge, but 10 µs and 1 KB to explain.
_MAX_JUDGED = 10_000_000
_MAX_EXPLAINED = 50_000
_TEXT_STEP = 20
# Characters of a value times bytes of compiled patterns: at most 0.4 ns each.
_MAX_MATCHED = 1_000_000_000
_PART_BYTES = 1500
"""The most that a part of a schema takes in memory, compiled."""


def _validator(schema: JsonObject) -> Any:
    import jsonschema_rs

    def refuse(uri: str) -> Any:
        raise ValueError(f"references to other documents are not followed: {uri}")

    return jsonschema_rs.validator_for(schema, retriever=refuse, pattern_options=options(), mask="the value")


def check_schema(schema: JsonObject, shared: Budget | None = None) -> None:
    """Raise ValueError unless `schema` is a JSON Schema of an object that can be used without fetching anything.

    `shared` is what the patterns of several schemas may take together.
    """
    if schema == _ANY_OBJECT:
        return
    if schema.get("type") != "object":
        raise ValueError('the schema is one of an object: it starts with "type": "object"')
    if _references(schema) > _MAX_REFERENCES:
        raise ValueError(f"a schema may have up to {_MAX_REFERENCES} references")
    if shared is not None:
        shared.take(schema)
    Budget().take(schema)
    try:
        _validator(schema)
    except Exception as error:
        raise ValueError(f"not a usable JSON Schema: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0][:200]
    return "a pattern is too large, or no regular expression without look-around" if 'a "regex"' in text else text


def _references(schema: JsonValue) -> int:
    if isinstance(schema, list):
        return sum(map(_references, schema))
    if isinstance(schema, dict):
        return sum((name in _REFERENCE_KEYWORDS) + _references(part) for name, part in schema.items())
    return 0


class Checker:
    """A compiled schema that values are checked against, within bounds for any schema and value.

    Takes a schema that `check_schema` accepted.
    """

    def __init__(self, schema: JsonObject) -> None:
        self._schema = schema
        self._validator = None if schema == _ANY_OBJECT else _validator(schema)
        self._size = _work(schema)
        self._pattern_bytes = compiled_bytes(schema)
        self.kept_bytes = _PART_BYTES * _size(schema) + kept_bytes(schema)
        """About the most that it takes in memory."""

    def details(self, value: JsonObject, where: str) -> tuple[Detail, ...]:
        """The wrong fields of `value`, which is named `where`: a detail for each, without its value, at most 20.

        A single general detail where value and schema are too large to say more; none for a valid value. In a value
        with too much text for the patterns of the schema, each `pattern` counts as matched.
        """
        if self._validator is None:
            return ()
        pairs = _size(value) * self._size
        if pairs > _MAX_JUDGED:
            return (Detail(where, "Not checked: too large for this schema"),)
        validator = self._validator
        if _characters(value) * self._pattern_bytes > _MAX_MATCHED:
            validator = _validator(without_patterns(self._schema))
        if validator.is_valid(value):
            return ()
        if pairs > _MAX_EXPLAINED:
            return (Detail(where, "Breaks the schema; too large to say where"),)
        return tuple(_explained(validator, value, where))


def _size(value: JsonValue) -> int:
    """The number of values inside, the outermost included; a long text counts as several."""
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1 + len(value) // _TEXT_STEP if isinstance(value, str) else 1


def _characters(value: JsonValue) -> int:
    """The characters of all texts inside, names included."""
    if isinstance(value, dict):
        return sum(len(name) + _characters(one) for name, one in value.items())
    if isinstance(value, list):
        return sum(map(_characters, value))
    return len(value) if isinstance(value, str) else 0


def _work(schema: JsonObject) -> float:
    """An upper bound of the parts of a schema that one value is checked against: its parts, with references expanded.

    A reference to itself cannot be expanded, nor can one that is not a plain path from the top of the schema.
    """
    leads_to = {reference: _plain_references(_target(schema, reference)) for reference in _plain_references(schema)}
    endless = {reference for reference in leads_to if reference in _reachable(reference, leads_to)}
    known: dict[str, tuple[int, int]] = {}

    def of_target(reference: object) -> tuple[int, int]:
        if not isinstance(reference, str) or reference in endless or _target(schema, reference) is None:
            return 0, 1
        if reference not in known:
            known[reference] = expanded(_target(schema, reference))
        return known[reference]

    def expanded(part: JsonValue) -> tuple[int, int]:
        """The number of its parts, and of the references that are left."""
        if isinstance(part, list):
            found = [expanded(one) for one in part]
        elif isinstance(part, dict):
            found = [expanded(one) for one in part.values()]
            found += [
                of_target(one if name == "$ref" else None) for name, one in part.items() if name in _REFERENCE_KEYWORDS
            ]
        else:
            return _size(part), 0
        return 1 + sum(size for size, _ in found), sum(left for _, left in found)

    size, left = expanded(schema)
    return size * _GROWTH ** min(left, _MOST_GROWTH)


def _plain_references(part: JsonValue) -> set[str]:
    """The values of every `$ref` inside."""
    if isinstance(part, list):
        return set().union(*map(_plain_references, part))
    if not isinstance(part, dict):
        return set()
    own = part.get("$ref")
    return set().union({own} if isinstance(own, str) else set(), *map(_plain_references, part.values()))


def _reachable(reference: str, leads_to: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [reference]
    while waiting:
        new = leads_to[waiting.pop()] - found
        found |= new
        waiting += new
    return found


def _target(schema: JsonObject, reference: str) -> JsonValue:
    """The part at a path such as `#/$defs/text`; None for any other reference and for a path that does not exist."""
    start, *steps = reference.split("/")
    part: JsonValue = schema
    for step in steps:
        if not isinstance(part, dict) or ("$id" in part and part is not schema) or step not in part:
            return None
        part = part[step]
    return part if start == "#" else None


def _explained(validator: Any, value: JsonObject, where: str) -> list[Detail]:
    details = []
    for error in validator.iter_errors(value):
        path = where + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.instance_path)
        details += _details(error, path)
        if len(details) >= _MAX_DETAILS:
            break
    return details[:_MAX_DETAILS]


def _details(error: Any, path: str) -> list[Detail]:
    """The wrong fields of one validation error, missing and surplus ones by name, in the words of other requests."""
    if missing := getattr(error.kind, "property", None):
        return [Detail(f"{path}.{missing}", SENTENCES["missing"])]
    if surplus := getattr(error.kind, "unexpected", None):
        return [Detail(f"{path}.{name}", SENTENCES["extra_forbidden"]) for name in surplus]
    return [Detail(path, error.message)]

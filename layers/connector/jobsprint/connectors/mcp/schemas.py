"""Schemas of tools made checkable: what our validator cannot check is left out, so that the tool stays usable.

Servers write JSON Schema for other validators: patterns with lookaheads, keywords of older drafts, references that lead
nowhere. The server judges the arguments itself, so what is left out here only makes a check of ours weaker: leaving out
never makes a schema refuse what it accepted.
"""

import copy
import json
from collections.abc import Iterator
from typing import cast

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.json_schema import check_schema
from jobsprint.core.schema_patterns import Budget

# Keywords that hold schemas (JSON Schema 2020-12 and older); the values of others, such as `default`, are data.
SINGLE = frozenset(
    {"items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties"}
    | {"not", "if", "then", "else", "contentSchema", "additionalItems"}
)
LISTED = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
NAMED = frozenset({"patternProperties", "dependentSchemas", "$defs", "definitions"})

_MAPS = NAMED | {"properties"}
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_NAMES = ("$schema", "$id", "id", "$anchor", "$dynamicAnchor")
_APPLICATORS = SINGLE | LISTED | _MAPS | set(_REFERENCES)
# A part that accepts more makes these accept less: with a wrong part below them they are left out whole.
_INVERTING = frozenset({"not", "oneOf", "if", "contains"})
_DEFINITIONS = frozenset({"$defs", "definitions"})
_MAX_STEPS = 10  # each compiles the schema once more
_MAX_BYTES = 128 * 1024  # as JSON: compiled it takes some 40 times more
_ALL_BUT_OUTLINE = ("all but the names and types of its parameters",)
_TYPES = frozenset({"string", "integer", "number", "boolean", "array", "object", "null"})

_Path = tuple[str | int, ...]


def checkable(schema: JsonObject, shared: Budget) -> tuple[JsonObject, tuple[str, ...]]:
    """The schema without what cannot be checked, and the places that were left out (`properties.email.pattern`).

    `shared` is what the patterns of all tools of a server may take; all of a schema are left out where they need more.
    """
    if len(json.dumps(schema)) > _MAX_BYTES:
        return _outline(schema), _ALL_BUT_OUTLINE
    left_out: dict[str, None] = {}
    try:
        shared.take(schema)  # first: without anything left it compiles nothing
        Budget().take(schema)
    except ValueError:
        schema = copy.deepcopy(schema)
        for path in sorted(_keywords(schema, ("pattern", "patternProperties")), key=len, reverse=True):
            if place := _leave_out(schema, path):
                left_out[place] = None
    try:
        check_schema(schema)
    except ValueError as error:
        return _repaired(copy.deepcopy(schema), error, left_out)
    return schema, tuple(left_out)


def _repaired(schema: JsonObject, error: ValueError, left_out: dict[str, None]) -> tuple[JsonObject, tuple[str, ...]]:
    for _ in range(_MAX_STEPS):
        for path in _wrong(schema, error):
            if place := _leave_out(schema, path):
                left_out[place] = None
        try:
            check_schema(schema)
        except ValueError as again:
            error = again
        else:
            return schema, tuple(left_out)
    return _outline(schema), _ALL_BUT_OUTLINE


def _wrong(schema: JsonObject, error: ValueError) -> list[_Path]:
    """The places to leave out after an error of `check_schema`, deepest first."""
    place = _place(error)
    if not place:
        return sorted(_unresolved(schema), key=len, reverse=True)
    wrong = _at(schema, place)
    if place[-1] == "pattern" and isinstance(wrong, str):  # the same one often stands in many places
        same = [(*path, "pattern") for path, part in _schemas(schema) if part.get("pattern") == wrong]
        return sorted({place, *same}, key=len, reverse=True)
    return [place]


def _place(error: ValueError) -> _Path:
    """Where the validator found the error; empty where it is about no single place."""
    return tuple(getattr(error.__cause__, "instance_path", ()))


def _unresolved(schema: JsonObject) -> list[_Path]:
    """The names and references without which it can be used; else every reference, and then every pattern."""
    names, references = _keywords(schema, _NAMES), _keywords(schema, _REFERENCES)
    dialect: list[_Path] = [path for path in names if path == ("$schema",)]
    for candidates in (dialect, _dangling(schema, references), names, references):
        if candidates and _helps(schema, candidates):
            return candidates
    return names + references or _keywords(schema, ("pattern", "patternProperties"))


def _keywords(schema: JsonObject, names: tuple[str, ...]) -> list[_Path]:
    """The places of these keywords."""
    return [(*path, name) for path, part in _schemas(schema) for name in names if name in part]


def _dangling(schema: JsonObject, references: list[_Path]) -> list[_Path]:
    """The references that cannot be used even where they are the only ones."""
    wrong = {}
    for value in dict.fromkeys(str(_at(schema, path)) for path in references):
        others = [path for path in references if str(_at(schema, path)) != value]
        wrong[value] = not _helps(schema, others)
        if len(wrong) > _MAX_STEPS:
            return []
    return [path for path in references if wrong[str(_at(schema, path))]]


def _helps(schema: JsonObject, paths: list[_Path]) -> bool:
    """Whether a schema without the keywords at `paths` can be checked, or at least shows a place that is wrong."""
    trial = copy.deepcopy(schema)
    for path in paths:
        del cast(JsonObject, _at(trial, path[:-1]))[str(path[-1])]
    try:
        check_schema(trial)
    except ValueError as error:
        return bool(_place(error))
    return True


def _leave_out(schema: JsonObject, wrong: _Path) -> str | None:
    """Leave out what is wrong at a place, and name the place; None where it was empty or is gone already."""
    path, names_schema = _part_of(wrong)
    *above, last = path
    try:
        holder = cast(JsonObject, _at(schema, tuple(above)))
        value = holder[last]  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        return None
    if last in _MAPS and not names_schema and value in ([], None):  # an empty object, as PHP writes it
        holder[str(last)] = {}
        return None
    is_pattern = names_schema and above[-1] == "patternProperties"
    if names_schema and not is_pattern:
        holder[last] = {}  # type: ignore[index]
    else:
        del holder[last]  # type: ignore[arg-type]
    if is_pattern or (last in _APPLICATORS and not names_schema):
        _reopen(schema, tuple(above[:-1] if is_pattern else above))
    if _DEFINITIONS & set(path):
        _leave_out_inverted_references(schema)
    return ".".join(map(str, path))


def _part_of(wrong: _Path) -> tuple[_Path, bool]:
    """The keyword or schema to leave out for a wrong place within it, and whether it is a schema under a name."""
    end, named = 0, False
    while end < len(wrong):
        keyword = wrong[end]
        end, named = end + 1, False
        if keyword in _INVERTING or keyword not in _APPLICATORS:
            break
        if end < len(wrong) and (keyword in _MAPS | LISTED or isinstance(wrong[end], int)):
            end, named = end + 1, True
    return wrong[:end], named


def _reopen(schema: JsonObject, path: _Path) -> None:
    """Let the schema at `path` take what it no longer describes."""
    cast(JsonObject, _at(schema, path)).pop("additionalProperties", None)
    for _, part in _schemas(schema):
        part.pop("unevaluatedProperties", None)
        part.pop("unevaluatedItems", None)


def _leave_out_inverted_references(schema: JsonObject) -> None:
    """After a definition accepts more: leave out what would accept less for that."""
    for _, part in list(_schemas(schema)):
        for keyword in _INVERTING & part.keys():
            if any(name in below for _, below in _schemas({keyword: part[keyword]}) for name in _REFERENCES):
                del part[keyword]


def _outline(schema: JsonObject) -> JsonObject:
    """The names and types of the parameters alone; not even those where they are too long."""
    described = schema.get("properties")
    properties = described if isinstance(described, dict) else {}
    outline: JsonObject = {"type": "object", "properties": {name: _plain(part) for name, part in properties.items()}}
    return outline if len(json.dumps(outline)) <= _MAX_BYTES else {"type": "object"}


def _plain(part: JsonValue) -> JsonObject:
    if not isinstance(part, dict):
        return {}
    kind, said = part.get("type"), part.get("description")
    plain: JsonObject = {"type": kind} if isinstance(kind, str) and kind in _TYPES else {}
    return {**plain, "description": said} if isinstance(said, str) else plain


def _at(value: JsonValue, path: _Path) -> JsonValue:
    for step in path:
        value = value[step]  # type: ignore[index]
    return value


def _schemas(schema: JsonObject) -> Iterator[tuple[_Path, JsonObject]]:
    """Every schema within a schema, itself included, with its place."""
    waiting: list[tuple[_Path, JsonValue]] = [((), schema)]
    while waiting:
        path, part = waiting.pop()
        if not isinstance(part, dict):
            continue
        yield path, part
        for keyword, below in part.items():
            if isinstance(below, dict) and keyword in _MAPS:
                waiting += [((*path, keyword, name), one) for name, one in below.items()]
            elif isinstance(below, list) and keyword in LISTED | {"items"}:
                waiting += [((*path, keyword, place), one) for place, one in enumerate(below)]
            elif keyword in SINGLE:
                waiting.append(((*path, keyword), below))

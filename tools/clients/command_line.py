"""What the command line knows of the operations: `operations.json` of the Python client's `cli`."""

import json
import re
from pathlib import Path
from typing import Any

from tools.clients.document import Document, Field, Method, Resource, Type
from tools.clients.python import FOLDER

FILE = FOLDER / "cli" / "operations.json"

# Options that commands have by themselves. A field of such a name has the prefix `field-`.
_RESERVED = ("all", "clear", "cursor", "help", "idempotencyKey", "json", "jsonBody", "watch", "yes")
_SECRET = re.compile(r"(secret|token|password|key)$", re.IGNORECASE)
# A command of these asks first, as deletes do.
_ASKED = ("disconnect", "rotate")
_SIMPLE = ("string", "time", "integer", "number", "boolean", "literal")


def files(document: Document) -> dict[Path, str]:
    """The generated file and its text."""
    resources = [_resource(resource, document) for resource in document.resources]
    return {FILE: json.dumps(resources, indent=1, ensure_ascii=False) + "\n"}


def _resource(resource: Resource, document: Document) -> dict[str, Any]:
    return {
        "name": "-".join(resource.words),
        "description": resource.description,
        "operations": [_operation(method, document) for method in resource.methods],
    }


def _operation(method: Method, document: Document) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": "-".join(method.words),
        "verb": method.verb,
        "path": method.path,
        "summary": method.summary + _way(method),
        "description": method.description,
        "arguments": [_option(each) for each in method.in_path],
        "query": [_option(each) for each in method.query],
        "headers": [_option(each) for each in method.headers],
        "body": [_option(each) for each in method.body.fields] if method.body else None,
        "retry": method.retry,
        "paged": method.paged,
        "background": method.background,
        "public": method.public,
        "asks": method.verb == "DELETE" or method.words[0] in _ASKED,
        "columns": _columns(method.answer, document) if method.paged else [],
    }
    return {name: value for name, value in found.items() if value not in ([], "", False)}


def _way(method: Method) -> str:
    """What tells a method from another one of the same operation."""
    return " in the background" if method.background else " in a batch" if method.retry == "batch" else ""


def _option(field: Field) -> dict[str, Any]:
    kinds = [kind for kind in _members(field.type) if kind.kind != "null"]
    kind = kinds[0] if len(kinds) == 1 else Type("any")
    found: dict[str, Any] = {
        "name": field.name,
        "option": f"field-{field.name}" if field.name in _RESERVED else field.name,
        "kind": _kind(field.name, kind),
        "description": field.description,
        "required": field.required,
        "nullable": len(kinds) < len(_members(field.type)),
        "choices": list((kind.of[0] if kind.kind == "list" else kind).values),
    }
    if found["option"] == field.name:
        del found["option"]
    return {name: value for name, value in found.items() if value not in ([], "", False)}


def _kind(name: str, kind: Type) -> str:
    """How an option reads its value. What has no simple form is JSON."""
    if kind.kind == "string":
        return "secret" if _SECRET.search(name) else "string"
    if kind.kind == "literal":
        return "choice" if all(isinstance(value, str) for value in kind.values) else "json"
    if kind.kind == "list" and kind.of[0].kind in ("string", "integer", "literal"):
        return "integers" if kind.of[0].kind == "integer" else "strings"
    if kind.kind == "map" and kind.of[0].kind == "string":
        return "pairs"
    return kind.kind if kind.kind in _SIMPLE else "json"


def _columns(answer: Type, document: Document) -> list[str]:
    """The fields of a list's items that fit into a table, the less telling ones last."""
    fields = [field for field in document.answers[answer.name].fields if _is_simple(field.type, document)]
    names = {field.name for field in fields}
    # When an event happened is mostly when it was published.
    unshown = {"icon"} | ({"timestamp"} if "createdAt" in names else set())
    first, *others = (field for field in fields if field.name not in unshown)
    return [first.name, *(field.name for field in sorted(others, key=_comes_late))]


def _comes_late(field: Field) -> bool:
    """Whether a column is wide, or another resource's id."""
    return field.name == "description" or field.name.endswith("Id") or field.type.kind == "list"


def _is_simple(kind: Type, document: Document) -> bool:
    """Whether a value is short enough for a cell: a text, a number, a list, or an object of numbers."""
    if kind.kind in ("list", *_SIMPLE):
        return True
    if kind.kind == "named":
        fields = document.answers[kind.name].fields
        return all(field.type.kind == "integer" for field in fields)
    return False


def _members(kind: Type) -> tuple[Type, ...]:
    return kind.of if kind.kind == "union" else (kind,)

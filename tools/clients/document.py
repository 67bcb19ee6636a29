"""Read docs/openapi.json into what a client has: resources with methods, and the types of their values.

Names stay those of the document; each language spells them in its own way.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[2]
DOCUMENT = PROJECT / "docs" / "openapi.json"

Schema = dict[str, Any]

# The codes of the others are those of every operation.
_OWN_STATUSES = ("404", "409", "422", "502", "504")
_VERBS = ("get", "post", "put", "patch", "delete")
# An answer that is no success: clients raise it, as the call was not made.
_PENDING = "PendingApprovalData"
# What is decided stands in these operations' ids, in the place of their resource.
_NAMES = {"approveAction": "approve", "denyAction": "deny"}
# Their events have an `id` in the place of an idempotency key: the name of the field, by the body's schema.
_EVENT_IDS = {"PublishEvent": "event", "PublishBatch": "batch"}


@dataclass(frozen=True)
class Type:
    """The type of a value.

    `kind` is `string`, `time`, `integer`, `number`, `boolean`, `null`, `any`, `literal`, `named`, `list`, `map` or
    `union`.
    """

    kind: str
    of: tuple["Type", ...] = ()
    name: str = ""
    values: tuple[Any, ...] = ()

    def names(self) -> Iterator[str]:
        """The named types in it."""
        if self.kind == "named":
            yield self.name
        for each in self.of:
            yield from each.names()


@dataclass(frozen=True)
class Field:
    """A property of an object, or a parameter of a method."""

    name: str
    type: Type
    required: bool
    description: str


@dataclass(frozen=True)
class Shape:
    """An object with named fields. `open` objects take others too."""

    name: str
    description: str
    fields: tuple[Field, ...]
    open: bool = False


@dataclass(frozen=True)
class Method:
    """A way to call an operation.

    `words` are its name. `retry` is what makes a repeat safe: `key`, the ids of an `event` or a `batch`, or nothing.
    `public` operations need no token.
    """

    words: tuple[str, ...]
    verb: str
    path: str
    summary: str
    description: str
    in_path: tuple[Field, ...]
    query: tuple[Field, ...]
    body: Shape | None
    answer: Type
    paged: bool
    retry: str
    headers: tuple[Field, ...]
    codes: dict[int, tuple[str, ...]]
    """The error codes that are its own, by status."""
    approval: bool = False
    """Whether a person may have to approve a call first."""
    background: bool = False
    public: bool = False


@dataclass(frozen=True)
class Resource:
    """What a tag of the document groups."""

    words: tuple[str, ...]
    description: str
    methods: tuple[Method, ...]


@dataclass
class Document:
    """The document with the shapes that its methods need, which are found while `resources` is read."""

    root: dict[str, Any]
    answers: dict[str, Shape] = field(default_factory=dict)
    params: dict[str, Shape] = field(default_factory=dict)

    @cached_property
    def resources(self) -> list[Resource]:
        """All resources, in the order of the document's tags. Raises ValueError where two methods share a name."""
        described = {tag["name"]: tag.get("description", "") for tag in self.root["tags"]}
        methods: dict[str, list[Method]] = {name: [] for name in described}
        for path, item in self.root["paths"].items():
            for verb in (verb for verb in _VERBS if verb in item):
                operation = item[verb]
                tag = operation["tags"][0]
                methods[tag] += self._methods(tag, verb, path, operation, item.get("parameters", []))
        for tag, found in methods.items():
            names = [method.words for method in found]
            if len(set(names)) < len(names):
                raise ValueError(f"two operations of {tag} have the same name: {names}")
        return [
            Resource(tuple(split(tag.replace(" ", "_"))), described[tag], tuple(found))
            for tag, found in methods.items()
            if found
        ]

    # --- operations --------------------------------------------------------------------------------------------------

    def _methods(self, tag: str, verb: str, path: str, operation: Schema, shared: list[Schema]) -> list[Method]:
        parameters = [self._followed(parameter) for parameter in [*shared, *operation.get("parameters", [])]]
        bodies = self._alternatives(self._json(self._followed(operation.get("requestBody", {}))) or {})
        answers = self._answers(operation)
        prefer = any(parameter["name"] == "Prefer" for parameter in parameters)
        made: list[Method] = []

        def add(name: str, bodies: list[Schema], answer: Schema, *, background: bool = False) -> None:
            made.append(
                self._method(_method_words(tag, name), verb, path, operation, parameters, bodies, answer, background)
            )

        name = operation["operationId"]
        if len(bodies) > 1 and len(bodies) == len(answers):
            # Each body has an answer of its own, so each is a method of its own, named like its body.
            for body, answer in zip(bodies, answers, strict=True):
                add(self._name_of(body), [body], answer)
        elif prefer and len(answers) == 2:
            add(name, bodies, answers[0])
            add(f"{name}InBackground", bodies, answers[1], background=True)
        else:
            add(name, bodies, {"anyOf": answers} if len(answers) > 1 else answers[0])
        return made

    def _method(
        self,
        words: tuple[str, ...],
        verb: str,
        path: str,
        operation: Schema,
        parameters: list[Schema],
        bodies: list[Schema],
        answer: Schema,
        background: bool,
    ) -> Method:
        def fields(place: str) -> tuple[Field, ...]:
            return tuple(self._parameter(each) for each in parameters if each["in"] == place)

        body = self._body(operation["operationId"], bodies)
        data, paged = self._data(answer)
        headers = fields("header")
        keyed = any(each.name == "Idempotency-Key" for each in headers)
        by_event = _EVENT_IDS.get(self._name_of(bodies[0]), "") if bodies else ""
        return Method(
            words=words,
            verb=verb.upper(),
            path=path,
            summary=operation["summary"],
            description=operation.get("description", ""),
            in_path=fields("path"),
            query=tuple(each for each in fields("query") if each.name != "cursor" or not paged),
            body=body,
            answer=self.type_of(data, self.answers),
            paged=paged,
            retry=by_event or ("key" if keyed else ""),
            headers=tuple(each for each in headers if each.name not in ("Idempotency-Key", "Prefer")),
            approval=any(self._name_of(each) == _PENDING for each in self._successes(operation)),
            codes={int(status): self._codes(operation["responses"].get(status, {})) for status in _OWN_STATUSES},
            background=background,
            public=operation.get("security") == [],
        )

    def _parameter(self, parameter: Schema) -> Field:
        schema = parameter["schema"]
        kind = self.type_of(schema, self.params)
        return Field(parameter["name"], kind, parameter.get("required", False), parameter.get("description", ""))

    def _answers(self, operation: Schema) -> list[Schema]:
        """The schemas of the answers to a call that was made, each once."""
        return [schema for schema in self._successes(operation) if self._name_of(schema) != _PENDING]

    def _successes(self, operation: Schema) -> list[Schema]:
        """The schemas of the answers that are no failures, each once."""
        found: list[Schema] = []
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                found += self._alternatives(self._json(self._followed(response)) or {})
        return [schema for at, schema in enumerate(found) if schema not in found[:at]]

    def _codes(self, response: Schema) -> tuple[str, ...]:
        """The error codes that a response may have; none where the document does not list them."""
        found: list[str] = []
        for alternative in self._alternatives(self._json(self._followed(response)) or {}):
            error = self._followed(alternative).get("properties", {}).get("error", {})
            code = self._followed(error).get("properties", {}).get("code", {})
            found += code.get("enum", [code["const"]] if "const" in code else [])
        return tuple(dict.fromkeys(found))

    def error_codes(self) -> list[str]:
        """Every error code of the document."""
        responses = [
            response
            for item in self.root["paths"].values()
            for verb in _VERBS
            for response in item.get(verb, {}).get("responses", {}).values()
        ]
        return sorted({code for response in responses for code in self._codes(response)})

    def _body(self, name: str, bodies: list[Schema]) -> Shape | None:
        """One shape that takes the fields of every alternative; required is what all of them require."""
        schemas = [self._followed(body) for body in bodies if body.get("type") != "null"]
        if not schemas:
            return None
        shapes = [self._shape(name, schema, self.params) for schema in schemas]
        by_name: dict[str, list[Field]] = {}
        for shape in shapes:
            for each in shape.fields:
                by_name.setdefault(each.name, []).append(each)
        fields = tuple(
            Field(
                found[0].name,
                _union([each.type for each in found]),
                len(found) == len(shapes) and all(each.required for each in found),
                found[0].description,
            )
            for found in by_name.values()
        )
        ordered = sorted(fields, key=lambda each: not each.required)
        return Shape(name, "", tuple(ordered), open=len(shapes) == 1 and shapes[0].open)

    def _data(self, answer: Schema) -> tuple[Schema, bool]:
        """What an answer's envelope holds: its `data`, or the items of a page."""
        schema = self._followed(answer)
        if "anyOf" in schema:
            return {"anyOf": [self._data(each)[0] for each in schema["anyOf"]]}, False
        properties = schema["properties"]
        if "pagination" in properties:
            return properties["data"]["items"], True
        return properties["data"], False

    # --- types -------------------------------------------------------------------------------------------------------

    def type_of(self, schema: Schema, shapes: dict[str, Shape], within: str = "") -> Type:
        """The type that a schema describes; named objects in it join `shapes`."""
        if "$ref" in schema:
            return self._named(schema["$ref"].rpartition("/")[2], shapes)
        for word in ("anyOf", "oneOf"):
            if word in schema:
                return _union([self.type_of(each, shapes, within) for each in schema[word]])
        if len(schema.get("allOf", [])) == 1:
            return self.type_of(schema["allOf"][0], shapes, within)
        if "const" in schema:
            return Type("literal", values=(schema["const"],))
        if "enum" in schema:
            return Type("literal", values=tuple(schema["enum"]))
        kinds = schema.get("type", "any")
        if isinstance(kinds, list):
            return _union([self.type_of({**schema, "type": kind}, shapes, within) for kind in kinds])
        return self._plain(kinds, schema, shapes, within)

    def _plain(self, kind: str, schema: Schema, shapes: dict[str, Shape], within: str) -> Type:
        if kind == "string":
            time = schema.get("format") == "date-time" or "ISO 8601" in schema.get("description", "")
            return Type("time" if time else "string")
        if kind == "array":
            return Type("list", (self.type_of(schema.get("items", {}), shapes, within),))
        if kind != "object":
            return Type(kind)
        if schema.get("properties"):
            return self._named(self._name_of(schema) or within, shapes, schema)
        values = schema.get("additionalProperties")
        patterns = list(schema.get("patternProperties", {}).values())
        value = values if isinstance(values, dict) and values else (patterns or [{}])[0]
        return Type("map", (self.type_of(value, shapes, within),))

    def _name_of(self, schema: Schema) -> str:
        """The name of the component that a schema refers to or repeats; empty where there is none."""
        if "$ref" in schema:
            return str(schema["$ref"]).rpartition("/")[2]
        components = self.root["components"]["schemas"]
        return next((name for name, component in components.items() if component == schema), "")

    def _named(self, name: str, shapes: dict[str, Shape], schema: Schema | None = None) -> Type:
        component = schema or self.root["components"]["schemas"][name]
        if not component.get("properties"):
            return self.type_of(component, shapes, name)
        if name not in shapes:
            shapes[name] = Shape(name, "", ())  # holds the place, should a shape lead back to itself
            shapes[name] = self._shape(name, component, shapes)
        return Type("named", name=name)

    def _shape(self, name: str, schema: Schema, shapes: dict[str, Shape]) -> Shape:
        required = schema.get("required", [])
        fields = tuple(
            Field(
                key,
                self.type_of(value, shapes, name + key[0].upper() + key[1:]),
                key in required,
                value.get("description", ""),
            )
            for key, value in schema.get("properties", {}).items()
        )
        ordered = sorted(fields, key=lambda each: not each.required)
        return Shape(name, schema.get("description", ""), tuple(ordered), bool(schema.get("additionalProperties")))

    def _alternatives(self, schema: Schema) -> list[Schema]:
        """The schemas that a union offers, unions within unions and named ones included."""
        for word in ("anyOf", "oneOf"):
            if word in self._followed(schema):
                return [found for each in self._followed(schema)[word] for found in self._alternatives(each)]
        return [schema] if schema else []

    def _followed(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            found: Any = self.root
            for step in schema["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            schema = found
        return schema

    @staticmethod
    def _json(content: Schema) -> Schema | None:
        found: Schema | None = content.get("content", {}).get("application/json", {}).get("schema")
        return found


def load() -> Document:
    """The committed document."""
    return Document(json.loads(DOCUMENT.read_text("utf-8")))


def split(name: str) -> list[str]:
    """The words of a name in any spelling, in lower case: `nextCursor` and `Idempotency-Key` have two each."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)]


def _method_words(tag: str, name: str) -> tuple[str, ...]:
    """A method's name without the noun of its resource: `listWebhooks` is `list`, `getWebhookStats` is `get_stats`."""
    plural = split(tag.replace(" ", "_"))
    singular = [*plural[:-1], re.sub(r"s$", "", re.sub(r"ies$", "y", plural[-1]))]
    words = split(_NAMES.get(name, name))
    for noun in (plural, singular):
        for at in range(1, len(words) - len(noun) + 1):
            if words[at : at + len(noun)] == noun:
                return tuple(words[:at] + words[at + len(noun) :])
    return tuple(words)


def _union(types: Iterable[Type]) -> Type:
    """A union without repeats; literals are joined, and nothing stands beside `any`."""
    flat: list[Type] = []
    for each in types:
        flat += each.of if each.kind == "union" else [each]
    literals = [value for each in flat if each.kind == "literal" for value in each.values]
    found = [Type("literal", values=tuple(dict.fromkeys(literals)))] if literals else []
    found += [each for at, each in enumerate(flat) if each.kind != "literal" and each not in flat[:at]]
    if any(each.kind == "any" for each in found):
        return Type("any")
    return found[0] if len(found) == 1 else Type("union", tuple(found))

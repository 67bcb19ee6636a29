"""The TypeScript client's generated modules: models and resources."""

import textwrap
from collections.abc import Iterable
from pathlib import Path

from tools.clients.document import PROJECT, Document, Field, Method, Resource, Shape, Type

FOLDER = PROJECT / "clients" / "typescript" / "src"

_HEAD = "/*\n * {}\n * Generated from docs/openapi.json by tools/clients; `make clients` writes it again.\n */\n\n"
_PLAIN = {
    "string": "string",
    "integer": "number",
    "number": "number",
    "boolean": "boolean",
    "any": "unknown",
    "null": "null",
}
_WIDTH = 118
_RETRY = {"event": "withId(input)", "batch": "withIds(input)"}
_SENDER = """\
/** What sends the calls. */
export interface Sender {
  send<T>(call: Call): Promise<T>;
  pages<T>(call: Call): Pages<T>;
}
"""


def files(document: Document) -> dict[Path, str]:
    """Every generated file and its text."""
    resources = _resources(document)  # finds the shapes
    return {
        FOLDER / "models.ts": _models(document),
        FOLDER / "resources.ts": resources,
    }


def _models(document: Document) -> str:
    codes = " |\n  ".join(f"'{code}'" for code in document.error_codes()) or "string"
    text = _HEAD.format("What the service answers.") + _shapes(document.answers, answer=True)
    return f"{text}\n/** The `code` of an `ApiError`. */\nexport type ErrorCode =\n  {codes};\n"


# --- names and types --------------------------------------------------------------------------------------------------


def name_of(words: Iterable[str]) -> str:
    """A method's or a resource's name: `list_deliveries` is `listDeliveries`."""
    first, *rest = words
    return first + "".join(word.capitalize() for word in rest)


def _class(words: Iterable[str]) -> str:
    return "".join(word.capitalize() for word in words)


def _type(kind: Type, *, answer: bool) -> str:
    """A type: what an answer has is exact, what a call takes is as wide as possible."""

    def inner(each: Type) -> str:
        return _type(each, answer=answer)

    if kind.kind == "literal":
        return " | ".join(_literal(value) for value in kind.values)
    if kind.kind == "named":
        return kind.name if answer else f"{kind.name}Param"
    if kind.kind == "list":
        item = inner(kind.of[0])
        return f"{'' if answer else 'readonly '}{f'({item})' if ' ' in item else item}[]"
    if kind.kind == "map":
        return f"Record<string, {inner(kind.of[0])}>"
    if kind.kind == "union":
        return " | ".join(inner(each) for each in sorted(kind.of, key=lambda each: each.kind == "null"))
    if kind.kind == "time":
        return "string" if answer else "Date | string"
    return _PLAIN[kind.kind]


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value).lower()


def _shapes(shapes: dict[str, Shape], *, answer: bool) -> str:
    suffix = "" if answer else "Param"
    return "\n".join(
        f"{_comment(shapes[name].description)}export interface {name}{suffix} {{\n"
        f"{_fields(shapes[name].fields, answer=answer)}}}\n"
        for name in sorted(shapes)
    )


def _fields(fields: Iterable[Field], *, answer: bool) -> str:
    text = ""
    for each in fields:
        optional = "" if each.required else "?"
        # A caller who passes undefined leaves the field out.
        undefined = "" if each.required or answer else " | undefined"
        text += _comment(each.description, 2)
        text += f"  {each.name}{optional}: {_type(each.type, answer=answer)}{undefined};\n"
    return text


# --- resources --------------------------------------------------------------------------------------------------------


def _resources(document: Document) -> str:
    classes = "\n".join(_resource(resource) for resource in document.resources)
    inputs = "\n".join(
        _input(resource, method) for resource in document.resources for method in resource.methods if _takes(method)
    )
    params = _shapes(document.params, answer=False)
    answers = [method.answer for resource in document.resources for method in resource.methods]
    names = ", ".join(sorted({name for answer in answers for name in answer.names()}))
    imports = "import { type Call, newKey, type RequestOptions, segment, withId, withIds } from './call.js';\n"
    imports += f"import type {{ {names} }} from './models.js';\nimport type {{ Pages }} from './pages.js';\n"
    text = _HEAD.format("The operations of the API, by resource.") + _wrapped(imports)
    text += f"\n{_SENDER}\n{classes}\n/** All resources of the API. */\nexport class Resources {{\n"
    for resource in document.resources:
        text += f"{_comment(resource.description, 2)}  readonly {name_of(resource.words)}: {_class(resource.words)};\n"
    text += "\n  constructor(sender: Sender) {\n"
    for resource in document.resources:
        text += f"    this.{name_of(resource.words)} = new {_class(resource.words)}(sender);\n"
    return f"{text}  }}\n}}\n\n{inputs}\n{params}"


def _wrapped(imports: str) -> str:
    """Imports with the long list over several lines."""
    lines = []
    for line in imports.splitlines():
        head, brace, rest = line.partition("{ ")
        names, _, tail = rest.partition(" }")
        filled = textwrap.fill(names, _WIDTH, initial_indent="  ", subsequent_indent="  ")
        lines.append(line if len(line) <= _WIDTH else f"{head}{brace.strip()}\n{filled},\n}}{tail}")
    return "\n".join(lines) + "\n"


def _takes(method: Method) -> tuple[Field, ...]:
    """The fields of a method's input: its body's, or else its query's. Raises ValueError for both."""
    if method.body and method.query:
        raise ValueError(f"{method.verb} {method.path} has a query and a body")
    return method.body.fields if method.body else method.query


def _input_name(resource: Resource, method: Method) -> str:
    return f"{_class(resource.words)}{_class(method.words)}Input"


def _input(resource: Resource, method: Method) -> str:
    of = f"{name_of(resource.words)}.{name_of(method.words)}"
    text = f"/** What `{of}` takes. */\nexport interface {_input_name(resource, method)} {{\n"
    text += _fields(_takes(method), answer=False)
    others = "  [field: string]: unknown;\n" if method.body and method.body.open else ""
    return f"{text}{others}}}\n"


def _resource(resource: Resource) -> str:
    text = f"{_comment(resource.description)}export class {_class(resource.words)} {{\n"
    text += "  readonly #sender: Sender;\n\n  constructor(sender: Sender) {\n    this.#sender = sender;\n  }\n"
    return text + "".join(_method(resource, method) for method in resource.methods) + "}\n"


def _method(resource: Resource, method: Method) -> str:
    answer = _type(method.answer, answer=True)
    returned = f"Pages<{answer}>" if method.paged else f"Promise<{answer}>"
    parameters = [f"{name_of_parameter(each.name)}: string" for each in method.in_path]
    if fields := _takes(method):
        default = "" if any(each.required for each in fields) else " = {}"
        parameters.append(f"input: {_input_name(resource, method)}{default}")
    parameters.append("options?: RequestOptions")
    path = method.path
    for each in method.in_path:
        path = path.replace(f"{{{each.name}}}", f"${{segment({name_of_parameter(each.name)})}}")
    parts = [f"verb: '{method.verb}'", f"path: `{path}`" if method.in_path else f"path: '{path}'"]
    if method.body:
        parts.append(f"body: {_RETRY.get(method.retry, 'input')}")
    elif method.query:
        parts.append("query: input")
    parts += ["key: newKey(options)"] if method.retry == "key" else []
    parts += ["headers: { Prefer: 'respond-async' }"] if method.background else []
    send = "pages" if method.paged else "send"
    return (
        f"\n{_comment(_described(method), 2)}"
        + _spread(f"  {name_of(method.words)}(", parameters, f"): {returned} {{\n")
        + _spread(f"    return this.#sender.{send}({{ ", [*parts, "options"], " });\n")
        + "  }\n"
    )


def _spread(head: str, items: list[str], tail: str) -> str:
    """Items between a head and a tail: on one line, or on lines of their own where that is too long."""
    line = head + ", ".join(items) + tail
    if len(line) <= _WIDTH:
        return line
    space = " " * (len(head) - len(head.lstrip()))
    spread = "".join(f"{space}  {item},\n" for item in items)
    return f"{head.rstrip()}\n{spread}{space}{tail.lstrip()}"


def name_of_parameter(name: str) -> str:
    """A parameter of a path under its own name, but for words that JavaScript keeps."""
    return f"{name}_" if name in ("default", "delete", "in", "new", "class") else name


def _described(method: Method) -> str:
    background = ", and answer at once with a reference to it" if method.background else ""
    text = f"{method.summary}{background}.\n\n{method.description}".strip()
    codes = [code for codes in method.codes.values() for code in codes]
    if method.approval:
        text += (
            "\n\nThrows `ApprovalRequired` where a person has to approve the call before it is made; nothing was sent."
        )
    return text + (f"\n\nFails with {', '.join(f'`{code}`' for code in codes)}." if codes else "")


def _comment(text: str, indent: int = 0) -> str:
    """A doc comment; nothing for no text."""
    if not text:
        return ""
    space = " " * indent
    text = text.replace("*/", "*\\/")
    lines = [line for part in text.split("\n") for line in (textwrap.wrap(part, _WIDTH - indent - 3) or [""])]
    if len(lines) == 1 and len(lines[0]) + indent + 7 <= _WIDTH:
        return f"{space}/** {lines[0]} */\n"
    return f"{space}/**\n" + "".join(f"{space} * {line}".rstrip() + "\n" for line in lines) + f"{space} */\n"

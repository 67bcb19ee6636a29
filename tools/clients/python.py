"""The Python client's generated modules: models, parameters and resources."""

import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

from tools.clients.document import PROJECT, Document, Field, Method, Resource, Shape, Type, split

FOLDER = PROJECT / "clients" / "python" / "src" / "jobsprint_client"

_HEAD = '"""{}\n\nGenerated from docs/openapi.json by tools/clients; `make clients` writes it again.\n"""\n\n'
_PLAIN = {"string": "str", "time": "datetime", "integer": "int", "number": "float", "boolean": "bool", "any": "Any"}
_WIDTH = 110
_STANDARD = (
    ("collections.abc", ("Mapping", "Sequence")),
    ("dataclasses", ("dataclass",)),
    ("datetime", ("datetime",)),
    ("typing", ("Any", "Literal", "NotRequired", "Protocol", "TypedDict", "TypeVar")),
)
_OWN = (
    ("jobsprint_client", ("models", "params")),
    ("jobsprint_client._call", ("Call", "new_key", "segment", "with_id", "with_ids")),
    ("jobsprint_client._model", ("OMIT", "Omit", "wire_name")),
    ("jobsprint_client.pages", ("AsyncPages", "Pages")),
)
_SENDER = '''\
T = TypeVar("T")


class {prefix}Sender(Protocol):
    """What sends the calls."""

    {define} send(self, call: Call[T]) -> T: ...

    def pages(self, call: Call[T]) -> {prefix}Pages[T]: ...
'''
_ERRORS = {404: "NotFound", 409: "Conflict", 422: "InvalidFields", 502: "UpstreamFailed", 504: "UpstreamTimeout"}
_RETRY = {"event": "with_id", "batch": "with_ids"}


def files(document: Document) -> dict[Path, str]:
    """Every generated file and its text."""
    resources = {prefix: _resources(document.resources, prefix) for prefix in ("", "Async")}  # finds the shapes
    return {
        FOLDER / "resources.py": _formatted(resources[""]),
        FOLDER / "async_resources.py": _formatted(resources["Async"]),
        FOLDER / "models.py": _formatted(_models(document.answers.values())),
        FOLDER / "params.py": _formatted(_params(document.params.values())),
    }


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--stdin-filename", "generated.py", "-"]
    done = subprocess.run(command, input=text, capture_output=True, encoding="utf-8", cwd=PROJECT, check=True)
    return done.stdout


# --- names and types --------------------------------------------------------------------------------------------------


def name_of(name: str | Iterable[str]) -> str:
    """A name of the API in Python: `createdAt` is `created_at`, and `from` is `from_`."""
    words = "_".join(split(name) if isinstance(name, str) else name)
    return f"{words}_" if keyword.iskeyword(words) else words


def _type(kind: Type, *, answer: bool, module: str = "") -> str:
    """A type's annotation: what an answer has is exact, what a call takes is as wide as possible."""

    def inner(each: Type) -> str:
        return _type(each, answer=answer, module=module)

    if kind.kind == "null":
        return "None"
    if kind.kind == "literal":
        return f"Literal[{', '.join(map(repr, kind.values))}]"
    if kind.kind == "named":
        return f"{module}{kind.name}"
    if kind.kind == "list":
        return f"{'list' if answer else 'Sequence'}[{inner(kind.of[0])}]"
    if kind.kind == "map":
        return f"{'dict' if answer else 'Mapping'}[str, {inner(kind.of[0])}]"
    if kind.kind == "union":
        return " | ".join(inner(each) for each in sorted(kind.of, key=lambda each: each.kind == "null"))
    if kind.kind == "time" and not answer:
        return "datetime | str"
    return _PLAIN[kind.kind]


def _optional(annotation: str, other: str) -> str:
    """A type that may also be `other`; None comes last."""
    kinds = [kind for kind in annotation.split(" | ") if kind not in ("None", other)]
    nothing = ["None"] if annotation.endswith("| None") and other != "None" else []
    return annotation if annotation == "Any" else " | ".join([*kinds, other, *nothing])


def _imports(text: str, lines: Iterable[tuple[str, tuple[str, ...]]]) -> str:
    """The import statements for the names that a text uses."""
    used = ((module, [name for name in names if re.search(rf"\b{name}\b", text)]) for module, names in lines)
    return "".join(f"from {module} import {', '.join(names)}\n" for module, names in used if names)


# --- models and parameters --------------------------------------------------------------------------------------------


def _models(shapes: Iterable[Shape]) -> str:
    text = ""
    for shape in _in_order(shapes):
        text += f"\n\n@dataclass(frozen=True, kw_only=True)\nclass {shape.name}(Model):\n"
        text += _docstring(shape.description, 4)
        for each in shape.fields:
            annotation = _type(each.type, answer=True)
            annotation = annotation if each.required else f"{_optional(annotation, 'None')} = None"
            text += f"\n    {name_of(each.name)}: {annotation}\n{_docstring(each.description, 4)}"
    head = _HEAD.format("What the service answers.")
    return f"{head}{_imports(text, _STANDARD)}\nfrom jobsprint_client._model import Model\n{text}"


def _in_order(shapes: Iterable[Shape]) -> list[Shape]:
    """By name, but what a shape holds before it, as annotations are evaluated."""
    by_name = {shape.name: shape for shape in shapes}
    done: dict[str, Shape] = {}

    def add(shape: Shape) -> None:
        if shape.name not in done:
            for name in (name for each in shape.fields for name in each.type.names() if name != shape.name):
                add(by_name[name])
            done[shape.name] = shape

    for name in sorted(by_name):
        add(by_name[name])
    return list(done.values())


def _params(shapes: Iterable[Shape]) -> str:
    text = ""
    for shape in _in_order(shapes):
        text += f"\n\nclass {shape.name}(TypedDict):\n{_docstring(shape.description, 4)}"
        for each in shape.fields:
            annotation = _type(each.type, answer=False)
            annotation = annotation if each.required else f"NotRequired[{annotation}]"
            text += f"\n    {each.name}: {annotation}\n{_docstring(each.description, 4)}"
    head = _HEAD.format("Objects within what calls take, with the names of the API.")
    return f"{head}{_imports(text, _STANDARD)}{text}"


# --- resources --------------------------------------------------------------------------------------------------------


def _resources(resources: list[Resource], prefix: str) -> str:
    """The module of the resources. With the prefix `Async` it is that for asyncio."""
    text = _SENDER.format(prefix=prefix, define="async def" if prefix else "def")
    for resource in resources:
        text += f"\n\nclass {prefix}{_class(resource)}:\n{_docstring(_sentence(resource.description), 4)}\n"
        text += f"    def __init__(self, sender: {prefix}Sender) -> None:\n        self._sender = sender\n\n"
        text += "\n\n".join(_method(method, prefix) for method in resource.methods)
    text += f'\n\nclass {prefix}Resources:\n    """All resources of the API."""\n\n'
    text += f"    def __init__(self, sender: {prefix}Sender) -> None:\n"
    for resource in resources:
        text += f"        self.{name_of(resource.words)} = {prefix}{_class(resource)}(sender)\n"
        text += _docstring(_sentence(resource.description), 8)
    head = _HEAD.format("The operations of the API, by resource.")
    return f"{head}{_imports(text, _STANDARD)}\n{_imports(text, _OWN)}\n{text}"


def _class(resource: Resource) -> str:
    return "".join(word.capitalize() for word in resource.words)


def _method(method: Method, prefix: str) -> str:
    answer = _type(method.answer, answer=True, module="models.")
    # Within a class that has a method `list`, the name means that method.
    returned = f"{prefix}Pages[{answer}]" if method.paged else answer.replace("list[", "Sequence[", 1)
    required, optional = _parameters(method)
    path = [f"{name_of(each.name)}: str" for each in method.in_path]
    star = ["*"] if required or optional else []
    more = ["**fields: Any"] if method.body and method.body.open else []
    signature = ", ".join(["self", *path, *star, *required, *optional, *more])
    define, send = ("async def", "await self._sender.send") if prefix else ("def", "self._sender.send")
    if method.paged:  # asking for a list sends nothing yet
        define, send = "def", "self._sender.pages"
    arguments = ", ".join([repr(method.verb), _path(method), answer, *_options(method)])
    return (
        f"    {define} {name_of(method.words)}({signature}) -> {returned}:\n"
        f"{_docstring(_description(method), 8)}"
        f"        return {send}(Call({arguments}))\n"
    )


def _parameters(method: Method) -> tuple[list[str], list[str]]:
    """The parameters by name, those that are required first."""
    required, optional = [], []
    for each in method.body.fields if method.body else ():
        annotation = _type(each.type, answer=False, module="params.")
        if each.required:
            required.append(f"{name_of(each.name)}: {annotation}")
        else:
            optional.append(f"{name_of(each.name)}: {_optional(annotation, 'Omit')} = OMIT")
    for each in (*method.query, *method.headers):
        annotation = _type(each.type, answer=False, module="params.")
        if each.required:
            required.append(f"{name_of(each.name)}: {annotation}")
        else:
            optional.append(f"{name_of(each.name)}: {_optional(annotation, 'None')} = None")
    if method.retry == "key":
        optional.append("idempotency_key: str | None = None")
    return required, optional


def _path(method: Method) -> str:
    path = method.path
    for each in method.in_path:
        path = path.replace(f"{{{each.name}}}", f"{{segment({name_of(each.name)})}}")
    return f'f"{path}"' if method.in_path else f'"{path}"'


def _options(method: Method) -> Iterable[str]:
    def mapping(fields: Iterable[Field], more: str = "") -> str:
        return "{" + ", ".join(f'"{each.name}": {name_of(each.name)}' for each in fields) + more + "}"

    if method.query:
        yield f"query={mapping(method.query)}"
    if method.body:
        more = ", **{wire_name(name): value for name, value in fields.items()}" if method.body.open else ""
        body = mapping(method.body.fields, more)
        yield f"body={_RETRY[method.retry]}({body})" if method.retry in _RETRY else f"body={body}"
    prefer = '"Prefer": "respond-async"' if method.background else ""
    if method.headers or prefer:
        own = mapping(method.headers)[1:-1]
        yield "headers={" + ", ".join(part for part in (prefer, own) if part) + "}"
    if method.retry == "key":
        yield "key=new_key(idempotency_key)"


def _description(method: Method) -> str:
    """The docstring of a method: summary, description, and its parameters."""
    background = ", and answer at once with a reference to it" if method.background else ""
    text = f"{method.summary}{background}.\n\n{method.description}".strip()
    named = [*method.in_path, *(method.body.fields if method.body else ()), *method.query, *method.headers]
    lines = [f"{name_of(each.name)}: {_sentence(each.description)}" for each in named if each.description]
    if method.body and method.body.open:
        lines.append("fields: Others, by the names of the API or in Python's spelling.")
    if method.retry == "key":
        lines.append("idempotency_key: Makes a repeat of this call safe, for 24 hours. One is made for each call.")
    raised = [
        f"{_ERRORS[status]}: {', '.join(f'`{code}`' for code in codes)}."
        for status, codes in method.codes.items()
        if codes
    ]
    if method.approval:
        raised.insert(0, "ApprovalRequired: A person has to approve the call before it is made; nothing was sent.")
    return text + _section("Args", lines) + _section("Raises", raised)


def _section(title: str, lines: list[str]) -> str:
    """A section of a docstring; nothing where it has no lines."""
    wrapped = (textwrap.fill(line, _WIDTH - 8, initial_indent="    ", subsequent_indent="        ") for line in lines)
    return f"\n\n{title}:\n" + "\n".join(wrapped) if lines else ""


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _docstring(text: str, indent: int) -> str:
    """A docstring on lines of its own; nothing for no text."""
    if not text:
        return ""
    space = " " * indent
    text = text.replace("\\", "\\\\").replace('"""', "'''")
    paragraphs = (
        # Sections are filled already.
        part if part.startswith(("Args:\n", "Raises:\n")) else textwrap.fill(part, _WIDTH - indent)
        for part in text.split("\n\n")
    )
    whole = "\n\n".join(paragraphs)
    closing = "\n" if "\n" in whole else ""
    end = "" if not whole.endswith('"') else " "
    return textwrap.indent(f'"""{whole}{end}{closing}"""\n', space)

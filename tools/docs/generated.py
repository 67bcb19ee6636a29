"""What pages take from the source: between `<!-- generated:NAME -->` and `<!-- end of generated:NAME -->` in docs/.

A page's text is written by hand, its lists by this module, so that neither the code nor the API contract is copied by
hand. tests/architecture/test_docs.py fails while a page differs.
"""

import json
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
ERRORS = Path(__file__).with_name("errors.toml")
COMMANDS = PROJECT / "clients" / "python" / "src" / "jobsprint_client" / "cli" / "operations.json"

_BLOCK = re.compile(r"<!-- generated:(\S+) -->\n.*?<!-- end of generated:\1 -->", re.DOTALL)
_VERBS = ("get", "post", "put", "patch", "delete")
_NO_TOKEN, _ANY_SESSION = "none", "any session of the portal"
_MADE_BY_DEPLOY = ("Settings", "ServiceVersion", "AccountConcurrency")
_LANGUAGES = {".py": "python", ".mjs": "javascript", ".go": "go", ".php": "php", ".rb": "ruby"}


def pages() -> list[Path]:
    """Every Markdown page of the documentation."""
    return sorted(DOCS.rglob("*.md"))


def filled(text: str) -> str:
    """A page with its generated parts up to date. Raises KeyError for the name of an unknown part."""
    return _BLOCK.sub(lambda block: _marked(block[1], BLOCKS[block[1]]()), text)


def write_pages() -> None:
    """Bring the generated blocks of every page up to date."""
    for page in pages():
        page.write_text(filled(page.read_text("utf-8")), "utf-8")


def _marked(name: str, text: str) -> str:
    return f"<!-- generated:{name} -->\n\n{text.strip()}\n\n<!-- end of generated:{name} -->"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(re.sub(r"(?<!\\)\|", r"\\|", cell) for cell in cells) + " |"

    titles = list(head)
    return "\n".join([line(titles), "|" + "---|" * len(titles), *map(line, rows)])


# --- from the API contract --------------------------------------------------------------------------------------------


def _section(number: int) -> str:
    """A section of docs/api-contract.md without its heading; its links work from a folder beside it.

    Raises LookupError where there is no such section.
    """
    text = (DOCS / "api-contract.md").read_text("utf-8")
    found = re.search(rf"^## {number}\. .*?\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    if not found:
        raise LookupError(f"docs/api-contract.md has no section {number}")
    return found[1].replace("](#", "](../api-contract.md#").strip()


def _table_of(number: int) -> str:
    """The first table of a section."""
    return "\n".join(line for line in _section(number).split("\n") if line.startswith("|"))


# --- from files -------------------------------------------------------------------------------------------------------


def _walk() -> str:
    readme = (PROJECT / "README.md").read_text("utf-8")
    walk = readme.partition("## A five-minute walk\n")[2].partition("\n## ")[0]
    return walk.partition("in the repository.\n")[2]


def _example(path: str) -> Callable[[], str]:
    file = DOCS / "examples" / path
    return lambda: f"```{_LANGUAGES[file.suffix]}\n{file.read_text('utf-8').strip()}\n```"


def errors() -> dict[str, dict[str, Any]]:
    """Status, cause and remedy of every code of a failed request, by subject."""
    return tomllib.loads(ERRORS.read_text("utf-8"))


def _errors() -> str:
    def rows(codes: dict[str, Any]) -> Iterator[tuple[str, ...]]:
        for code, of in codes.items():
            yield f"`{code}`", ", ".join(map(str, of["status"])), of["cause"], of["remedy"]

    head = ("code", "status", "cause", "remedy")
    return "\n\n".join(f"## {subject}\n\n{_table(head, rows(codes))}" for subject, codes in errors().items())


def _meanings(kinds: Iterable[str], explain: Callable[[str], Any]) -> str:
    explained = ((kind, explain(kind)) for kind in sorted(kinds))
    return _table(
        ("kind", "cause", "remedy"), ((f"`{kind}`", what.explanation, what.next_step) for kind, what in explained)
    )


def _failures() -> str:
    from jobsprint.domain import delivery_failures

    return _meanings(delivery_failures.known_kinds(), delivery_failures.meaning)


def _warnings() -> str:
    from jobsprint.domain import delivery_failures

    kinds = delivery_failures.known_warnings()
    return _meanings(kinds, lambda kind: delivery_failures.explained(None, kind, "delivered"))


def _operations() -> str:
    paths = json.loads((DOCS / "openapi.json").read_text("utf-8"))["paths"]
    by_scope: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, item in paths.items():
        for verb in (verb for verb in _VERBS if verb in item):
            for need in item[verb]["security"] or [{"": [_NO_TOKEN]}]:
                [scopes] = need.values()
                shown = f"`{scopes[0]}`" if scopes and scopes[0] != _NO_TOKEN else (*scopes, _ANY_SESSION)[0]
                by_scope[shown].append((f"`{verb.upper()} {path}`", item[verb]["summary"]))
    rows = ((scope, *row) for scope in sorted(by_scope, key=_scopes_last) for row in by_scope[scope])
    return _table(("scope", "operation", ""), rows)


def _scopes_last(shown: str) -> tuple[bool, str]:
    return shown.startswith("`"), shown


def _parameters() -> str:
    text = (PROJECT / "template.yaml").read_text("utf-8")
    parameters = yaml.safe_load(text.partition("\nRules:\n")[0])["Parameters"]
    rows = (
        (f"`{name}`", f"`{given['Default']}`" if given["Default"] != "" else "", _described(given))
        for name, given in parameters.items()
        if name not in _MADE_BY_DEPLOY
    )
    return _table(("parameter", "default", "meaning"), rows)


def _described(parameter: dict[str, Any]) -> str:
    allowed = parameter.get("AllowedValues", [])
    meaning: str = parameter["Description"]
    values = "" if set(allowed) <= {"true", "false"} else ": " + ", ".join(f"`{value}`" for value in allowed)
    return meaning + values


def _targets(section: str = "") -> str:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    part = re.split(r"^# --- ", makefile, flags=re.MULTILINE)
    lines = "\n".join(text for text in part if text.startswith(section))
    found = re.findall(r"^([a-z0-9-]+):.*?## (.*)$", lines, re.MULTILINE)
    return _table(("command", "does"), ((f"`make {name}`", text) for name, text in found))


def _command_line() -> str:
    """The commands of the operations, by resource."""
    resources = json.loads(COMMANDS.read_text("utf-8"))

    def rows(operations: list[dict[str, Any]], resource: str) -> Iterator[tuple[str, ...]]:
        for operation in operations:
            words = [
                resource,
                operation["name"],
                *(_upper_snake(each["name"]) for each in operation.get("arguments", ())),
            ]
            options = [each for place in ("body", "query", "headers") for each in operation.get(place) or ()]
            listed = " ".join(f"`--{_kebab(each.get('option', each['name']))}`" for each in options)
            yield f"`{' '.join(words)}`", operation["summary"], listed

    head = ("command", "does", "options")
    return "\n\n".join(
        f"## {resource['name']}\n\n{_table(head, rows(resource['operations'], resource['name']))}"
        for resource in resources
    )


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _upper_snake(name: str) -> str:
    return _kebab(name).replace("-", "_").upper()


BLOCKS: dict[str, Callable[[], str]] = {
    "walk": _walk,
    **{f"verify{ending}": _example(f"verify/verify{ending}") for ending in _LANGUAGES},
    **{f"receiver{ending}": _example(f"receiver{ending}") for ending in (".py", ".mjs")},
    "errors": _errors,
    "failures": _failures,
    "warnings": _warnings,
    "operational-events": lambda: _table_of(21) + "\n\nThose about webhooks also have `webhookId` and `name`.",
    "delivery-headers": lambda: _table_of(17),
    "addresses": lambda: _section(22),
    "limits": lambda: _table_of(23),
    "retention": lambda: _section(24),
    "scopes": lambda: _table_of(2),
    "operations": _operations,
    "parameters": _parameters,
    "commands": _targets,
    "checks": lambda: _targets("Checks"),
    "command-line": _command_line,
}

sys.path.append(str(PROJECT / "layers" / "connector"))

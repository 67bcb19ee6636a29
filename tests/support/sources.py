"""Our own code that runs in Lambda, read from the source: its modules, what they import, and what a function needs."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support.template import LAYER, ROOT

FUNCTIONS = ROOT / "functions"
_PATH = re.compile(r"(jobsprint(?:\.\w+)+):\w+")
"""Where something is named to be imported on use, as connectors are."""


@cache
def sources() -> dict[Path, ast.Module]:
    """Every module of ours that runs in Lambda, parsed."""
    paths = [*LAYER.rglob("*.py"), *FUNCTIONS.rglob("*.py")]
    return {path: ast.parse(path.read_text("utf-8"), str(path)) for path in sorted(paths)}


@cache
def modules() -> dict[str, Path]:
    """The file of each module in the layer."""
    return {
        ".".join(path.relative_to(LAYER).with_suffix("").parts).removesuffix(".__init__"): path
        for path in LAYER.rglob("*.py")
    }


def part_of(path: Path) -> str:
    """`domain` for …/jobsprint/domain/ids.py, `functions` for every handler."""
    if path.is_relative_to(FUNCTIONS):
        return "functions"
    return path.relative_to(LAYER / "jobsprint").with_suffix("").parts[0]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and dotted name of everything a module imports; `from a import b` counts as `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def needed_by(folder: str) -> set[str]:
    """Every module of ours that a function may import, now or on use."""
    waiting, found = [FUNCTIONS / folder / "app.py"], set[str]()
    while waiting:
        for name in _needs(waiting.pop()) - found:
            found.add(name)
            waiting.append(modules()[name])
    return found


@cache
def _needs(path: Path) -> frozenset[str]:
    """The modules of ours that one imports, or names by their path; what is for type checkers alone is left out."""
    tree = sources()[path]
    hidden = {id(node) for block in ast.walk(tree) if _is_for_types(block) for node in ast.walk(block)}
    shown = [node for node in ast.walk(tree) if id(node) not in hidden]
    names = {name for node in shown if isinstance(node, ast.Import | ast.ImportFrom) for _, name in imported(node)}
    names |= {
        match[1]
        for node in shown
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and (match := _PATH.fullmatch(node.value))
    }
    names |= {parent for name in names for parent in _parents(name)}
    return frozenset(names & modules().keys())


def _parents(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"

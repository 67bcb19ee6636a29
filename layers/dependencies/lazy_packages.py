"""Makes packages import what they re-export when it is first asked for (PEP 562): run by the build.

    python lazy_packages.py <folder of packages>

Whoever imports one module of Powertools runs its packages' own files first, and these import the resolvers and events
of every other service, and asyncio with them; pydantic's engine comes with 150 TypedDicts that describe schemas to type
checkers. What the packages offer stays the same; only the time changes.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = (
    "aws_lambda_powertools",
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.data_classes",
    "pydantic_core",
)
_GETATTR = """

_LAZY = {lazy!r}


def __getattr__(name):
    if name not in _LAZY:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}")
    import importlib

    module, attribute = _LAZY[name]
    value = globals()[name] = getattr(importlib.import_module(module), attribute)
    return value
"""


def main(folder: Path) -> None:
    """Rewrites the packages' own files in place."""
    for package in PACKAGES:
        path = folder.joinpath(*package.split("."), "__init__.py")
        path.write_text(rewritten(path.read_text(), package))


def rewritten(source: str, package: str) -> str:
    """The source of a package's own file, with what it only passes on imported on demand."""
    tree = ast.parse(source)
    used = {node.id for node in _run(tree) if isinstance(node, ast.Name)}
    lazy: dict[str, tuple[str, str]] = {}
    lines = source.splitlines()
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or not _is_passed_on(node, package, used):
            continue
        for alias in node.names:
            lazy[alias.asname or alias.name] = (_module(node, package), alias.name)
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    return "\n".join(lines) + _GETATTR.format(lazy=lazy)


def _run(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that is evaluated: annotations are not where the file asks for that (PEP 563)."""
    texts = any(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        yield node
        skipped = (getattr(node, "annotation", None), getattr(node, "returns", None)) if texts else ()
        waiting += [child for child in ast.iter_child_nodes(node) if child not in skipped]


def _is_passed_on(node: ast.ImportFrom, package: str, used: set[str]) -> bool:
    module = _module(node, package)
    names = {alias.asname or alias.name for alias in node.names}
    # A name that is also a module's would turn into that module once somebody imports it.
    is_module = module.rpartition(".")[2] in names or module == package
    return module.startswith(package.partition(".")[0]) and not names & used and not is_module


def _module(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])


if __name__ == "__main__":
    main(Path(sys.argv[1]))

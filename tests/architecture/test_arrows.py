"""The dependencies between packages, and what only one of them may do. Read from the source; nothing is imported."""

import ast
from pathlib import Path

import pytest

from tests.support.sources import FUNCTIONS, imported, part_of, sources
from tests.support.template import ROOT

# functions → mcp_server → api → (actions, webhooks, integrations) → (delivery, connectors, catalog, audit) → security →
# repositories → domain → core, and outbound → core. A name without a dot allows a whole package, one with a dot a
# single module of it.
_DATA = {"core", "domain", "repositories", "security"}
_ABOVE = {*_DATA, "outbound", "catalog", "connectors", "delivery", "audit"}
MAY_IMPORT = {
    "core": set(),
    "domain": {"core"},
    "outbound": {"core"},
    "repositories": {"core", "domain"},
    "security": {"core", "domain", "repositories"},
    "catalog": {*_DATA, "outbound"},
    "audit": _DATA,
    "connectors": {*_DATA, "outbound", "catalog"},
    "delivery": {*_DATA, "outbound"},
    "integrations": {*_ABOVE, "webhooks"},
    "webhooks": _ABOVE,
    "actions": {*_ABOVE, "integrations"},
    "api": {*_ABOVE, "integrations", "webhooks", "actions"},
    "mcp_server": {*_ABOVE, "integrations", "webhooks", "actions", "api"},
    "functions": {*_ABOVE, "integrations", "webhooks", "actions", "api", "mcp_server"},
}
# What `make docs` and `make portal-build` wrote.
BUILT = (FUNCTIONS / "get_docs" / "guide", FUNCTIONS / "serve_portal" / "site")


def is_allowed(part: str, name: str) -> bool:
    """Whether `part` may import `name` (below `jobsprint.`)."""
    own, *_ = name.split(".")
    open_to = MAY_IMPORT[part]
    return own == part or own in open_to or ".".join(name.split(".")[:2]) in open_to


def shown(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_every_package_has_its_rules() -> None:
    parts = {part_of(path) for path in sources()} - {"__init__"}
    assert parts == set(MAY_IMPORT)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_imports_point_downwards(part: str) -> None:
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path, tree in sources().items()
        if part_of(path) == part
        for line, name in imported(tree)
        if name.startswith("jobsprint.") and not is_allowed(part, name.removeprefix("jobsprint."))
    ]
    assert not wrong


def test_no_module_imports_a_function_or_a_tool() -> None:
    outside = ("functions", "tools", "tests")
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path, tree in sources().items()
        for line, name in imported(tree)
        if name.split(".")[0] in outside
    ]
    assert not wrong


def test_only_config_reads_the_environment() -> None:
    wrong = [
        shown(path, node.lineno)
        for path, tree in sources().items()
        if path.name != "config.py"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "environb", "getenv")
    ]
    assert not wrong


def test_only_aws_makes_clients() -> None:
    # Other modules may use botocore's exceptions.
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path, tree in sources().items()
        if path.name != "aws.py"
        for line, name in imported(tree)
        if name.split(".")[0] in ("boto3", "botocore") and not name.startswith("botocore.exceptions.")
    ]
    assert not wrong


def test_only_outbound_opens_connections() -> None:
    wrong = [
        f"{shown(path, line)} imports {name}"
        for path, tree in sources().items()
        if part_of(path) != "outbound"
        for line, name in imported(tree)
        if name.split(".")[0] in ("pycurl", "socket", "requests", "http", "urllib3")
        or name.startswith("urllib.request")
    ]
    assert not wrong


def test_no_module_prints() -> None:
    wrong = [
        shown(path, node.lineno)
        for path, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert not wrong


def test_no_module_has_a_vague_name() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc"}
    names = [path.relative_to(ROOT).with_suffix("") for path in sources()]
    assert not [str(name) for name in names if vague & set(name.parts)]


def test_function_folders_hold_one_file() -> None:
    found = {
        path.relative_to(FUNCTIONS).as_posix()
        for path in FUNCTIONS.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not any(path.is_relative_to(folder) for folder in BUILT)
    }
    assert found == {f"{path.name}/app.py" for path in FUNCTIONS.iterdir() if path.is_dir()}

"""When the local stack is deployed again: whenever anything that a deployment is made of is another."""

from pathlib import Path

import pytest

from tools.local.deployment import digest
from tools.local.options import Home

HOME = Home(Path("/home/one/jobsprint/.local"))

SOURCES = (
    "template.yaml",
    "samconfig.toml",
    "requirements/emulator.txt",
    "functions/get_health/app.py",
    "layers/connector/jobsprint/core/ids.py",
    "layers/dependencies/requirements.txt",
    "tools/local/gateway.py",
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in SOURCES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("before")
    return tmp_path


@pytest.mark.parametrize("name", SOURCES)
def test_another_source_is_another_deployment(project: Path, name: str) -> None:
    before = digest(HOME, {}, project)
    (project / name).write_text("after")
    assert digest(HOME, {}, project) != before


def test_so_is_a_new_file_a_renamed_one_and_another_parameter(project: Path) -> None:
    seen = {digest(HOME, {}, project), digest(HOME, {"TenantRate": "1"}, project)}
    (project / "functions" / "get_health" / "more.py").write_text("")
    seen.add(digest(HOME, {}, project))
    (project / "functions" / "get_health" / "more.py").rename(project / "functions" / "get_health" / "other.py")
    seen.add(digest(HOME, {}, project))
    assert len(seen) == 4


def test_bytecode_and_the_order_of_parameters_are_no_change(project: Path) -> None:
    before = digest(HOME, {"A": "1", "B": "2"}, project)
    (project / "functions" / "get_health" / "__pycache__").mkdir()
    (project / "functions" / "get_health" / "__pycache__" / "app.cpython-311.pyc").write_bytes(b"\0")
    assert digest(HOME, {"B": "2", "A": "1"}, project) == before


def test_another_folder_is_another_deployment(project: Path) -> None:
    assert digest(HOME, {}, project) != digest(Home(Path("/home/two/jobsprint/.local")), {}, project)

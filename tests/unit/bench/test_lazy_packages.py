"""Packages as the layer's build leaves them: they offer the same, and load less."""

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.support.template import ROOT

sys.path.insert(0, str(ROOT / "layers" / "dependencies"))
import lazy_packages

_OFFERED = """
import importlib, json, sys
module = importlib.import_module({package!r})
offered = {{name: getattr(module, name, None) for name in module.__all__}}  # pydantic_core lists one that it lacks
def shown(value):
    return [getattr(value, "__module__", ""), getattr(value, "__qualname__", type(value).__name__)]
print(json.dumps({{name: shown(value) for name, value in offered.items()}}))
"""
_LOADED = """
import json, sys
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
print(json.dumps(list(sys.modules)))
"""
_CHECKED = """
import json, sys
from pydantic_core import SchemaValidator, ValidationError
try:
    SchemaValidator({"type": "typed-dict", "fields": {}, "extra_behavior": "forbid"}).validate_python({"a": 1})
except ValidationError as error:
    assert error.errors()[0]["type"] == "extra_forbidden"
print(json.dumps(list(sys.modules)))
"""


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("layer")
    for name in {package.partition(".")[0] for package in lazy_packages.PACKAGES}:
        found = find_spec(name)
        assert found
        assert found.origin
        shutil.copytree(Path(found.origin).parent, folder / name)
    lazy_packages.main(folder)
    return folder


def run(script: str, *path: Path) -> object:
    setup = f"import sys; sys.path[:0] = {[str(folder) for folder in path]!r}\n"
    done = subprocess.run([sys.executable, "-c", setup + script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.parametrize("package", lazy_packages.PACKAGES)
def test_it_offers_the_same(package: str, layer: Path) -> None:
    script = _OFFERED.format(package=package)
    assert run(script, layer) == run(script)


def test_the_resolver_comes_without_those_of_other_services(layer: Path) -> None:
    loaded = set(run(_LOADED, layer))  # type: ignore[call-overload]
    assert "aws_lambda_powertools.event_handler.appsync" not in loaded
    assert "asyncio" not in loaded


def test_pydantics_engine_checks_without_what_describes_its_schemas(layer: Path) -> None:
    loaded = set(run(_CHECKED, layer))  # type: ignore[call-overload]
    assert "pydantic_core._pydantic_core" in loaded
    assert "pydantic_core.core_schema" not in loaded


def test_what_only_annotations_name_is_not_used_where_they_are_not_evaluated() -> None:
    source = "from pydantic_core.a import B\ndef run(b: B) -> B: ...\n"
    assert "from pydantic_core.a import B" in lazy_packages.rewritten(source, "pydantic_core")
    later = lazy_packages.rewritten(f"from __future__ import annotations\n{source}", "pydantic_core")
    assert "from pydantic_core.a" not in later


def test_what_a_package_uses_itself_stays() -> None:
    source = "from aws_lambda_powertools.a import run, B\nfrom aws_lambda_powertools.c import D\nrun()\n"
    found = lazy_packages.rewritten(source, "aws_lambda_powertools")
    assert "from aws_lambda_powertools.a import run, B" in found
    assert "import D" not in found
    assert "'D': ('aws_lambda_powertools.c', 'D')" in found

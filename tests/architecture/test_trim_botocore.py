"""The layer's botocore data after the build's trimming: the operations that the code calls, as botocore has them."""

import ast
import gzip
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.session import Session, get_session

from tests.support.sources import sources
from tests.support.template import ROOT

sys.path.insert(0, str(ROOT / "layers" / "dependencies"))
import trim_botocore

SCRIPT = trim_botocore.__file__
INSTALLED = Path(botocore.__file__).parent / "data"
OPERATIONS = trim_botocore.OPERATIONS


def trim(target: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPT, str(target)], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def layer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """botocore's data as pip installs it (of the services that nobody uses, one), trimmed by the script."""
    data = tmp_path_factory.mktemp("layer") / "botocore" / "data"
    for service in (*OPERATIONS, "ec2"):
        shutil.copytree(INSTALLED / service, data / service)
    for shared in INSTALLED.glob("*.json"):
        shutil.copy(shared, data)
    done = trim(data.parents[1])
    assert done.returncode == 0, done.stderr
    return data


@pytest.fixture(scope="module")
def session(layer: Path) -> Session:
    session = get_session()
    loader = Loader(extra_search_paths=[str(layer)], include_default_search_paths=False)
    session.register_component("data_loader", loader)
    return session


def model(session: Session, service: str) -> Any:
    return session.get_component("data_loader").load_service_model(service, "service-2")


def without_documentation(value: Any) -> Any:
    if isinstance(value, dict):
        texts = {"documentation"} if isinstance(value.get("documentation"), str) else set()
        return {name: without_documentation(inner) for name, inner in value.items() if name not in texts}
    return [without_documentation(one) for one in value] if isinstance(value, list) else value


def test_every_call_of_the_code_is_kept_and_nothing_else() -> None:
    made, unreadable = set(), []
    for path, tree in sources().items():
        nodes = list(ast.walk(tree))
        clients = {id(node): node for node in nodes if is_client(node)}
        called = [node for node in nodes if isinstance(node, ast.Attribute) and id(node.value) in clients]
        created = [node for node in nodes if isinstance(node, ast.Expr) and id(node.value) in clients]
        made |= {(clients[id(node.value)].func.attr, node.attr) for node in called}
        if len(clients) != len(called) + len(created):
            unreadable.append(path)
    assert not unreadable, "write calls as aws.sqs().send_message(...), so that this test can read them"
    kept = {(service, xform_name(operation)) for service, listed in OPERATIONS.items() for operation in listed}
    assert made == kept - {("s3", "head_bucket")}


def is_client(node: Any) -> bool:
    """Whether it is `aws.sqs()` or the like."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="aws"), attr=service)):
            return service in OPERATIONS
    return False


@pytest.mark.parametrize("service", OPERATIONS)
def test_what_remains_is_unchanged(service: str, session: Session) -> None:
    ours, whole = model(session, service), model(get_session(), service)
    assert set(ours["operations"]) == set(OPERATIONS[service])
    for part in ("operations", "shapes"):
        assert ours[part] == {name: without_documentation(whole[part][name]) for name in ours[part]}
    rest = [
        {name: value for name, value in one.items() if name not in ("operations", "shapes")} for one in (ours, whole)
    ]
    assert rest[0] == rest[1]


def test_other_services_go_and_shared_data_stays(layer: Path) -> None:
    assert {path.name for path in layer.iterdir() if path.is_dir()} == set(OPERATIONS)
    for shared in ("_retry.json", "partitions.json", "sdk-default-configuration.json"):
        assert (layer / shared).read_bytes() == (INSTALLED / shared).read_bytes()
    for rules in layer.rglob("endpoint-rule-set-1.json.gz"):
        assert rules.read_bytes() == (INSTALLED / rules.relative_to(layer)).read_bytes()


def test_the_endpoints_of_the_services_are_unchanged(layer: Path) -> None:
    ours, whole = (json.loads((folder / "endpoints.json").read_text()) for folder in (layer, INSTALLED))
    for partition, original in zip(ours["partitions"], whole["partitions"], strict=True):
        kept = {name: value for name, value in original["services"].items() if name in OPERATIONS}
        assert partition == {**original, "services": kept}


@pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "cn-north-1"])
@pytest.mark.parametrize("service", OPERATIONS)
def test_a_client_is_the_same(service: str, region: str, session: Session) -> None:
    ours, whole = (one.create_client(service, region_name=region) for one in (session, get_session()))
    assert ours.meta.endpoint_url == whole.meta.endpoint_url
    for operation in ours.meta.service_model.operation_names:
        found = [one.meta.service_model.operation_model(operation).error_shapes for one in (ours, whole)]
        assert [shape.name for shape in found[0]] == [shape.name for shape in found[1]]


def test_a_build_that_cannot_trim_fails(tmp_path: Path) -> None:
    done = trim(tmp_path)
    assert done.returncode == 1
    assert "FileNotFoundError" in done.stderr
    data = tmp_path / "botocore" / "data"
    for service in OPERATIONS:
        shutil.copytree(INSTALLED / service, data / service)
    renamed = next((data / "kms").glob("*/service-2.json.gz"))
    renamed.write_bytes(gzip.compress(json.dumps({"operations": {}, "shapes": {}}).encode()))
    done = trim(tmp_path)
    assert done.returncode == 1
    assert "KeyError: 'Decrypt'" in done.stderr

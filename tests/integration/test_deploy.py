"""What `make deploy` does after SAM: old versions of functions go, once the deployment has succeeded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tools.local import sam
from tools.local.console import Failure

STACK = "jobsprint-dev"  # of dev in samconfig.toml
# In place of SAM's CLI, which would need AWS: it ends with the status that the test wants.
SAM = """
import os, sys
sys.exit(int(os.environ["SAM_DEPLOY_STATUS"]) if "deploy" in sys.argv else 0)
"""


def function(name: str) -> dict[str, Any]:
    return {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": name,
            "Runtime": "python3.13",
            "Handler": "index.handler",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "handler = print"},
        },
    }


@pytest.fixture
def functions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A stack of two functions, `many` with seven versions and `few` with two."""
    (tmp_path / "samcli").mkdir()
    (tmp_path / "samcli" / "__init__.py").touch()
    (tmp_path / "samcli" / "__main__.py").write_text(SAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SAM_DEPLOY_STATUS", "0")
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    with mock_aws():
        template = {"Resources": {"Role": role, "Many": function("many"), "Few": function("few")}}
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(template))
        client = boto3.client("lambda")
        for name, count in (("many", 7), ("few", 2)):
            for number in range(count):
                client.update_function_configuration(FunctionName=name, Description=str(number))
                client.publish_version(FunctionName=name)
        yield client


def versions(client: Any, name: str) -> list[str]:
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    return [one["Version"] for one in listed if one["Version"] != "$LATEST"]


def test_the_last_three_versions_and_those_of_an_alias_stay(functions: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shift = {"AdditionalVersionWeights": {"4": 0.1}}
    functions.create_alias(FunctionName="many", Name="live", FunctionVersion="2", RoutingConfig=shift)
    sam.deploy_to_aws("dev", {})
    assert versions(functions, "many") == ["2", "4", "5", "6", "7"]
    assert versions(functions, "few") == ["1", "2"]
    assert "Removed 2 old versions of functions" in capsys.readouterr().out


def test_a_failed_deployment_removes_nothing(functions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAM_DEPLOY_STATUS", "1")
    with pytest.raises(Failure, match="The deploy to dev failed"):
        sam.deploy_to_aws("dev", {})
    assert len(versions(functions, "many")) == 7


def test_versions_that_cannot_be_removed_are_one_clear_sentence(functions: Any) -> None:
    boto3.client("cloudformation").delete_stack(StackName=STACK)
    with pytest.raises(Failure, match="dev is deployed, but old versions of its functions were not removed: "):
        sam.deploy_to_aws("dev", {})

"""`make deploy`: what reaches a stage, what is checked before anything happens, and which old versions go."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from moto import mock_aws

from tests.support.template import ROOT, template
from tools.local import deploy, sam
from tools.local.console import Failure

STACK = "jobsprint-dev"  # of dev in samconfig.toml
ACCOUNT = "123456789012"  # moto's
# In place of SAM's CLI, which would need AWS: it notes its calls, and ends with the status that the test wants.
SAM = """
import json, os, sys
with open(os.environ["SAW"], "a") as file:
    print(json.dumps({"arguments": sys.argv[1:], "environment": dict(os.environ)}), file=file)
sys.exit(int(os.environ["DEPLOY_STATUS"]) if "deploy" in sys.argv else 0)
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


def quota(functions_at_once: int) -> None:
    """Answers Lambda's GetAccountSettings, which moto lacks."""
    boto3.setup_default_session()
    answer = {"AccountLimit": {"ConcurrentExecutions": functions_at_once}}
    response = AWSResponse("https://lambda.us-east-1.amazonaws.com", 200, {}, None)
    session: Any = boto3.DEFAULT_SESSION
    session.events.register("before-call.lambda.GetAccountSettings", lambda **_: (response, answer))


@pytest.fixture
def saw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The calls of SAM's CLI, a line each."""
    (tmp_path / "samcli").mkdir()
    (tmp_path / "samcli" / "__init__.py").touch()
    (tmp_path / "samcli" / "__main__.py").write_text(SAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DEPLOY_STATUS", "0")
    monkeypatch.setenv("SAW", str(tmp_path / "saw"))
    return tmp_path / "saw"


@pytest.fixture
def functions(saw: Path) -> Iterator[Any]:
    """A stack of two functions, `many` with seven versions and `few` with two."""
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Statement": []}}}
    with mock_aws():
        quota(1000)
        resources = {"Resources": {"Role": role, "Many": function("many"), "Few": function("few")}}
        boto3.client("cloudformation").create_stack(StackName=STACK, TemplateBody=json.dumps(resources))
        client = boto3.client("lambda")
        for name, count in (("many", 7), ("few", 2)):
            for number in range(count):
                client.update_function_configuration(FunctionName=name, Description=str(number))
                client.publish_version(FunctionName=name)
        yield client


def all_calls(saw: Path) -> list[dict[str, Any]]:
    """What SAM was called with."""
    return [json.loads(line) for line in saw.read_text().splitlines()] if saw.exists() else []


def calls(saw: Path) -> dict[str, Any]:
    """What SAM was called with last, by its command."""
    return {call["arguments"][0]: call for call in all_calls(saw)}


def sent(saw: Path) -> dict[str, str]:
    """The template parameters that were sent."""
    arguments = calls(saw)["deploy"]["arguments"]
    pairs = arguments[arguments.index("--parameter-overrides") + 1 :]
    return {name: value.strip('"') for name, _, value in (pair.partition("=") for pair in pairs)}


def silent(_question: str) -> NoReturn:
    raise AssertionError("nobody is to be asked")


# --- What reaches a stage ---------------------------------------------------------------------------------------------


def test_every_parameter_is_sent_so_that_a_changed_default_arrives(functions: Any, saw: Path) -> None:
    deploy.deploy_to_aws("dev", asks=False)
    parameters = sent(saw)
    assert parameters.keys() == template()["Parameters"].keys()
    assert parameters["Stage"] == "dev"
    assert parameters["MaxWebhooks"] == str(template()["Parameters"]["MaxWebhooks"]["Default"])
    assert parameters["LogRetentionDays"] == "7"  # of dev in samconfig.toml
    assert parameters["AlarmEmail"] == ""


def test_no_variable_of_the_shell_reaches_a_stage(functions: Any, saw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deploy.deploy_to_aws("dev", asks=False)
    before, _ = sent(saw), saw.unlink()
    shell = {
        "ALLOW_PRIVATE_TARGETS": "true",
        "CORS_ORIGIN": "https://evil.example",
        "RETRY_SCHEDULE": "0",
        "ZAPIER_MCP_URL": "http://127.0.0.1:9",
        "RUNTIME": "python3.12",
        "ARCH": "x86_64",
        "WHEELS": "native",
        "BYTECODE": "none",
        "MAKEFLAGS": "-- ARCH=x86_64",
        "SAM_TEMPLATE_FILE": "other.yaml",
        "SAM_CONFIG_FILE": "other.toml",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ENDPOINT_URL_CLOUDFORMATION": "http://127.0.0.1:4566",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
    }
    for name, value in shell.items():
        monkeypatch.setenv(name, value)
    deploy.deploy_to_aws("dev", asks=False)
    assert sent(saw) == before
    build = calls(saw)["build"]["environment"]
    assert (build["RUNTIME"], build["ARCH"], build["WHEELS"]) == ("python3.13", "arm64", "lambda")
    for call in calls(saw).values():
        kept = {name for name, value in call["environment"].items() if shell.get(name) == value}
        assert kept <= {"ALLOW_PRIVATE_TARGETS", "CORS_ORIGIN", "RETRY_SCHEDULE", "ZAPIER_MCP_URL"} | {
            "RUNTIME", "ARCH", "WHEELS", "BYTECODE"  # which SAM's deploy does not read
        }  # fmt: skip


def test_what_is_said_as_params_comes_last(functions: Any, saw: Path) -> None:
    deploy.deploy_to_aws("dev", "LogRetentionDays=14 HealthTestRate='rate(5 minutes)' AlarmEmail=", asks=False)
    assert sent(saw)["LogRetentionDays"] == "14"
    assert sent(saw)["HealthTestRate"] == "rate(5 minutes)"
    assert sent(saw)["AlarmEmail"] == ""


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("MaxWebhook=5", "MaxWebhook is not a parameter that can be said. Did you mean MaxWebhooks?"),
        ("Stage=prod", "Stage is not a parameter that can be said"),
        ("MaxWebhooks", "MaxWebhooks is not of the form Key=value"),
        ("Runtime=python3.11", "python3.11 is for the local stack only"),
    ],
)
def test_a_parameter_that_cannot_be_is_refused_before_anything_happens(
    functions: Any, saw: Path, said: str, answer: str
) -> None:
    with pytest.raises(Failure, match=answer):
        deploy.deploy_to_aws("dev", said, asks=False)
    assert calls(saw) == {}


@pytest.mark.parametrize("name", ["STAGE", "PARAMS", "YES"])
def test_only_the_make_line_says_stage_parameters_and_deletions(name: str) -> None:
    def value(*arguments: str) -> str:
        shown = subprocess.run(
            ["make", "--no-print-directory", "--eval", f"show:;@echo '$({name})'", "show", *arguments],
            cwd=ROOT, env={**os.environ, name: "shell"}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return shown.stdout.strip()

    assert value() == ""
    assert value(f"{name}=line") == "line"


def test_the_version_is_the_commit(functions: Any, saw: Path) -> None:
    deploy.deploy_to_aws("dev", asks=False)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    version, _, dirty = sent(saw)["ServiceVersion"].partition("-")
    assert head.startswith(version)
    assert dirty in {"", "dirty"}


def test_another_commit_is_no_other_setting() -> None:
    one, other = ({"ServiceVersion": commit, "AccountConcurrency": commit} for commit in "12")
    assert sam.with_digest(one)["Settings"] == sam.with_digest(other)["Settings"]


def test_a_bare_deploy_takes_the_build_of_the_stages_own_architecture() -> None:
    for stage in ("dev", "prod"):
        settings = sam.stage_settings(stage)
        given = sam.parse_overrides(settings["parameter_overrides"])
        target = sam.stage_target(stage, given["Runtime"], given["Architecture"])
        assert ROOT / settings["template_file"] == target.folder / "build" / "template.yaml"


@pytest.mark.parametrize("layer", ["connector", "dependencies"])
@pytest.mark.parametrize("given", [{}, {"ARCH": "x86_64"}])
def test_a_build_that_does_not_know_its_architecture_refuses(layer: str, given: dict[str, str], tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if name not in {"RUNTIME", "ARCH"}}
    name = f"build-{layer.capitalize()}Layer"
    built = subprocess.run(
        ["make", name], cwd=ROOT / "layers" / layer, env={**kept, **given, "ARTIFACTS_DIR": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode
    assert "make deploy STAGE=dev" in built.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_first_deployment_protects_its_tables_once_it_cannot_fail_any_more(functions: Any, saw: Path) -> None:
    deploy.deploy_to_aws("dev", asks=False)
    assert [call["arguments"][0] for call in all_calls(saw)] == ["build", "deploy"]
    assert sent(saw)["DeletionProtection"] == "true"

    saw.unlink()
    boto3.client("cloudformation").delete_stack(StackName=STACK)
    with pytest.raises(Failure, match="dev is deployed, but"):  # as the fake SAM makes no stack
        deploy.deploy_to_aws("dev", asks=False)
    assert [call["arguments"][0] for call in all_calls(saw)] == ["build", "deploy", "deploy"]
    given = [argument for call in all_calls(saw) for argument in call["arguments"] if "DeletionProtection" in argument]
    assert given == ['DeletionProtection="false"', 'DeletionProtection="true"']


# --- The account ------------------------------------------------------------------------------------------------------


def test_the_account_is_named_before_anything_happens(
    functions: Any, saw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    boto3.client("iam").create_account_alias(AccountAlias="acme")
    asked: list[str] = []

    def refuse(question: str) -> str:
        asked.append(question)
        return "n"

    with pytest.raises(Failure, match="Nothing was done"):
        deploy.deploy_to_aws("dev", answer=refuse)
    assert f"stack {STACK} in account {ACCOUNT} (acme), us-east-1" in capsys.readouterr().out
    assert len(asked) == 1
    assert calls(saw) == {}


def test_nobody_there_to_answer_is_a_no(functions: Any, saw: Path) -> None:
    def end_of_file(_question: str) -> str:
        raise EOFError

    with pytest.raises(Failure, match="CI=1 asks nothing"):
        deploy.deploy_to_aws("dev", answer=end_of_file)
    assert calls(saw) == {}


def test_ci_asks_nothing(functions: Any, saw: Path) -> None:
    deploy.deploy_to_aws("dev", asks=False, answer=silent)
    assert "--no-confirm-changeset" in calls(saw)["deploy"]["arguments"]


def test_another_account_than_samconfig_names_is_refused(functions: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stage = deploy.Stage("dev", STACK, "us-east-1", "210987654321", {})
    with pytest.raises(Failure, match="dev is in account 210987654321, so nothing was done"):
        deploy.check_account(stage, "Deploying", asks=True, answer=silent)
    assert ACCOUNT in capsys.readouterr().out
    deploy.check_account(deploy.Stage("dev", STACK, "us-east-1", ACCOUNT, {}), "Deploying", asks=True, answer=silent)


def test_credentials_that_do_not_work_are_one_clear_sentence(saw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    boto3.setup_default_session()
    with pytest.raises(Failure, match="no AWS credentials that work, so nothing was done"):
        deploy.deploy_to_aws("dev", asks=False)
    assert calls(saw) == {}


@pytest.mark.parametrize(("functions_at_once", "warned"), [(10, True), (300, True), (370, False), (1000, False)])
def test_the_concurrency_quota_is_reported_and_sent(
    functions: Any, saw: Path, capsys: pytest.CaptureFixture[str], functions_at_once: int, warned: bool
) -> None:
    quota(functions_at_once)
    deploy.deploy_to_aws("dev", asks=False)
    said = capsys.readouterr().out
    assert f"may run {functions_at_once} functions at once; the queues of this stage may take 270" in said
    assert ("Warning: that leaves under 100" in said) is warned
    assert sent(saw)["AccountConcurrency"] == str(functions_at_once)


def test_access_logs_need_the_accounts_role_for_them(functions: Any, saw: Path) -> None:
    with pytest.raises(Failure, match="AmazonAPIGatewayPushToCloudWatchLogs"):
        deploy.deploy_to_aws("dev", "AccessLogs=true", asks=False)
    assert calls(saw) == {}
    role = {"op": "replace", "path": "/cloudwatchRoleArn", "value": f"arn:aws:iam::{ACCOUNT}:role/logs"}
    boto3.client("apigateway").update_account(patchOperations=[role])
    deploy.deploy_to_aws("dev", "AccessLogs=true", asks=False)
    assert sent(saw)["AccessLogs"] == "true"


def test_the_consumers_of_queues_are_counted_as_the_template_has_them() -> None:
    scaling = [
        event["Properties"]["ScalingConfig"]["MaximumConcurrency"]
        for resource in template()["Resources"].values()
        for event in resource.get("Properties", {}).get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    defaults = sam.defaults()
    assert sum(int(defaults[one["Fn::Ref"]]) if isinstance(one, dict) else one for one in scaling) == 270


# --- Old versions -----------------------------------------------------------------------------------------------------


def versions(client: Any, name: str) -> list[str]:
    listed = client.list_versions_by_function(FunctionName=name)["Versions"]
    return [one["Version"] for one in listed if one["Version"] != "$LATEST"]


def test_the_last_three_versions_and_those_of_an_alias_stay(functions: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shift = {"AdditionalVersionWeights": {"4": 0.1}}
    functions.create_alias(FunctionName="many", Name="live", FunctionVersion="2", RoutingConfig=shift)
    deploy.deploy_to_aws("dev", asks=False)
    assert versions(functions, "many") == ["2", "4", "5", "6", "7"]
    assert versions(functions, "few") == ["1", "2"]
    assert "Removed 2 old versions of functions" in capsys.readouterr().out


def test_a_failed_deployment_removes_nothing(functions: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOY_STATUS", "1")
    with pytest.raises(Failure, match="The deploy to dev failed"):
        deploy.deploy_to_aws("dev", asks=False)
    assert len(versions(functions, "many")) == 7


def test_versions_that_cannot_be_removed_are_one_clear_sentence(functions: Any) -> None:
    boto3.client("cloudformation").delete_stack(StackName=STACK)
    with pytest.raises(Failure, match="dev is deployed, but old versions of its functions were not removed: "):
        deploy.deploy_to_aws("dev", asks=False)

"""`make deploy`: what is checked and said before anything happens, the build, the deployment, and what follows it.

No variable of the shell reaches a stage, but for AWS's own credentials: parameters come from the template, then
samconfig.toml, then the make line's `PARAMS=`.
"""

import difflib
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.local import sam, stack, versions
from tools.local.console import Failure
from tools.local.options import PROJECT

# Parameters that say how many batches run at once, and what template.yaml gives the two other consumers of queues.
_CONSUMERS = ("DispatchConcurrency", "HealthConcurrency", "ExecutionConcurrency")
_OTHER_CONSUMERS = 50 + 20
_FOR_REQUESTS = 100
# Parameters that a deployment sets itself.
_OWN = {"Stage", "Settings", "ServiceVersion"}


@dataclass(frozen=True)
class Stage:
    """A stage of samconfig.toml with every parameter of the template. `account` is empty if any will do."""

    name: str
    stack_name: str
    region: str
    account: str
    parameters: dict[str, str]

    def client(self, service: str) -> Any:
        return stack.deployed_client(service, self.region)


def read_stage(name: str, said: str = "") -> Stage:
    """A stage, with the `Key=value` pairs of the make line. Raises Failure for what cannot be a parameter in AWS."""
    settings, known = sam.stage_settings(name), sam.defaults()
    given = _pairs(said)
    for parameter in given:
        if parameter not in known or parameter in _OWN:
            near = difflib.get_close_matches(parameter, known.keys() - _OWN, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise Failure(f"PARAMS: {parameter} is not a parameter that can be said.{hint}")
    parameters = known | sam.parse_overrides(settings.get("parameter_overrides", [])) | given
    if parameters["Runtime"] == "python3.11":
        raise Failure(
            "Runtime=python3.11 is for the local stack only (Lambda's has too old a glibc): use python3.12 or newer."
        )
    return Stage(
        name,
        str(settings["stack_name"]),
        str(settings["region"]),
        sam.stage_account(name),
        {**parameters, "Stage": name},
    )


def _pairs(said: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in shlex.split(said)]
    if wrong := [name for name, equals, _ in pairs if not name or not equals]:
        raise Failure(f"PARAMS: {wrong[0]} is not of the form Key=value.")
    return {name: value for name, _, value in pairs}


def deploy_to_aws(name: str, said: str = "", *, asks: bool = True, answer: Callable[[str], str] = input) -> None:
    """Name and check the account, build for Lambda, deploy, and remove old versions.

    `said` is the make line's `PARAMS=`; without `asks` nothing is asked (`CI=1`). Raises Failure, and before anything
    is built for what can be known by then; versions are removed only after a deployment that succeeded.
    """
    stage = read_stage(name, said)
    _check_compiler(stage)
    check_account(stage, "Deploying", asks=asks, answer=answer)
    parameters = stage.parameters | {"ServiceVersion": commit()}
    concurrency = _concurrency(stage)
    if concurrency and "AccountConcurrency" not in _pairs(said):
        parameters["AccountConcurrency"] = str(concurrency)
    if parameters["AccessLogs"] == "true":
        _check_logging_role(stage)
    target = sam.stage_target(name, parameters["Runtime"], parameters["Architecture"])
    sam.build(target, environment(), PROJECT / ".local" / "logs" / f"build-{name}.log")
    if not _exists(stage):
        # A first deployment that fails takes its tables along, which it could not if they were protected already.
        _deploy(stage, target, parameters | {"DeletionProtection": "false"}, asks=asks)
    _deploy(stage, target, parameters, asks=asks)
    _prune_versions(stage)


def _exists(stage: Stage) -> bool:
    """Whether the stage has a stack that was deployed once."""
    try:
        [found] = stage.client("cloudformation").describe_stacks(StackName=stage.stack_name)["Stacks"]
    except ClientError:
        return False
    return found["StackStatus"] not in {"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"}


def _deploy(stage: Stage, target: sam.Target, parameters: Mapping[str, str], *, asks: bool) -> None:
    command = [
        *sam.SAM, "deploy",
        "--config-file", str(sam.CONFIG),
        "--config-env", stage.name,
        "--template-file", str(target.folder / "build" / "template.yaml"),
        *([] if asks else ["--no-confirm-changeset"]),
        "--parameter-overrides", *sam.overrides(sam.with_digest(parameters)),
    ]  # fmt: skip
    if subprocess.call(command, cwd=PROJECT, env=environment()):
        raise Failure(f"The deploy to {stage.name} failed; SAM's answer is above.")


def environment() -> dict[str, str]:
    """The shell's environment for SAM, without what could turn a deployment to another Region or to an emulator."""
    turning = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(turning)}
    return sam.environment(kept) | {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}  # of a profile


def commit() -> str:
    """The commit that is deployed, with `-dirty` where files differ from it; `unknown` outside a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"],
        cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return described.stdout.strip() or "unknown"


def check_account(stage: Stage, doing: str, *, asks: bool, answer: Callable[[str], str] = input) -> None:
    """Say whose account the credentials are of, and raise Failure if it is not the stage's or nobody agrees to it."""
    try:
        caller = stage.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise Failure(f"There are no AWS credentials that work, so nothing was done: {error}") from None
    account = str(caller["Account"])
    print(f"  {doing} {stage.name}: stack {stage.stack_name} in account {account}{_alias(stage)}, {stage.region}")
    print(f"  as {caller['Arn']}")
    if stage.account and stage.account != account:
        raise Failure(f"samconfig.toml says that {stage.name} is in account {stage.account}, so nothing was done.")
    if asks and not stage.account and not _agreed(f"  Is {account} the account of {stage.name}? [y/N] ", answer):
        raise Failure("Nothing was done. samconfig.toml can name the stage's account; CI=1 asks nothing.")


def _agreed(question: str, answer: Callable[[str], str]) -> bool:
    try:
        return answer(question).strip().lower() in {"y", "yes"}
    except EOFError:
        return False


def _alias(stage: Stage) -> str:
    """The account's alias in brackets, if it has one that the caller may see."""
    try:
        aliases = stage.client("iam").list_account_aliases()["AccountAliases"]
    except (BotoCoreError, ClientError):
        return ""
    return f" ({aliases[0]})" if aliases else ""


def _check_compiler(stage: Stage) -> None:
    runtime = stage.parameters["Runtime"]
    version = runtime.removeprefix("python")
    if sam.interpreter(runtime):
        return
    if stage.name == "prod":
        raise Failure(
            f"make deploy STAGE=prod ships bytecode, which only Python {version} can compile: "
            f"install it (uv python install {version}, pyenv install {version}, or your system's) and run it again."
        )
    print(f"  Warning: no Python of {runtime} here, so the layers ship without bytecode and start slower.")


def _concurrency(stage: Stage) -> int | None:
    """The account's concurrency quota, reported beside what the stage may use; None if it cannot be read."""
    try:
        settings = stage.client("lambda").get_account_settings()
    except (BotoCoreError, ClientError) as error:
        print(f"  The account's concurrency quota is unknown: {error}")
        return None
    quota = int(settings["AccountLimit"]["ConcurrentExecutions"])
    consumers = sum(int(stage.parameters[name]) for name in _CONSUMERS) + _OTHER_CONSUMERS
    print(f"  The account may run {quota} functions at once; the queues of this stage may take {consumers} of them.")
    if quota < consumers + _FOR_REQUESTS:
        print(
            f"  Warning: that leaves under {_FOR_REQUESTS} for requests. New accounts have 10: ask for more (Service"
            " Quotas, Lambda, L-B99A9384), or lower DispatchConcurrency, HealthConcurrency and ExecutionConcurrency."
        )
    return quota


def _check_logging_role(stage: Stage) -> None:
    """API Gateway writes access logs with one role for the account and Region, which no stage of it may own."""
    try:
        role = stage.client("apigateway").get_account().get("cloudwatchRoleArn")
    except (BotoCoreError, ClientError) as error:
        print(f"  Whether API Gateway may write access logs is unknown: {error}")
        return
    if not role:
        raise Failure(
            "AccessLogs=true needs a role with the policy AmazonAPIGatewayPushToCloudWatchLogs in API Gateway's"
            " settings: aws apigateway update-account --patch-operations"
            " op=replace,path=/cloudwatchRoleArn,value=<its ARN>"
        )


def _prune_versions(stage: Stage) -> None:
    try:
        removed = versions.prune(stage.client("cloudformation"), stage.client("lambda"), stage.stack_name)
    except (BotoCoreError, ClientError) as error:
        raise Failure(
            f"{stage.name} is deployed, but old versions of its functions were not removed: {error}"
        ) from error
    print(f"  Removed {removed} old versions of functions")


def deploy_dashboard(name: str, *, asks: bool = True) -> None:
    """Deploy dashboard.yaml beside a stage's stack, with that stack's outputs as its parameters."""
    stage = read_stage(name)
    check_account(stage, "Deploying the dashboard of", asks=asks)
    known = stack.outputs(stage.client("cloudformation"), stage.stack_name) | {"Stage": name, "Stack": stage.stack_name}
    template = PROJECT / "dashboard.yaml"
    command = [
        *sam.SAM, "deploy",
        "--template-file", str(template),
        "--stack-name", f"{stage.stack_name}-dashboard",
        "--region", stage.region,
        "--no-fail-on-empty-changeset",
        "--parameter-overrides", *sam.overrides(_wanted(template.read_text(), known)),
    ]  # fmt: skip
    if subprocess.call(command, cwd=PROJECT, env=environment()):
        raise Failure(f"The dashboard of {name} was not deployed; SAM's answer is above.")


def _wanted(template: str, known: Mapping[str, str]) -> dict[str, str]:
    return {name: known[name] for name in re.findall(r"^  (\w+): \{Type: String", template, re.MULTILINE)}

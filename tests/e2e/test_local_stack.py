"""`make up`, `make down` and the token commands, as contract.md §1 and §6 describe them."""

import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import boto3
import pytest
import requests

from jobsprint.core.clock import now_ms
from jobsprint.core.ids import new_id
from tests.e2e.local_stack import SETTINGS, Stack, command, free_port, running
from tests.support.template import functions
from tools.local import emulator
from tools.local import stack as deployed
from tools.local.options import PROJECT, Home


def test_the_environment_file_holds_what_the_contract_names(stack: Stack) -> None:
    assert stack.env["JOBSPRINT_URL"].startswith("http://127.0.0.1:")
    assert stack.env["JOBSPRINT_URL"].endswith("/v1")
    assert stack.env["JOBSPRINT_BASE_URL"] == stack.env["JOBSPRINT_URL"]  # the name that the command line knows
    assert stack.env["AWS_ENDPOINT_URL"] == stack.env["JOBSPRINT_URL"].removesuffix("/v1")
    for name in (
        "JOBSPRINT_TOKEN",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "JOBSPRINT_EVENT_BUS_NAME",
    ):
        assert stack.env[name]
    assert stack.home.env.stat().st_mode & 0o077 == 0


def test_the_names_in_it_are_those_of_real_tables_and_queues(stack: Stack) -> None:
    tables = stack.client("dynamodb").list_tables()["TableNames"]
    assert {stack.env[f"JOBSPRINT_{name}_TABLE"] for name in ("TENANTS", "LOGS", "EVENTS", "TOKENS")} <= set(tables)
    queue = stack.env["JOBSPRINT_DELIVERY_QUEUE_URL"]
    assert stack.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]


def test_sam_local_invoke_gets_the_variables_of_every_function(stack: Stack) -> None:
    given = json.loads(stack.home.sam_env.read_text())
    assert set(given) == {properties["LogicalId"] for properties in functions().values()}
    assert {variables["TENANTS_TABLE"] for variables in given.values()} == {stack.env["JOBSPRINT_TENANTS_TABLE"]}
    port = stack.env["AWS_ENDPOINT_URL"].rpartition(":")[2]
    assert all(variables["AWS_ENDPOINT"].endswith(f":{port}") for variables in given.values())
    assert stack.home.sam_env.stat().st_mode & 0o077 == 0


def test_the_environment_file_exports_to_programs_that_a_shell_starts(stack: Stack) -> None:
    shown = subprocess.run(
        ["/bin/sh", "-c", f". '{stack.home.env}' && env"], capture_output=True, text=True, check=True, env={}
    )
    assert f"JOBSPRINT_TOKEN={stack.token}" in shown.stdout.splitlines()


def test_status_says_where_it_is_what_it_runs_and_what_waits(stack: Stack) -> None:
    shown = command(stack.home, "status", settings=SETTINGS).stdout
    assert f"Base URL  {stack.url}\n" in shown
    assert stack.token in shown
    assert "Deployed  as the sources are" in shown
    assert re.search(r"^  DeliveryQueue +\d+ +\d+ +\d+$", shown, re.MULTILINE)


def test_the_log_shows_failures_with_their_code_and_ids(stack: Stack) -> None:
    path = f"/integrations/{new_id('int', now_ms())}"
    requests.get(stack.url + path, headers=stack.auth, timeout=30)
    words = [sys.executable, "-u", "-m", "tools.local", "--home", str(stack.home.folder), "logs", "--level", "warn"]
    with subprocess.Popen(words, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout
        try:
            line = next(line for line in following.stdout if path in line)
        finally:
            following.terminate()
    assert "WARNING GetIntegration answered" in line
    assert "code=integration_not_found" in line


def test_pids_names_each_process_and_its_id(stack: Stack) -> None:
    for line in stack.home.pids.read_text().splitlines():
        name, pid = line.split(" ")
        assert name
        os.kill(int(pid), 0)


def test_the_emulator_listens_on_the_loopback_address_only(stack: Stack) -> None:
    port = int(stack.env["AWS_ENDPOINT_URL"].rpartition(":")[2])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as route:
        route.connect(("192.0.2.1", 9))  # sends nothing: it only picks this machine's own address
        own_address = route.getsockname()[0]
    with pytest.raises(OSError, match="refused"), socket.create_connection((own_address, port), timeout=5):
        pass


def test_iam_is_enforced(stack: Stack) -> None:
    stranger = boto3.client(
        "dynamodb",
        endpoint_url=stack.env["AWS_ENDPOINT_URL"],
        region_name=stack.env["AWS_REGION"],
        aws_access_key_id="AKIASTRANGER00000000",
        aws_secret_access_key="wrong",
    )
    with pytest.raises(stranger.exceptions.ClientError, match=r"UnrecognizedClient|InvalidClientTokenId|AccessDenied"):
        stranger.list_tables()


def test_tokens_are_issued_listed_and_revoked(stack: Stack) -> None:
    issued = command(stack.home, "token", "--tenant", "acme", "--scopes", "integrations:read", "--expires", "30d")
    assert issued.returncode == 0, issued.stderr
    token = issued.stdout.splitlines()[-1]
    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{stack.url}/integrations", headers=headers, timeout=30).status_code == 200

    listed = command(stack.home, "tokens", "--tenant", "acme").stdout
    assert token not in listed
    token_id = "tok_" + listed.partition("tok_")[2].partition('"')[0]
    assert command(stack.home, "revoke-token", "--id", token_id).returncode == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["token", "--tenant", "acme", "--expires", "soon"], "EXPIRES=soon is not a number of days"),
        (["token", "--tenant", "acme", "--scopes", "everything"], "The token function refused: "),
        (["deploy", "--stage", "moon"], "STAGE=moon is not an environment"),
    ],
)
def test_a_wrong_command_is_one_clear_sentence(stack: Stack, words: list[str], sentence: str) -> None:
    done = command(stack.home, *words)
    assert done.returncode != 0
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_a_busy_port_is_one_clear_sentence(other_home: Home) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = command(other_home, "up", settings={"PORT": str(port)})
    assert done.returncode != 0
    assert done.stderr == f"Port {port} is in use: stop what uses it or choose another, as in make run PORT=5000.\n"


def test_a_failed_deploy_is_one_clear_sentence_and_leaves_nothing_running(other_home: Home) -> None:
    done = command(other_home, "up", settings={"PORT": str(free_port()), "RETRY_SCHEDULE": "soon"})
    assert done.returncode != 0
    assert done.stderr.startswith("The deploy failed (")
    assert len(done.stderr.splitlines()) == 1
    assert not emulator.running(other_home)


def test_a_second_stack_runs_beside_it_and_survives_a_restart(stack: Stack, other_home: Home) -> None:
    port = str(free_port())
    done = command(other_home, "up", settings={"PORT": port})
    assert done.returncode == 0, done.stdout + done.stderr
    second = Stack(other_home, deployed.read_env(other_home))
    assert second.url == f"http://127.0.0.1:{port}/v1"
    table, key = second.env["JOBSPRINT_TENANTS_TABLE"], {"pk": {"S": "kept"}, "sk": {"S": "kept"}}
    second.client("dynamodb").put_item(TableName=table, Item=key)
    assert requests.get(f"{stack.url}/integrations", headers=stack.auth, timeout=30).status_code == 200

    assert command(other_home, "down").returncode == 0
    assert not _processes_of(other_home)

    with running(other_home) as shown:
        # It restarts on the same port, with the token and the data of before.
        assert _line(shown, "Base URL").endswith(second.url)
        assert second.token in _line(shown, "Token")
        assert f"{second.url}/integrations/available" in _line(shown, "curl")
        _line(shown, "Following")
        assert requests.get(f"{second.url}/integrations", headers=second.auth, timeout=30).status_code == 200
        assert "Item" in second.client("dynamodb").get_item(TableName=table, Key=key)
        _log(second, {"level": "INFO", "message": "planted", "function": "GetHealth", "n": 1})
        assert "INFO    GetHealth planted n=1" in _line(shown, "planted")
    assert not _processes_of(other_home)


def _line(shown: Iterator[str], word: str) -> str:
    """The next line that holds the word."""
    return next(line.rstrip() for line in shown if word in line)


def _log(stack: Stack, fields: dict[str, object]) -> None:
    """Write one line to the functions' logs."""
    logs, where = (
        stack.client("logs"),
        {"logGroupName": stack.env["JOBSPRINT_FUNCTION_LOGS"], "logStreamName": "planted"},
    )
    logs.create_log_stream(**where)
    logs.put_log_events(**where, logEvents=[{"timestamp": int(time.time() * 1000), "message": json.dumps(fields)}])


def _processes_of(home: Home) -> list[str]:
    """What still runs of a stack: the emulator, or a function's worker, which has the folder in its command."""
    workers = [line for line in emulator.process_table().splitlines() if str(home.scratch) in line]
    return workers + ["emulator"] * emulator.running(home)

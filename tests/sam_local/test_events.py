"""Every file in events/ by `sam local invoke`, beside what the deployed stack answers to the same over HTTP.

First the file as it is, as tenant `demo`; another tenant sends the same to the API. Its ids name nothing, so those with
an id run again on integrations and webhooks that are there, a pair for each: one for SAM, one for HTTP.
"""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.sam_local.conftest import sam_local_invoke
from tests.support.receiver import Receiver
from tests.support.template import ROOT, functions, routes
from tools.local import containers, tokens
from tools.local.options import Home

EVENTS = ROOT / "events"
HTTP = sorted(set(routes().values()))
OTHER = sorted(set(functions()) - set(HTTP))
_IDS = re.compile(r"\b(int|wh|dlv|exe|job)_[0-9a-hjkmnp-tv-z]{26}\b")
WITH_IDS = [folder for folder in HTTP if _IDS.search(json.loads((EVENTS / f"{folder}.json").read_text())["path"])]
# With them connections begin that lead to other hosts, or something ends that others of the files begin.
LAST = ["connect_integration", "create_webhook", "delete_event_type"]
# Nothing waits for a confirmation there, and the recovery has ended.
REFUSED = {"confirm_integration": 409, "cancel_recovery": 409}
_AT_ONCE = 3


@dataclass(frozen=True)
class Answered:
    """A status and a body, as JSON where it is JSON."""

    status: int
    body: Any

    @classmethod
    def of(cls, status: int, text: str) -> "Answered":
        try:
            return cls(status, json.loads(text or "null"))
        except ValueError:
            return cls(status, "no JSON")


@dataclass(frozen=True)
class Both:
    """What SAM's function and the API answered."""

    sam: Answered
    http: Answered


def event_of(folder: str) -> Any:
    return json.loads((EVENTS / f"{folder}.json").read_text())


def by_sam(folder: str, file: Path, stack: Stack) -> Answered:
    answer = sam_local_invoke(folder, file, stack.home.sam_env)
    return Answered.of(answer["statusCode"], answer["body"])


def by_http(event: Any, api: Api) -> Answered:
    headers = {**event["headers"], "Authorization": f"Bearer {api.token}"}
    answer = requests.request(
        event["httpMethod"],
        api.url + event["path"],
        params=event["queryStringParameters"],
        headers=headers,
        data=event["body"],
        timeout=60,
    )
    return Answered.of(answer.status_code, answer.text)


@dataclass
class Runs:
    """Both answers to each event, as it is and with ids that exist; several run at a time."""

    as_they_are: dict[str, Future[Both]]
    with_ids: dict[str, Future[Both]]


@pytest.fixture(scope="session")
def runs(stack: Stack, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    twin = Api.of(stack, tenant="twin")
    folder_of_files = tmp_path_factory.mktemp("events")

    def as_it_is(folder: str) -> Both:
        return Both(by_sam(folder, EVENTS / f"{folder}.json", stack), by_http(event_of(folder), twin))

    def with_ids(folder: str) -> Both:
        api = Api.of(stack, tenant=f"sam-{folder.replace('_', '-')}")
        file = folder_of_files / f"{folder}.json"
        file.write_text(json.dumps(with_real(folder, api, receiver)))
        return Both(by_sam(folder, file, stack), by_http(with_real(folder, api, receiver), api))

    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def submit(job: Callable[[str], Both], folders: list[str]) -> dict[str, Future[Both]]:
            return {folder: pool.submit(job, folder) for folder in folders}

        first = submit(as_it_is, [folder for folder in HTTP if folder not in LAST])

        def after_the_others(folder: str) -> Both:
            wait(first.values())
            return as_it_is(folder)

        yield Runs(first | submit(after_the_others, LAST), submit(with_ids, WITH_IDS))
        pool.shutdown(cancel_futures=True)


def with_real(folder: str, api: Api, receiver: Receiver) -> Any:
    """The event for the tenant of `api`, with the ids of things of its own that are made here."""
    real = {"int": integration(api, receiver)} if "int_" in event_of(folder)["path"] else webhook(folder, api, receiver)
    if "exe_" in event_of(folder)["path"]:
        path = f"/integrations/{real['int']}/actions/create_order"
        real["exe"] = api.data("POST", path, {"parameters": {"sku": "A-1"}}, headers={"Prefer": "respond-async"})[
            "executionId"
        ]
    event = json.loads(_IDS.sub(lambda found: real.get(found[1], found[0]), json.dumps(event_of(folder))))
    event["requestContext"]["authorizer"]["tenant"] = api_tenant(folder)
    return event


def api_tenant(folder: str) -> str:
    return f"sam-{folder.replace('_', '-')}"


def integration(api: Api, receiver: Receiver) -> str:
    """One with the action that events/execute_action.json calls."""
    return api.connect_custom(receiver.url, actions=[{"name": "create_order"}])


def webhook(folder: str, api: Api, receiver: Receiver) -> dict[str, str]:
    """The ids of a webhook with a delivery that has arrived, and a recovery that has ended where one is asked about."""
    path = event_of(folder)["path"]
    hook = api.create_webhook(receiver.url)["id"]
    real = {"wh": hook}
    if "dlv_" in path:
        api.data("POST", "/events", {"event": "workflow.executed", "data": {}})
        deliveries = f"/integrations/webhooks/{hook}/deliveries"
        [real["dlv"]] = eventually(
            lambda: [one["id"] for one in api.data("GET", deliveries) if one["state"] == "delivered"], seconds=60
        )
    if "job_" in path:
        recoveries = f"/integrations/webhooks/{hook}/recover"
        real["job"] = api.data("POST", recoveries, {"since": "2025-01-06T12:00:00Z"})["jobId"]
        eventually(lambda: api.data("GET", f"{recoveries}/{real['job']}")["status"] == "done", seconds=60)
    return real


def assert_alike(ours: Any, theirs: Any, at: str = "") -> None:
    """The same keys and types; an error's code and message are the same too."""
    assert type(ours) is type(theirs), at
    if isinstance(ours, dict):
        assert set(ours) == set(theirs), at
        for name, value in ours.items():
            assert_alike(value, theirs[name], f"{at}.{name}")
    if isinstance(ours, list):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            assert_alike(one, other, f"{at}[{index}]")
    if at in (".error.code", ".error.message", ".success"):
        assert ours == theirs


@pytest.mark.parametrize("folder", HTTP)
def test_an_endpoint_answers_as_over_http(folder: str, runs: Runs) -> None:
    both = runs.as_they_are[folder].result()
    assert both.sam.status == both.http.status, both
    assert both.sam.status < 500, both
    assert_alike(both.sam.body, both.http.body)


@pytest.mark.parametrize("folder", WITH_IDS)
def test_an_endpoint_finds_what_is_there(folder: str, runs: Runs) -> None:
    both = runs.with_ids[folder].result()
    assert both.sam.status == both.http.status, both
    assert both.sam.status == REFUSED.get(folder, both.sam.status), both
    assert folder in REFUSED or both.sam.status // 100 == 2, both
    assert_alike(both.sam.body, both.http.body)


@pytest.mark.parametrize("folder", OTHER)
def test_a_function_without_a_route_answers_as_deployed(folder: str, stack: Stack) -> None:
    [deployed] = [
        one["PhysicalResourceId"]
        for one in stack.client("cloudformation").describe_stack_resources(StackName="jobsprint")["StackResources"]
        if one["LogicalResourceId"] == functions()[folder]["LogicalId"]
    ]
    answer = stack.client("lambda").invoke(FunctionName=deployed, Payload=(EVENTS / f"{folder}.json").read_text())
    there = json.loads(answer["Payload"].read())
    here = sam_local_invoke(folder, EVENTS / f"{folder}.json", stack.home.sam_env)
    for told in (there, here):
        told.pop("requestId", None)  # of an error
        told.pop("stackTrace", None)
    assert_alike(here, there)
    assert ("errorMessage" in here) == ("FunctionError" in answer)


@pytest.mark.parametrize("folder", ["list_integrations", "manage_tokens", "run_health_tests"])
def test_without_a_stack_the_answer_says_what_to_start(folder: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    containers.write_placeholder(home)
    answer = sam_local_invoke(folder, EVENTS / f"{folder}.json", home.sam_env)
    assert "start it with make up" in json.dumps(answer)


def test_the_token_that_it_issues_works(stack: Stack) -> None:
    token = sam_local_invoke("manage_tokens", EVENTS / "manage_tokens.json", stack.home.sam_env)["token"]
    assert tokens.still_valid(stack.url, token)

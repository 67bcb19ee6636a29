"""Every file in events/ by `sam local invoke`, beside what the deployed stack answers to the same over HTTP.

First the file as it is, as tenant `demo`; another tenant sends the same to the API. Its ids name nothing, so those with
an id run again on integrations and webhooks that are there, a pair for each: one for SAM, one for HTTP.
"""

import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import pytest
import requests

from tests.e2e.api import Api, eventually
from tests.e2e.local_stack import Stack
from tests.sam_local.conftest import sam_local_invoke
from tests.support.receiver import Receiver
from tests.support.template import ROOT, functions, routes
from tools.local import containers
from tools.local import stack as deployed
from tools.local.options import STACK, Home

EVENTS = ROOT / "events"
HTTP = sorted(set(routes().values()))
OTHER = sorted(set(functions()) - set(HTTP))
_IDS = re.compile(r"\b(int|wh|dlv|exe|job)_[0-9a-hjkmnp-tv-z]{26}\b")
_OWN = re.compile(r"\b[a-z]{2,3}_[0-9a-hjkmnp-tv-z]{26}\b|\d{4}-\d\d-\d\dT[\d:.]+Z")
WITH_IDS = [folder for folder in HTTP if _IDS.search(json.loads((EVENTS / f"{folder}.json").read_text())["path"])]
# Their functions call the tenant's endpoint.
CALLING = ["execute_action", "test_integration", "test_webhook"]
# With them connections begin that lead to other hosts, or something ends that others of the files begin.
LAST = ["connect_integration", "create_webhook", "delete_event_type"]
# Nothing waits for a confirmation there, the recovery has ended, and events of that time are gone.
REFUSED = {"confirm_integration": 409, "cancel_recovery": 409, "recover_webhook": 422}
# Whether a token has a name, a parent or an end depends on who made it.
NOT_ALIKE = {"list_tokens"}
_AT_ONCE = 2  # a function has to start within its own timeout
T = TypeVar("T")


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


def as_deployed(folder: str, stack: Stack) -> Any:
    """What the deployed function answers to its event."""
    described = stack.client("cloudformation").describe_stack_resource(
        StackName=STACK, LogicalResourceId=functions()[folder]["LogicalId"]
    )
    answer = stack.client("lambda").invoke(
        FunctionName=described["StackResourceDetail"]["PhysicalResourceId"],
        Payload=(EVENTS / f"{folder}.json").read_text(),
    )
    return json.loads(answer["Payload"].read())


def by_http(event: Any, api: Api) -> Answered:
    # The host is that of the stack here. Only the event of the MCP endpoint has a token, a wrong one.
    sent = {name: value for name, value in event["headers"].items() if name != "Host"}
    headers = {"Authorization": f"Bearer {api.token}", **sent}
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
    """Both answers to each event: as it is, with ids that exist, and of functions without a route."""

    as_they_are: dict[str, Future[Both]]
    with_ids: dict[str, Future[Both]]
    without_route: dict[str, Future[tuple[Any, Any]]]


@pytest.fixture(scope="session")
def runs(stack: Stack, receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    twin = Api.of(stack, tenant="twin")
    folder_of_files = tmp_path_factory.mktemp("events")
    # Here the gateway's address may exist only while a container runs.
    gateway = urlsplit(json.loads(stack.home.sam_env.read_text())["TestWebhookFunction"]["AWS_ENDPOINT"]).hostname
    here, in_container = (receiver.url.replace("0.0.0.0", str(host)) for host in ("127.0.0.1", gateway))

    def as_it_is(folder: str) -> Both:
        return Both(by_sam(folder, EVENTS / f"{folder}.json", stack), by_http(event_of(folder), twin))

    def with_ids(folder: str) -> Both:
        api = Api.of(stack, tenant=tenant_of(folder))
        file = folder_of_files / f"{folder}.json"
        file.write_text(json.dumps(with_real(folder, api, in_container if folder in CALLING else here)))
        return Both(by_sam(folder, file, stack), by_http(with_real(folder, api, here), api))

    def without_route(folder: str) -> tuple[Any, Any]:
        return sam_local_invoke(folder, EVENTS / f"{folder}.json", stack.home.sam_env), as_deployed(folder, stack)

    with ThreadPoolExecutor(_AT_ONCE) as pool:

        def submit(job: Callable[[str], T], folders: list[str]) -> dict[str, Future[T]]:
            return {folder: pool.submit(job, folder) for folder in folders}

        first = submit(as_it_is, [folder for folder in HTTP if folder not in LAST])
        others = submit(without_route, OTHER)

        def after_the_others(folder: str) -> Both:
            wait(first.values())
            wait(others.values())
            return as_it_is(folder)

        yield Runs(first | submit(after_the_others, LAST), submit(with_ids, WITH_IDS), others)
        pool.shutdown(cancel_futures=True)


def with_real(folder: str, api: Api, url: str) -> Any:
    """The event for the tenant of `api`, with ids of things that are made here and whose endpoint is at `url`."""
    path = event_of(folder)["path"]
    real = of_an_integration(folder, api, url) if "int_" in path else of_a_webhook(path, api, url)
    event = json.loads(_IDS.sub(lambda found: real[found[1]], json.dumps(event_of(folder))))
    event["requestContext"]["authorizer"]["tenant"] = tenant_of(folder)
    return event


def tenant_of(folder: str) -> str:
    return f"sam-{folder.replace('_', '-')}"


def of_an_integration(folder: str, api: Api, url: str) -> dict[str, str]:
    """The ids of an integration with the action of events/execute_action.json, and of an execution that has ended;
    disconnected where it is to be deleted."""
    made = api.connect_custom(url, actions=[{"name": "create_order"}])
    real = {"int": made}
    if folder == "delete_integration":
        api.data("POST", f"/integrations/{made}/disconnect")
    if folder == "get_execution":
        action, background = {"parameters": {"sku": "A-1"}}, {"Prefer": "respond-async"}
        begun = api.data("POST", f"/integrations/{made}/actions/create_order", action, headers=background)
        real["exe"] = begun["executionId"]
        execution = f"/integrations/{made}/executions/{real['exe']}"
        eventually(lambda: api.data("GET", execution)["status"] == "succeeded", seconds=60)
    return real


def of_a_webhook(path: str, api: Api, url: str) -> dict[str, str]:
    """The ids of a webhook, of a delivery that has arrived or waits to be polled, and of a recovery that has ended."""
    if path.endswith(("/poll", "/ack")):
        return of_a_polling_endpoint(api)
    made = f"/integrations/webhooks/{api.create_webhook(url)['id']}"
    real = {"wh": made.rpartition("/")[2]}
    if "dlv_" in path:
        api.data("POST", "/events", {"event": "workflow.executed", "data": {}})
        [delivery] = eventually(lambda: api.data("GET", f"{made}/deliveries?state=delivered"), seconds=60)
        real["dlv"] = delivery["id"]
    if "job_" in path:
        real["job"] = api.data("POST", f"{made}/recover", {"since": format(datetime.now(UTC), "%Y-%m-%d")})["id"]
        eventually(lambda: api.data("GET", f"{made}/recover/{real['job']}")["status"] == "done", seconds=60)
    return real


def of_a_polling_endpoint(api: Api) -> dict[str, str]:
    """The ids of a polling endpoint and of a delivery that waits there."""
    id_ = api.data("POST", "/integrations/webhooks", {"name": "laptop", "type": "polling", "events": ["*"]})["id"]
    api.data("POST", "/events", {"event": "workflow.executed", "data": {}})
    [delivery] = eventually(lambda: api.data("GET", f"/integrations/webhooks/{id_}/deliveries"), seconds=60)
    return {"wh": id_, "dlv": delivery["id"]}


def assert_alike(ours: Any, theirs: Any, at: str = "") -> None:
    """The same keys and types; an error's code and message are the same too, but for ids and times."""
    assert type(ours) is type(theirs), at
    if isinstance(ours, dict):
        assert set(ours) == set(theirs), at
        for name, value in ours.items():
            assert_alike(value, theirs[name], f"{at}.{name}")
    if isinstance(ours, list):
        for index, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            assert_alike(one, other, f"{at}[{index}]")
    if at in (".error.code", ".error.message", ".errorMessage", ".success"):
        assert _OWN.sub("", str(ours)) == _OWN.sub("", str(theirs))


@pytest.mark.parametrize("folder", HTTP)
def test_an_endpoint_answers_as_over_http(folder: str, runs: Runs) -> None:
    both = runs.as_they_are[folder].result()
    assert both.sam.status == both.http.status, both
    assert both.sam.status < 500, both
    if folder not in NOT_ALIKE:
        assert_alike(both.sam.body, both.http.body)


@pytest.mark.parametrize("folder", WITH_IDS)
def test_an_endpoint_finds_what_is_there(folder: str, runs: Runs) -> None:
    both = runs.with_ids[folder].result()
    assert both.sam.status == both.http.status, both
    assert both.sam.status == REFUSED.get(folder, both.sam.status), both
    assert folder in REFUSED or both.sam.status // 100 == 2, both
    assert_alike(both.sam.body, both.http.body)


@pytest.mark.parametrize("folder", OTHER)
def test_a_function_without_a_route_answers_as_deployed(folder: str, runs: Runs) -> None:
    here, there = runs.without_route[folder].result()
    for answer in (here, there):
        answer.pop("requestId", None)  # of an error
        answer.pop("stackTrace", None)
    assert_alike(here, there)


@pytest.mark.parametrize("folder", ["list_integrations", "manage_tokens", "run_health_tests"])
def test_without_a_stack_the_answer_says_what_to_start(folder: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    containers.write_placeholder(home)
    answer = sam_local_invoke(folder, EVENTS / f"{folder}.json", home.sam_env)
    assert "start it with make up" in json.dumps(answer)


def test_the_token_that_it_issues_works(stack: Stack) -> None:
    token = sam_local_invoke("manage_tokens", EVENTS / "manage_tokens.json", stack.home.sam_env)["token"]
    assert deployed.accepts(stack.url, token)

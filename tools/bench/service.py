"""The deployed service for one run: a local stack of its own, with a tenant that has something to read, and nobody who
takes from its queues meanwhile."""

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.e2e.local_stack import Stack, deployed_anew
from tests.support.call import event
from tests.support.template import functions
from tools.local.options import PROJECT
from tools.local.sam import local_target

TENANT = "demo"
_RECEIVER_PATH = "/hook"


@dataclass(frozen=True)
class Service:
    """What is deployed. `webhook` and `integration` are ids in tenant `demo`; the webhook hears `bench.*`.

    `opt` is where layers are put together.
    """

    stack: Stack
    receiver_url: str
    webhook: str
    integration: str
    environments: Mapping[str, Mapping[str, str]]
    opt: Path

    def environment(self, folder: str) -> dict[str, str]:
        """The environment that a function was deployed with, and credentials of the emulator."""
        credentials = {name: value for name, value in self.stack.env.items() if name.startswith("AWS_")}
        return {**self.environments[functions()[folder]["LogicalId"]], **credentials}

    def folders(self, folder: str) -> list[Path]:
        """What SAM built for a function: its own folder, and its layers in one as Lambda extracts them into /opt."""
        built, together = local_target().folder / "build", self.opt / "layers"
        if not together.exists():
            for layer in ("ConnectorLayer", "DependenciesLayer"):
                shutil.copytree(built / layer, together, copy_function=os.link, dirs_exist_ok=True)
        return [built / functions()[folder]["LogicalId"], together / "python"]

    def first_request(self, folder: str) -> dict[str, Any]:
        """An event that the function answers with success."""
        if folder == "authorize":
            recorded: dict[str, Any] = json.loads((PROJECT / "events/authorize.json").read_text())
            return {**recorded, "authorizationToken": f"Bearer {self.stack.token}"}
        method, target, body = self._requests()[folder]
        found, request = event(method, target, body=body, tenant=TENANT)
        assert found == folder, found
        return request

    def _requests(self) -> dict[str, tuple[str, str, Any]]:
        webhook, integration = f"/integrations/webhooks/{self.webhook}", f"/integrations/{self.integration}"
        url = self.receiver_url + _RECEIVER_PATH
        return {
            "list_integrations": ("GET", "/integrations", None),
            "get_integration": ("GET", integration, None),
            "list_webhooks": ("GET", "/integrations/webhooks", None),
            "get_webhook": ("GET", webhook, None),
            "list_logs": ("GET", f"{integration}/logs", None),
            "list_deliveries": ("GET", f"{webhook}/deliveries", None),
            "create_webhook": (
                "POST",
                "/integrations/webhooks",
                {"name": "New", "url": url, "events": ["other.event"]},
            ),
            "execute_action": ("POST", f"{integration}/actions/order", {"parameters": {"sku": "A-1"}}),
            "connect_integration": ("POST", "/integrations/custom_webhook/connect", {"name": "Custom", "url": url}),
            "publish_events": ("POST", "/events", {"event": "bench.happened", "data": {"n": 1}}),
            "search_available": ("GET", "/integrations/available?query=slack&limit=10", None),
        }


@contextmanager
def deployed(receiver_url: str) -> Iterator[Service]:
    """Brings the stack up in `.local/bench-stack` on a free port, and takes it down afterwards."""
    home = PROJECT / ".local" / "bench-stack"
    with deployed_anew(home) as stack, _idle_queues(stack):
        url = receiver_url + _RECEIVER_PATH
        webhook = made(stack, "webhooks", {"name": "Bench", "url": url, "events": ["bench.*"]})
        custom = {"name": "Orders", "url": url, "actions": [{"name": "order"}]}
        integration = made(stack, "custom_webhook/connect", custom)
        opt = home / "opt"
        shutil.rmtree(opt, ignore_errors=True)
        yield Service(stack, receiver_url, webhook, integration, _environments(stack), opt)


def made(stack: Stack, path: str, body: Mapping[str, Any]) -> str:
    """Makes something under /integrations in tenant `demo` and gives its id."""
    answer = requests.post(f"{stack.url}/integrations/{path}", json=body, headers=stack.auth, timeout=30)
    answer.raise_for_status()
    return str(answer.json()["data"]["id"])


def _environments(stack: Stack) -> dict[str, dict[str, str]]:
    """The environment of each function by logical id."""
    listed = stack.client("lambda").get_paginator("list_functions").paginate().build_full_result()["Functions"]
    return {each["FunctionName"].split("-")[1]: each["Environment"]["Variables"] for each in listed}


@contextmanager
def _idle_queues(stack: Stack) -> Iterator[None]:
    """Stops the functions of the stack from working the queues: they would take CPU from what is measured."""
    client = stack.client("lambda")
    mappings = [each["UUID"] for each in client.list_event_source_mappings()["EventSourceMappings"]]
    try:
        for uuid in mappings:
            client.update_event_source_mapping(UUID=uuid, Enabled=False)
        yield
    finally:
        for uuid in mappings:
            client.update_event_source_mapping(UUID=uuid, Enabled=True)

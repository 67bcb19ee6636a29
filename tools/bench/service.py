"""The deployed service for one run: a local stack of its own, with a tenant that has something to read."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import requests

from tests.e2e.local_stack import Stack, fresh_stack
from tests.support.deliveries import record
from tests.support.receiver import Receiver
from tests.support.template import functions
from tools.bench.storage import take
from tools.local.options import PROJECT
from tools.local.sam import local_target

HANDLERS = Path(__file__).parent / "handlers"


@dataclass(frozen=True)
class Service:
    """What is deployed: `environments` by logical id, the layers in `opt`, a webhook that gets `bench.*`."""

    stack: Stack
    receiver: Receiver
    environments: Mapping[str, Mapping[str, str]]
    opt: Path
    webhook: str

    def environment(self, folder: str) -> dict[str, str]:
        """The environment that a function was deployed with, and the emulator's credentials."""
        credentials = {name: value for name, value in self.stack.env.items() if name.startswith("AWS_")}
        return {**self.environments[functions()[folder]["LogicalId"]], **credentials}

    def folders(self, folder: str) -> list[Path]:
        """What SAM built for a function: its own folder and its layers in one, as Lambda extracts them into /opt."""
        return [local_target().folder / "build" / functions()[folder]["LogicalId"], self.opt]

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Send a request over the API and return the answer's data."""
        answer = requests.post(f"{self.stack.url}{path}", json=body, headers=self.stack.auth, timeout=30)
        answer.raise_for_status()
        return answer.json()["data"]

    def delivery_tasks(self) -> dict[str, Any]:
        """What waits in the delivery queue, as Lambda hands it over."""
        bodies = take(self.stack.client("sqs"), self.environment("dispatch_webhooks")["DELIVERY_QUEUE_URL"])
        return {"Records": [record(body) for body in bodies]}

    def stop_consumers(self) -> None:
        """Stop the stack's functions from consuming the queues: they would take CPU and messages from the benchmark."""
        client = self.stack.client("lambda")
        for mapping in client.list_event_source_mappings()["EventSourceMappings"]:
            client.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


@contextmanager
def deployed(receiver: Receiver) -> Iterator[Service]:
    """Bring the stack up in `.local/bench-stack` on a free port, and take it down afterwards."""
    home = PROJECT / ".local" / "bench-stack"
    with fresh_stack(home) as stack:
        listed = stack.client("lambda").get_paginator("list_functions").paginate().search("Functions[]")
        environments = {each["FunctionName"].split("-")[1]: each["Environment"]["Variables"] for each in listed}
        service = Service(stack, receiver, environments, _layers(home / "opt"), webhook="")
        webhook = {"name": "Bench", "url": f"{receiver.url}/hook", "events": ["bench.*"]}
        yield replace(service, webhook=service.post("/integrations/webhooks", webhook)["id"])


def _layers(opt: Path) -> Path:
    """Put the built layers together as Lambda extracts them."""
    shutil.rmtree(opt, ignore_errors=True)
    for layer in ("ConnectorLayer", "DependenciesLayer"):
        shutil.copytree(local_target().folder / "build" / layer, opt, copy_function=os.link, dirs_exist_ok=True)
    return opt / "python"

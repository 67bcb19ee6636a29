"""The ratios of `make bench` that need Lambda's runtime and a local stack, tried without either, with slack: CPU of
fresh processes over a stand-in for AWS. They say that a figure did not rot, not what it is."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jobsprint.core import aws as clients
from tests.support.call import event
from tests.support.deliveries import subscribe
from tests.support.template import ROOT, functions, import_path
from tools.bench import lean
from tools.bench.sizes import FILL
from tools.bench.tickets import batch_for

FUNCTIONS, BARE = ROOT / "functions", ROOT / "tools" / "bench" / "handlers"


@dataclass(frozen=True)
class Stand:
    """The environment of a function that finds a webhook, the webhook's id, and the receiver's URL."""

    env: dict[str, str]
    webhook: str

    def least(self, folder: Path, events: list[Any]) -> dict[str, float]:
        """The least of two fresh processes: the first compiles, and what else the machine does only adds to it."""
        runs = [self.run(folder, events) for _ in range(2)]
        return {name: min(run[name] for run in runs) for name in runs[0]}

    def run(self, folder: Path, events: list[Any]) -> dict[str, float]:
        """Milliseconds of CPU until the first answer (`cold`) and for each further one (`warm`)."""
        command = [sys.executable, "-W", "ignore", "-m", "tools.bench.handled", str(folder)]
        own = functions().get(folder.name, {}).get("Environment", {}).get("Variables", {})
        env = self.env | {name: value for name, value in own.items() if isinstance(value, str)}
        done = subprocess.run(
            command, cwd=ROOT, env=env, input=json.dumps(events), capture_output=True, text=True, check=True
        )
        found: dict[str, float] = json.loads(done.stdout)
        return found


@pytest.fixture
def stand(aws: dict[str, Any], tmp_path: Path) -> Iterator[Stand]:
    with lean.started() as stand_in:
        webhook = subscribe(f"{stand_in.url}/hook")["id"]
        items: Any = clients.dynamodb().scan(TableName="TenantsTable")["Items"]
        [wrapped] = [base64.b64decode(item["wrapped"]["S"]) for item in items if item["pk"] == {"S": "acme#key"}]
        opened = clients.kms().decrypt(
            KeyId=os.environ["DATA_KEY_ID"], CiphertextBlob=wrapped, EncryptionContext={"tenant": "acme"}
        )
        stand_in.know(items, opened["Plaintext"])
        env = {
            **{name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
            "AWS_ENDPOINT": stand_in.url,
            "AWS_ENDPOINT_URL": stand_in.url,
            "RECEIVER_URL": f"{stand_in.url}/hook",
            "PYTHONPATH": os.pathsep.join(import_path()),
            "PYTHONPYCACHEPREFIX": str(tmp_path / "bytecode"),
        }
        yield Stand(env, webhook)


def test_a_read_costs_about_what_a_bare_handler_costs(stand: Stand) -> None:
    _, request = event("GET", f"/integrations/webhooks/{stand.webhook}")
    subject = stand.least(FUNCTIONS / "get_webhook", [request] * 30)
    bare = stand.least(BARE / "get_item", [{}] * 30)
    assert subject["cold"] < bare["cold"] * 2, (subject, bare)
    assert subject["warm"] < bare["warm"] * 3, (subject, bare)


def test_making_a_webhook_starts_about_as_fast_as_a_bare_handler(stand: Stand) -> None:
    body = {"name": "New", "url": stand.env["RECEIVER_URL"], "events": ["a.b"]}
    _, request = event("POST", "/integrations/webhooks", body=body)
    subject = stand.least(FUNCTIONS / "create_webhook", [request])
    bare = stand.least(BARE / "get_item", [{}])
    assert subject["cold"] < bare["cold"] * 2, (subject, bare)


def test_a_delivery_costs_less_than_a_plain_loop_takes_for_it(stand: Stand) -> None:
    batches = [batch_for("acme", stand.webhook, FILL) for _ in range(20)]
    subject = stand.run(FUNCTIONS / "dispatch_webhooks", batches)
    loop = stand.run(BARE / "plain_loop", batches)
    assert subject["warm"] < loop["warm"] / 2.5, (subject, loop)

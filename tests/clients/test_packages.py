"""The clients as people get them: built, installed from what was built, type-checked, and run on every vector."""

import gzip
import json
import re
import shutil
import subprocess
import sys
import textwrap
import time
import zipfile
from pathlib import Path

import pytest

from tests.support import client_vectors
from tests.support.built import PYTHON, copy, isolated, run
from tests.support.receiver import Reply, receiving
from tests.support.template import ROOT
from tools.local import node

RUNNERS = Path(__file__).parent
MAX_GZIPPED_BYTES = 10_000


# --- Python ----------------------------------------------------------------------------------------------------------


def test_the_wheel_has_the_package_and_its_types(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name.startswith("jobsprint_client-")
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"jobsprint_client"}
    assert "jobsprint_client/py.typed" in names


@pytest.mark.parametrize("options", [[], ["--async"]], ids=["requests", "asyncio"])
def test_the_installed_python_client_passes_every_vector(site: Path, tmp_path: Path, options: list[str]) -> None:
    script = shutil.copy(RUNNERS / "run_vectors.py", tmp_path)
    with client_vectors.service() as server:
        env = isolated(PYTHONPATH=str(site))
        came = run(PYTHON, script, client_vectors.PATH, server.url, *options, cwd=tmp_path, env=env)
        assert client_vectors.failures(json.loads(came), server.received) == []


def test_the_guides_example_for_asyncio_runs(site: Path, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "guides" / "clients.md").read_text("utf-8")
    [block] = [
        block for block in re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE) if "aio" in block
    ]
    view = {"id": "wh_1", "name": "a", "url": "https://example.com/", "events": [], "active": True, "createdAt": "now"}
    answers = {
        "POST": {"success": True, "data": {"id": "evt_1", "deliveries": 1}},
        "GET": {"success": True, "data": [view], "pagination": {"hasMore": False}},
    }
    with receiving() as server:
        server.answer = lambda request: Reply(200, answers[request.method])
        given = f"import asyncio\nTOKEN, URL = 'jsp_test', {server.url!r}\n"
        main = f"async def main():\n{textwrap.indent(block, '    ')}\nasyncio.run(main())\n"
        (tmp_path / "program.py").write_text(given + main)
        said = run(PYTHON, "program.py", cwd=tmp_path, env=isolated(PYTHONPATH=str(site)))
    assert said == "https://example.com/\n"


GOOD_PYTHON = """
from datetime import datetime
from jobsprint_client import ApprovalRequired, Client, models
client = Client("jsp_x", "https://api.example.com/v1")
webhook: models.WebhookView = client.webhooks.create(name="a", url="https://example.com", events=["*"], rate_limit=None)
made: datetime = webhook.created_at
names: list[str] = [delivery.event for delivery in client.webhooks.list_deliveries(webhook.id, state="exhausted")]
for each in client.events.publish_batch(events=[{"event": "a.b", "data": {}}]):
    assert isinstance(each, (models.EventTaken, models.EventRefused))
try:
    done: models.ActionView = client.actions.execute("int_1", "refund", parameters={}, approval_id="apr_1")
    later: models.ExecutionRef = client.actions.execute_in_background("int_1", "refund")
except ApprovalRequired as error:
    approval: tuple[str, datetime] = (error.approval_id, error.expires_at)
"""
BAD_PYTHON = """
from jobsprint_client import Client
client = Client("jsp_x", "https://api.example.com/v1")
client.webhooks.create(name="a", url="https://example.com")
client.webhooks.list_deliveries("wh_1", state="lost")
client.webhooks.get("wh_1").nothing
"""


def test_its_types_hold_in_a_program(site: Path, tmp_path: Path) -> None:
    def checked(text: str) -> str:
        (tmp_path / "program.py").write_text(text)
        words = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), "program.py"]
        env = isolated(MYPYPATH=str(site))
        return subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False).stdout

    assert "Success" in checked(GOOD_PYTHON)
    assert "Found 3 errors" in checked(BAD_PYTHON)


# --- TypeScript ------------------------------------------------------------------------------------------------------


def npm(*words: str, cwd: Path) -> str:
    """What npm prints."""
    program = node.wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    env = node.environment(
        {"npm_config_cache": str(ROOT / ".local" / "npm-cache"), "npm_config_update_notifier": "false"}
    )
    return run(node.node(), program, *words, "--no-audit", "--no-fund", cwd=cwd, env=env)


@pytest.fixture(scope="module")
def typescript(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sources, built with the compiler of the lock file."""
    folder = copy("typescript", tmp_path_factory.mktemp("typescript"))
    npm("ci", "--ignore-scripts", cwd=folder)
    npm("run", "build", cwd=folder)
    return folder


@pytest.fixture(scope="module")
def consumer(typescript: Path) -> Path:
    """A project that has the packed package installed."""
    npm("pack", "--pack-destination", str(typescript.parent), cwd=typescript)
    [packed] = typescript.parent.glob("*.tgz")
    folder = typescript.parent / "consumer"
    folder.mkdir()
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    npm("install", "--ignore-scripts", "--offline", str(packed), cwd=folder)
    return folder


def test_the_package_has_no_dependency_and_is_small(consumer: Path) -> None:
    installed = consumer / "node_modules" / "jobsprint-client"
    assert [path.name for path in (consumer / "node_modules").iterdir() if path.name[0] != "."] == ["jobsprint-client"]
    assert {path.name for path in installed.iterdir()} == {"LICENSE", "README.md", "dist", "package.json"}
    code = b"".join(path.read_bytes() for path in sorted((installed / "dist").glob("*.js")))
    assert 0 < len(gzip.compress(code)) <= MAX_GZIPPED_BYTES


def test_the_installed_typescript_client_passes_every_vector(consumer: Path) -> None:
    script = shutil.copy(RUNNERS / "run_vectors.mjs", consumer)
    with client_vectors.service() as server:
        came = run(node.node(), script, client_vectors.PATH, server.url, cwd=consumer)
        assert client_vectors.failures(json.loads(came), server.received) == []


ENDED = """
import { ApiError, Client, ConnectionFailed } from 'jobsprint-client';
const [url] = process.argv.slice(2);
const name = (call) => call.then(() => 'answered', (error) => error.name);
const impatient = new Client('jsp_test', `${url}/slow`, { timeout: 0.3, retries: { limit: 0 } });
const client = new Client('jsp_test', `${url}/limited`);
const started = Date.now();
const seen = [
  await name(impatient.service.getHealth()),
  await name(client.service.getHealth({ signal: AbortSignal.timeout(300) })),
  await name(client.service.getHealth({ signal: AbortSignal.abort() })),
  await name((async () => client.webhooks.get('..'))()),
];
console.log(JSON.stringify({ seen, seconds: (Date.now() - started) / 1000 }));
"""


def test_a_typescript_call_ends_in_time_and_when_it_is_aborted(consumer: Path) -> None:
    (consumer / "ended.mjs").write_text(ENDED)
    limited = Reply(429, {"success": False, "error": {"code": "rate_limited", "message": "No."}}, {"Retry-After": "30"})
    with receiving() as server:
        slow = Reply(write=lambda _: time.sleep(2))
        server.answer = lambda request: slow if request.path.startswith("/slow") else limited
        said = json.loads(run(node.node(), "ended.mjs", server.url, cwd=consumer))
        assert [request.path for request in server.received] == ["/slow/health", "/limited/health"]
    assert said["seen"] == ["ConnectionFailed", "TimeoutError", "AbortError", "TypeError"]
    assert said["seconds"] < 10


GOOD_TYPESCRIPT = """
import { ApprovalRequired, Client, verifyWebhook } from 'jobsprint-client';
import type { ActionView, ExecutionRef, WebhookView } from 'jobsprint-client';
const client = new Client('jsp_x', 'https://api.example.com/v1');
const webhook: WebhookView = await client.webhooks.create({ name: 'a', url: 'https://example.com', events: ['*'] });
for await (const delivery of client.webhooks.listDeliveries(webhook.id, { state: 'exhausted', fromDate: new Date() })) {
  const event: string = delivery.event;
  console.log(event);
}
console.log((await verifyWebhook('{}', new Headers(), 'secret')).event);
try {
  const done: ActionView = await client.actions.execute('int_1', 'refund', { approvalId: 'apr_1' });
  const later: ExecutionRef = await client.actions.executeInBackground('int_1', 'refund');
} catch (error) {
  if (error instanceof ApprovalRequired) {
    const approval: string = error.approvalId + error.expiresAt + error.requestId + error.code;
  }
}
"""
BAD_TYPESCRIPT = """
import { Client } from 'jobsprint-client';
const client = new Client('jsp_x', 'https://api.example.com/v1');
await client.webhooks.create({ name: 'a', url: 'https://example.com' });
client.webhooks.listDeliveries('wh_1', { state: 'lost' });
(await client.webhooks.get('wh_1')).nothing;
"""


def test_its_types_hold_in_a_typescript_program(typescript: Path, consumer: Path) -> None:
    def checked(text: str) -> str:
        (consumer / "program.ts").write_text(text)
        tsc = typescript / "node_modules" / "typescript" / "bin" / "tsc"
        options = [
            "--strict",
            "--noEmit",
            "--target",
            "ES2022",
            "--module",
            "NodeNext",
            "--lib",
            "ES2023,DOM,DOM.Iterable",
        ]
        words = [str(node.node()), str(tsc), *options, "program.ts"]
        return subprocess.run(words, cwd=consumer, capture_output=True, text=True, check=False).stdout

    page = (ROOT / "docs" / "guides" / "clients.md").read_text("utf-8")
    examples = "\n".join(re.findall(r"^```typescript\n(.*?)^```$", page, re.DOTALL | re.MULTILINE))
    given = (
        "declare const TOKEN: string, URL: string, RECEIVER: string, BODY: string, HEADERS: Headers, SECRET: string;\n"
    )
    assert checked(GOOD_TYPESCRIPT) == ""
    assert checked(given + examples) == ""
    assert checked(BAD_TYPESCRIPT).count("error TS") == 3

"""MCP Events with AI SDK's client and webhook handler, unchanged, in front of the real handlers."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.mcp_clients.conftest import MODULES
from tests.support.call import call
from tests.support.deliveries import deliveries, dispatch, publish, record, watching_sqs
from tests.support.mcp_events import ORDER, describe
from tests.support.mcp_front import serving_mcp
from tests.support.mcp_messages import token
from tools.local import node
from tools.local.console import Failure

CLIENT = """
import http from 'node:http';
import readline from 'node:readline';
import { createMCPClient, experimental_createMCPEventWebhook } from '@ai-sdk/mcp';
const [url, token] = process.argv.slice(2);
const say = (kind, value) => console.log(JSON.stringify({ kind, value }));
const kept = new Map();
const store = {
  get: async (key) => kept.get(key),
  getById: async (id) => [...kept.values()].find((one) => one.id === id),
  set: async (one) => { kept.set(one.key, one); },
  update: async (key, change) => { kept.set(key, { ...kept.get(key), ...change }); },
  delete: async (key) => { kept.delete(key); },
};
const webhook = experimental_createMCPEventWebhook({ store, onEvent: async ({ event }) => say('event', event) });
const server = http.createServer(async (request, response) => {
  const body = [];
  for await (const chunk of request) body.push(chunk);
  const { method, headers } = request;
  const sent = new Request('http://127.0.0.1' + request.url, { method, headers, body: Buffer.concat(body) });
  const answer = await webhook(sent);
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const headers = { Authorization: `Bearer ${token}` };
const client = await createMCPClient({ transport: { type: 'http', url, headers }, experimental_events: { store } });
const events = client.experimental_events;
say('listed', (await events.list()).events.map((event) => event.name));
const delivery = {
  mode: 'webhook', url: `http://127.0.0.1:${server.address().port}/events`, allowInsecureLocalhost: true,
};
const asked = { name: 'order.paid', arguments: { orderId: 'o1' }, delivery };
const subscription = await events.subscribe(asked);
say('subscribed', subscription.id);
for await (const line of readline.createInterface({ input: process.stdin })) {
  if (line === 'refresh') say('refreshed', (await events.refresh({ id: subscription.id })).id);
  if (line === 'end') break;
}
await events.unsubscribe({ id: subscription.id });
try {
  await events.subscribe({ ...asked, delivery: { ...delivery, url: 'http://127.0.0.1:1025/' } });
} catch (error) {
  say('refused', { code: error.code, data: error.data });
}
process.exit(0);
"""


class Client:
    """The program, line by line."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdin
        assert process.stdout
        self._in, self._out = process.stdin, process.stdout

    def next(self, kind: str) -> Any:
        """What it says next, which is of this kind."""
        said = json.loads(self._out.readline())
        assert said["kind"] == kind, said
        return said["value"]

    def tell(self, word: str) -> None:
        """Make it go on."""
        self._in.write(f"{word}\n")
        self._in.flush()


@contextmanager
def running(url: str, caller: str) -> Iterator[Client]:
    """The program, which has subscribed or will have; skips where its packages are not installed."""
    if not (MODULES / "@ai-sdk" / "mcp").exists():
        pytest.skip("NOT RUN: @ai-sdk/mcp is not installed; make test-mcp installs it")
    script = MODULES.parent / "events.mjs"
    script.write_text(CLIENT, "utf-8")
    try:
        command = [str(node.node()), str(script), url, caller]
    except Failure as failure:
        pytest.skip(f"NOT RUN: {failure}")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Client(process)
            assert process.wait(20) == 0
        finally:
            process.kill()


@pytest.mark.usefixtures("aws")
def test_it_subscribes_receives_refreshes_and_ends() -> None:
    describe()
    caller = token("acme", "mcp:events")
    with serving_mcp() as server, watching_sqs() as outbox, running(f"{server.url}/v1/mcp", caller) as client:
        assert client.next("listed") == [ORDER]
        id_ = client.next("subscribed")
        for word in ("refresh", "end"):
            outbox.take()
            event = publish(ORDER, {"orderId": "o1"})["id"]
            publish(ORDER, {"orderId": "o2"})
            assert dispatch(*(record(sent.body) for sent in outbox.take())) == []
            got = client.next("event")
            assert (got["eventId"], got["data"], got["cursor"]) == (event, {"orderId": "o1"}, event)
            assert deliveries(id_)[0]["state"] == "delivered"
            client.tell(word)
            if word == "refresh":
                assert client.next("refreshed") == id_
        assert client.next("refused") == {"code": -32015, "data": {"reason": "connection_failed"}}
    assert call("GET", "/integrations/webhooks").data == []

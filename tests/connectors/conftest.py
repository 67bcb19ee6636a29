"""What the connectors are tried on: a real n8n, with workflows for every way that a call of one can end, the MCP
project's own server, and the local stack. Each is started when the first test asks for it, and stopped at the end.

With RECORD=1 what n8n says is kept for `make test`, in tests/contract/replies/n8n.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.connectors import everything
from tests.connectors.n8n_admin import Admin, fail, keep, respond, wait, webhook
from tests.e2e.local_stack import Stack, fresh_stack
from tests.support.conversations import Conversation, recorded
from tests.support.n8n_world import BASIC_SECRET, HOOK_SECRET, JWT_SECRET, KEYS, World
from tools.local import n8n as program
from tools.local.console import step
from tools.local.options import PROJECT

REPLIES = Path(__file__).parents[1] / "contract" / "replies" / "n8n"
_UNTIL_LIVE = 2.0  # seconds for which n8n may go on answering at an old path
_ECHO = "={{ JSON.stringify({ method: $json.method, body: $json.body, query: $json.query, params: $json.params }) }}"
_HEADERS = "={{ JSON.stringify({ headers: $json.headers }) }}"


Aloud = Callable[[], AbstractContextManager[None]]


@pytest.fixture(scope="session", autouse=True)
def ended_in_order() -> None:
    """Being told to end, or losing the terminal, ends the run as Ctrl-C does: what was started is stopped."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)


@pytest.fixture(scope="session")
def aloud(request: pytest.FixtureRequest) -> Aloud:
    """In its block, what is printed reaches the terminal at once."""
    capture: Any = request.config.pluginmanager.getplugin("capturemanager")

    @contextmanager
    def shown() -> Iterator[None]:
        with capture.global_and_fixture_disabled():
            sys.stdout.write("\n")
            sys.stdout.flush()
            yield

    return shown


@pytest.fixture(scope="session")
def stack(aloud: Aloud) -> Iterator[Stack]:
    """The local stack, deployed from template.yaml under enforced IAM."""
    started = ExitStack()
    with aloud(), step("Starting the local stack"):
        stack = started.enter_context(fresh_stack(PROJECT / ".local" / "connectors"))
    yield stack
    with aloud(), step("Stopping the local stack"):
        started.close()


@pytest.fixture(scope="session")
def everything_url(aloud: Aloud) -> Iterator[str]:
    """The URL of the MCP project's own server."""
    with aloud():
        everything.install()
    with everything.everything() as url:
        yield url


@contextmanager
def running_n8n(home: Path, aloud: Aloud, more: dict[str, str]) -> Iterator[str]:
    """The URL of an n8n with these settings and its data in `home`, installed where that is needed."""
    running = program.Server(home, more=more)
    try:
        with aloud():
            program.install()
            running.start()
        yield running.url
    finally:
        running.stop()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, aloud: Aloud) -> Iterator[str]:
    """The URL of an n8n that takes bodies of at most 1 MB."""
    with running_n8n(tmp_path_factory.mktemp("n8n"), aloud, {"N8N_PAYLOAD_SIZE_MAX": "1"}) as url:
        yield url


@pytest.fixture(scope="session")
def admin(server: str) -> Admin:
    """Its owner."""
    return Admin(server)


class Workflows:
    """The workflows that every test finds; created again after a test that changed them."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._made = 0
        self.ids: dict[str, str] = {}
        self.changed = True

    def restore(self) -> None:
        """Makes them where that is needed."""
        if self.changed:
            self._admin.clear()
            self._made += 1
            self.ids, self.changed = _made(self._admin, f"set{self._made}"), False


@pytest.fixture(scope="session")
def workflows(admin: Admin) -> Workflows:
    """The workflows of the session."""
    return Workflows(admin)


class RealWorld(World):
    """A real n8n with keys of one test's own."""

    def __init__(self, admin: Admin, workflows: Workflows, conversation: Conversation, masks: dict[str, str]) -> None:
        super().__init__(conversation)
        self._admin, self._workflows, self._masks = admin, workflows, masks
        self._keys = {name: admin.key(f"{name} {time.time_ns()}", scopes) for name, scopes in KEYS.items()}
        masks |= {key: super(RealWorld, self).key(name) for name, key in self._keys.items()}

    def key(self, name: str = "full") -> str:
        return self._keys.get(name, "no-key")

    def mcp_token(self) -> str:
        token = self._admin.mcp_token()
        self._masks[token] = super().mcp_token()
        self._admin.expose(*(self._workflows.ids[name] for name in ("Last node", "Just start", "Broken", "Slow")))
        self._workflows.changed = True
        return token

    def deactivate(self, workflow: str) -> None:
        self._workflows.changed = True
        self._admin.deactivate(self._workflows.ids[workflow])
        time.sleep(_UNTIL_LIVE)

    def move(self, workflow: str, **parameters: str) -> None:
        self._workflows.changed = True
        self._admin.change_trigger(self._workflows.ids[workflow], **parameters)
        time.sleep(_UNTIL_LIVE)

    def add(self, workflow: str) -> None:
        self._workflows.changed = True
        self._admin.workflow(workflow, [webhook(f"added-{time.time_ns()}"), keep(done="yes")])

    def revoke(self, key: str) -> None:
        self._admin.revoke(self._keys[key])


def _made(admin: Admin, prefix: str) -> dict[str, str]:
    """The workflows' ids. Their paths start with `prefix`, since n8n may hold on to a path it should have let go."""
    header = admin.credential("httpHeaderAuth", "Header", {"name": "X-Hook-Key", "value": HOOK_SECRET})
    basic = admin.credential("httpBasicAuth", "Basic", {"user": "bob", "password": BASIC_SECRET})
    jwt = admin.credential("jwtAuth", "Jwt", {"keyType": "passphrase", "secret": JWT_SECRET, "algorithm": "HS256"})

    def locked(path: str, kind: str, credential: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            webhook(f"{prefix}/{path}", mode="responseNode", authentication=kind, credentials=credential),
            respond(_HEADERS),
        ]

    workflows: dict[str, list[dict[str, Any]]] = {
        "Send invoice": [webhook(f"{prefix}/send-invoice", mode="responseNode"), respond(_ECHO)],
        "Order status": [webhook(f"{prefix}/customers/:customer/orders/:order", "GET", "responseNode"), respond(_ECHO)],
        "Delete order": [webhook(f"{prefix}/delete-order", "DELETE", "responseNode"), respond(_ECHO)],
        "Just start": [webhook(f"{prefix}/just-start", mode="onReceived"), keep(done="yes")],
        "Last node": [webhook(f"{prefix}/last-node"), keep(done="yes")],
        "Slow": [webhook(f"{prefix}/slow"), wait(3)],
        "Broken": [webhook(f"{prefix}/broken"), fail("The invoice has no lines")],
        "No answer": [webhook(f"{prefix}/no-answer", mode="responseNode")],
        "Teapot": [webhook(f"{prefix}/teapot", mode="responseNode"), respond('{"message": "short and stout"}', 418)],
        "Header lock": locked("header-lock", "headerAuth", header),
        "Basic lock": locked("basic-lock", "basicAuth", basic),
        "Jwt lock": locked("jwt-lock", "jwtAuth", jwt),
    }
    made = {name: admin.workflow(name, nodes, tags=_tags(name)) for name, nodes in workflows.items()}
    made["Asleep"] = admin.workflow("Asleep", [webhook(f"{prefix}/asleep")], active=False)
    return made


def _tags(workflow: str) -> tuple[str, ...]:
    """Its action's name, and one for those that a test takes together."""
    own = workflow.lower().replace(" ", "_")
    more = {"send_invoice": "money", "order_status": "money", "last_node": "locks"}.get(own)
    return tuple(filter(None, (own, more or ("locks" if own.endswith("_lock") else None))))


@pytest.fixture
def n8n(request: pytest.FixtureRequest, server: str, admin: Admin, workflows: Workflows) -> Iterator[World]:
    """The real n8n through a proxy that records."""
    file = REPLIES / f"{request.node.name}.json" if os.environ.get("RECORD") else None
    workflows.restore()
    masks: dict[str, str] = {}
    with recorded(server, file, masks) as conversation:
        yield RealWorld(admin, workflows, conversation, masks)

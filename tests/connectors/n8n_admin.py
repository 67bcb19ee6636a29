"""What a person does in n8n's editor, over its REST interface: owner, API keys, credentials, workflows, MCP access."""

import time
from itertools import pairwise
from typing import Any

import requests

OWNER = {"email": "owner@example.com", "firstName": "Olga", "lastName": "Owner", "password": "Only-4-tests"}
_SECONDS = 30


class Admin:
    """The owner of an n8n, signed in; the first one of an instance signs up."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.headers["browser-id"] = "tests"  # n8n binds its cookie to it
        if self._session.post(f"{url}/rest/owner/setup", json=OWNER, timeout=_SECONDS).status_code != 200:
            self.rest("POST", "login", emailOrLdapLoginId=OWNER["email"], password=OWNER["password"])
        self._key_ids: dict[str, str] = {}
        every = self.rest("GET", "api-keys/scopes")
        self._headers = {"X-N8N-API-KEY": self.key(f"everything {time.time_ns()}", every)}
        self._key_ids.clear()

    def rest(self, method: str, path: str, **body: Any) -> Any:
        """The data that one of the editor's own calls gives."""
        return self._answer(self._session.request(method, f"{self.url}/rest/{path}", json=body, timeout=_SECONDS))

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """What a call of the public API gives, with a key that may do everything."""
        url = f"{self.url}/api/v1/{path}"
        deadline = time.monotonic() + _SECONDS
        while True:
            answer = requests.request(method, url, json=body, headers=self._headers, timeout=_SECONDS)
            if answer.status_code != 409 or time.monotonic() > deadline:
                return self._answer(answer)
            time.sleep(0.2)  # a workflow is on its way on or off

    def _answer(self, answer: requests.Response) -> Any:
        assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:500]}"
        body = answer.json() if answer.text else {}
        return body.get("data", body) if isinstance(body, dict) else body

    def key(self, label: str, scopes: list[str]) -> str:
        """A new API key with these scopes."""
        made = self.rest("POST", "api-keys", label=label, expiresAt=None, scopes=scopes)
        key = str(made["rawApiKey"])
        self._key_ids[key] = made["id"]
        return key

    def revoke(self, key: str) -> None:
        """Deletes an API key."""
        self.rest("DELETE", f"api-keys/{self._key_ids.pop(key)}")

    def clear(self) -> None:
        """Takes every workflow offline."""
        for workflow in self.api("GET", "workflows?active=true&limit=250&excludePinnedData=true"):
            self.deactivate(workflow["id"])

    def credential(self, kind: str, name: str, data: dict[str, str]) -> dict[str, Any]:
        """A credential as a node refers to it: {kind: {id, name}}."""
        made = self.api("POST", "credentials", {"name": name, "type": kind, "data": data})
        return {kind: {"id": made["id"], "name": name}}

    def workflow(
        self, name: str, nodes: list[dict[str, Any]], *, active: bool = True, tags: tuple[str, ...] = ()
    ) -> str:
        """A new workflow of these nodes, one after another; its id."""
        links = {
            before["name"]: {"main": [[{"node": after["name"], "type": "main", "index": 0}]]}
            for before, after in pairwise(nodes)
        }
        body = {"name": name, "nodes": nodes, "connections": links, "settings": {}}
        made = str(self.api("POST", "workflows", body)["id"])
        if tags:
            self.api("PUT", f"workflows/{made}/tags", [{"id": self._tag(tag)} for tag in tags])
        if active:
            self.activate(made)
        return made

    def _tag(self, name: str) -> str:
        kept = {tag["name"]: tag["id"] for tag in self.api("GET", "tags")}
        return str(kept.get(name) or self.api("POST", "tags", {"name": name})["id"])

    def activate(self, workflow_id: str) -> None:
        """Publishes what the workflow's draft says."""
        self.api("POST", f"workflows/{workflow_id}/activate")

    def deactivate(self, workflow_id: str) -> None:
        """Takes the workflow offline."""
        self.api("POST", f"workflows/{workflow_id}/deactivate")

    def change_trigger(self, workflow_id: str, **parameters: Any) -> None:
        """Changes parameters of the first node, and publishes that."""
        kept = self.api("GET", f"workflows/{workflow_id}")
        kept["nodes"][0]["parameters"] |= parameters
        body = {name: kept[name] for name in ("name", "nodes", "connections")} | {"settings": {}}
        self.api("PUT", f"workflows/{workflow_id}", body)
        self.activate(workflow_id)

    def mcp_token(self) -> str:
        """Turns the MCP server on and gives a token for it."""
        self.rest("PATCH", "mcp/settings", mcpAccessEnabled=True)
        return str(self.rest("POST", "mcp/api-key/rotate")["apiKey"])

    def expose(self, *workflow_ids: str) -> None:
        """Lets MCP clients run these workflows."""
        self.rest("PATCH", "mcp/workflows/toggle-access", availableInMCP=True, workflowIds=list(workflow_ids))

    def decide(self, auth_url: str, *, approved: bool) -> str:
        """Answers a client that asks for access to the MCP server; where the browser is sent then."""
        asked = self._session.get(auth_url, allow_redirects=False, timeout=_SECONDS)
        assert asked.status_code == 302, asked.text
        scopes = self.rest("GET", "consent/details")["scopes"]
        return str(self.rest("POST", "consent/approve", approved=approved, scopes=scopes)["redirectUrl"])

    def forget_clients(self) -> None:
        """Takes every MCP client's access away."""
        for client in self.rest("GET", "mcp/oauth-clients")["data"]:
            self.rest("DELETE", f"mcp/oauth-clients/{client['id']}")


def node(name: str, kind: str, version: float, **parameters: Any) -> dict[str, Any]:
    """A node of a workflow; a trigger's `webhookId` and a node's `credentials` are set by the caller."""
    return {
        "id": name.lower().replace(" ", "-"),
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters,
    }


def webhook(path: str, method: str = "POST", mode: str = "lastNode", **more: Any) -> dict[str, Any]:
    """A Webhook trigger; `authentication` and `credentials` protect it."""
    credentials = more.pop("credentials", None)
    made = node("Webhook", "webhook", 2.1, path=path, httpMethod=method, responseMode=mode, **more)
    made["webhookId"] = f"hook-{path.replace('/', '-').replace(':', '')}"
    return {**made, "credentials": credentials} if credentials else made


def respond(body: str, status: int = 200) -> dict[str, Any]:
    """A Respond to Webhook node with this JSON text, which may hold expressions."""
    return node(
        "Respond", "respondToWebhook", 1.5, respondWith="json", responseBody=body, options={"responseCode": status}
    )


def wait(seconds: int) -> dict[str, Any]:
    """A node that waits."""
    return node("Wait", "wait", 1.1, resume="timeInterval", amount=seconds, unit="seconds") | {"webhookId": "waiting"}


def fail(message: str) -> dict[str, Any]:
    """A node that stops the workflow with an error."""
    return node("Break", "stopAndError", 1, errorType="errorMessage", errorMessage=message)


def keep(**values: str) -> dict[str, Any]:
    """A node that gives one item with these values, which may be expressions."""
    listed = [{"id": name, "name": name, "value": value, "type": "string"} for name, value in values.items()]
    return node("Keep", "set", 3.4, mode="manual", assignments={"assignments": listed}, options={})

"""Calls every operation of docs/openapi.json through the client that openapi-python-client made of it.

    python call_operations.py docs/openapi.json FOLDER '{"url": …, "token": …, "endpoint": …, …}'

FOLDER holds the client's package. `endpoint`, `mcp` and `n8n` are URLs of servers that can be connected, `nobody` is
one where nothing listens. Prints one line for each call. Ends with 1 at the first answer that is not documented or not
what its model says, and where the document has an operation that is not called here. Needs only what the client needs.
"""

import importlib
import json
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args, get_type_hints

PACKAGE = "jobsprint_integrations_api_client"
PATIENCE_SECONDS = 60

Json = dict[str, Any]


class Caller:
    """The generated client, which checks each answer against the document."""

    def __init__(self, document: Json, url: str, token: str) -> None:
        """`token`: of a tenant without anything yet."""
        self.called: set[str] = set()
        self._schemas: Json = document["components"]
        self.operations: dict[str, Json] = {
            operation["operationId"]: operation for item in document["paths"].values() for operation in item.values()
        }
        made = importlib.import_module(PACKAGE)
        self._made, self._url = made, url
        self._client = made.AuthenticatedClient(base_url=url, token=token, timeout=60)

    def use(self, token: str) -> None:
        """Call with this token from now on."""
        self._client = self._made.AuthenticatedClient(base_url=self._url, token=token, timeout=60)

    def call(
        self, operation: str, *, status: int = 200, example: str = "", change: Json | None = None, **parameters: Any
    ) -> Any:
        """The data of the answer, which has to have `status`.

        The body is the operation's example of that name, with the values in `change` instead of its own. `parameters`
        are named as the generated function names them.
        """
        described = self.operations[operation]
        module = importlib.import_module(f"{PACKAGE}.api.{snake(described['tags'][0])}.{snake(operation)}")
        if example:
            examples = described["requestBody"]["content"]["application/json"]["examples"]
            parameters["body"] = model(module.sync_detailed, {**examples[example]["value"], **(change or {})})
        answer = module.sync_detailed(client=self._client, **parameters)
        body = json.loads(answer.content)
        sys.stdout.write(f"{operation} {int(answer.status_code)} {type(answer.parsed).__name__}\n")
        assert answer.status_code == status, f"{operation}: {status} was expected, not {answer.status_code} {body}"
        names = self._models(described["responses"][str(status)])
        assert type(answer.parsed).__name__.lower() in names, f"{operation}: {type(answer.parsed)} is none of {names}"
        assert comparable(answer.parsed.to_dict()) == comparable(body), f"{operation}: {answer.parsed} is not {body}"
        self.called.add(operation)
        return body.get("data")

    def _models(self, response: Json) -> set[str]:
        """The names of the models of a response, in lower case: generators capitalize them by rules of their own."""
        name = response.get("$ref", "").rpartition("/")[2]
        whole = self._schemas["responses"][name] if name else response
        schema = whole["content"]["application/json"]["schema"]
        return {option["$ref"].rpartition("/")[2].lower() for option in schema.get("anyOf", [schema])}


def snake(name: str) -> str:
    """`listDeliveries` as Python spells it."""
    return re.sub(r"(?<=.)(?=[A-Z])", "_", name).lower()


def model(called: Callable[..., Any], body: Json) -> Any:
    """The body as the first of the function's models that has all of it."""
    hint = get_type_hints(called)["body"]
    for option in get_args(hint) or (hint,):
        try:
            made = option.from_dict(body)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        if comparable(made.to_dict()) == comparable(body):
            return made
    raise AssertionError(f"No model of {hint} takes {body}")


def comparable(value: Any) -> Any:
    """JSON in which equal times are equal texts."""
    if isinstance(value, dict):
        return {key: comparable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    if isinstance(value, str) and re.match(r"\d{4}-\d\d-\d\dT", value):
        return datetime.fromisoformat(value).astimezone(UTC).isoformat()
    return value


def eventually(look: Callable[[], Any]) -> Any:
    """What `look` gives once it is true."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.5)
    return found


def call_everything(api: Caller, given: Json) -> None:
    """Call what a tenant without anything calls from the first webhook to the last integration."""
    api.call("getHealth")
    describe_events(api)
    webhook = create_webhook(api, given["endpoint"])
    publish(api)
    look_at_deliveries(api, webhook)
    recover(api, given["endpoint"])
    poll(api)
    api.call("deleteWebhook", webhook_id=webhook)
    api.call("getWebhook", status=404, webhook_id=webhook)
    integration = connect(api, given)
    act(api, integration)
    ask(api, integration)
    api.call("disconnectIntegration", integration_id=integration)
    api.call("deleteIntegration", integration_id=integration)
    api.call("getIntegration", status=404, integration_id=integration)
    make_tokens(api)
    open_portal(api)


def describe_events(api: Caller) -> None:
    """Event types."""
    api.call("putEventType", status=201, example="warn")
    api.call("putEventType", example="warn")
    api.call("putEventType", status=201, example="name")
    api.call("listEventTypes", limit=1)
    api.call("deleteEventType", name="workflow.started")


def create_webhook(api: Caller, endpoint: str) -> str:
    """The id of a webhook that takes `workflow.*`, after it was changed, tested and given another secret."""
    api.call("createWebhook", status=201, example="filtered")
    created = api.call("createWebhook", status=201, example="simple", change={"url": endpoint}, idempotency_key="k-1")
    webhook: str = created["id"]
    api.call("listWebhooks")
    for example in ("pause", "resume"):
        api.call("updateWebhook", example=example, webhook_id=webhook)
    api.call("getWebhook", webhook_id=webhook)
    api.call("testWebhook", webhook_id=webhook)
    api.call("testWebhook", example="event", webhook_id=webhook)
    api.call("rotateSecret", webhook_id=webhook)
    api.call("rotateSecret", example="revoke", webhook_id=webhook)
    return webhook


def publish(api: Caller) -> None:
    """Events."""
    api.call("previewEvents", example="event")
    event = api.call("publishEvents", status=202, example="one", idempotency_key="k-2")
    api.call("publishEvents", status=202, example="batch")
    api.call("listEvents", event="workflow.executed", limit=1)
    api.call("getEvent", event_id=event["id"])


def look_at_deliveries(api: Caller, webhook: str) -> None:
    """Deliveries, once one has arrived."""
    delivered = eventually(lambda: api.call("listDeliveries", webhook_id=webhook, event="workflow.failed"))[0]["id"]
    eventually(lambda: api.call("getDelivery", webhook_id=webhook, delivery_id=delivered)["state"] == "delivered")
    api.call("resendDelivery", status=202, webhook_id=webhook, delivery_id=delivered)
    api.call("getWebhookStats", webhook_id=webhook)


def recover(api: Caller, endpoint: str) -> None:
    """Recoveries of a webhook younger than the events: one that counts, and one that is cancelled on its way."""
    many = [{"event": "workflow.executed", "data": {"number": number}} for number in range(25)]
    api.call("publishEvents", status=202, example="batch", change={"events": many})
    webhook = api.call("createWebhook", status=201, example="named", change={"url": endpoint})["id"]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="seconds")
    api.call("recoverWebhook", status=202, example="dryRun", change={"since": since}, webhook_id=webhook)
    until = datetime.now(UTC).isoformat(timespec="seconds")
    slowly = {"since": since, "until": until, "states": ["missing"], "perSecond": 1}
    job = api.call("recoverWebhook", status=202, example="range", change=slowly, webhook_id=webhook)["id"]
    api.call("cancelRecovery", webhook_id=webhook, job_id=job)
    api.call("getRecovery", webhook_id=webhook, job_id=job)
    api.call("listRecoveries", webhook_id=webhook)


def poll(api: Caller) -> None:
    """A polling endpoint, which gets a message and acknowledges it."""
    endpoint = {"webhook_id": api.call("createWebhook", status=201, example="polling")["id"]}
    api.call("publishEvents", status=202, example="one")
    [message] = eventually(lambda: api.call("pollMessages", wait=5, **endpoint)["messages"])
    done = {"deliveryId": message["deliveryId"], "leaseToken": message["leaseToken"], "status": "success"}
    api.call("acknowledgeMessages", example="default", change={"messages": [done]}, **endpoint)


def connect(api: Caller, given: Json) -> str:
    """The id of a custom integration, connected again after it was disconnected; the other kinds are connected too."""
    api.call("searchAvailable", query="email", limit=2)
    to = {"integration_id": "mcp_server"}
    for example in ("noAuth", "token"):
        api.call("connectIntegration", status=201, example=example, change={"serverUrl": given["mcp"]}, **to)
    to = {"integration_id": "n8n_workflows"}
    api.call("connectIntegration", status=201, example="n8n", change={"baseUrl": given["n8n"]}, **to)
    # Nobody who authorizes is here: the authorization server cannot be reached.
    api.call(
        "connectIntegration",
        status=502,
        example="oauth",
        change={"serverUrl": given["nobody"]},
        integration_id="zapier_slack",
    )
    to = {"integration_id": "custom_webhook"}
    made = api.call("connectIntegration", status=201, example="customActions", change={"url": given["endpoint"]}, **to)
    integration: str = made["id"]
    api.call("disconnectIntegration", integration_id=integration)
    api.call("connectIntegration", example="reconnect", change={"url": given["endpoint"]}, integration_id=integration)
    api.call("confirmIntegration", status=409, example="default", integration_id=integration)
    api.call("updateIntegration", example="facts", integration_id=integration)
    api.call("testIntegration", integration_id=integration)
    api.call("getIntegration", integration_id=integration)
    api.call("listIntegrations", limit=1)
    return integration


def act(api: Caller, integration: str) -> None:
    """Actions, at once and in the background."""
    action = {"integration_id": integration, "action_name": "send_message", "example": "sendMessage"}
    api.call("executeAction", **action)
    execution = api.call("executeAction", status=202, prefer="respond-async", **action)["executionId"]
    eventually(
        lambda: api.call("getExecution", integration_id=integration, execution_id=execution)["status"] != "running"
    )
    api.call("listExecutions", integration_id=integration)
    api.call("listLogs", integration_id=integration, limit=1)
    api.call("listAudit", limit=1)


def ask(api: Caller, integration: str) -> None:
    """Calls that a person has to approve; the token that asks cannot."""
    api.call("updateIntegration", example="approval", integration_id=integration)
    action = {"integration_id": integration, "action_name": "send_message", "example": "sendMessage"}
    first, second = (api.call("executeAction", status=202, **action)["approvalId"] for _ in range(2))
    api.call("listApprovals", limit=1)
    api.call("getApproval", approval_id=first)
    api.call("approveAction", status=403, example="default", approval_id=first)
    api.call("denyAction", example="default", approval_id=second)


def make_tokens(api: Caller) -> None:
    """Tokens, one of which is revoked."""
    api.call("createToken", status=201, example="program")
    agent = api.call("createToken", status=201, example="agent")["id"]
    api.call("listTokens", limit=2)
    api.call("revokeToken", token_id=agent)


def open_portal(api: Caller) -> None:
    """Sessions of the portal; what is called last is called by one of them."""
    api.call("createPortalSession", status=201, example="everything")
    made = api.call("createPortalSession", status=201, example="support")
    api.call("endPortalSessions", session_id="user-1")
    code = {"code": made["url"].partition("#code=")[2]}
    api.use(api.call("exchangePortalCode", example="default", change=code)["token"])
    api.call("getPortalSession")
    api.call("endPortalSession", session_id=made["id"])


def main(document: str, folder: str, given: str) -> None:
    """Call everything, and see that it was."""
    sys.path.insert(0, folder)
    told = json.loads(given)
    api = Caller(json.loads(Path(document).read_text(encoding="utf-8")), told["url"], told["token"])
    call_everything(api, told)
    missing = sorted(api.operations.keys() - api.called)
    assert not missing, f"not called: {missing}; add them to {Path(__file__).name}"


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Custom integrations: an HTTP endpoint of the tenant's that takes signed POSTs of `{"action", "parameters"}`.

The answer's JSON is the result. A 2xx whose JSON says `success: false` or `isError: true` is a failure.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from msgspec import field

from jobsprint.connectors.base import TEST_SECONDS, CallContext, Connection, TestResult
from jobsprint.connectors.fields import Target, completed
from jobsprint.connectors.responses import read_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.ids import new_id
from jobsprint.core.json_schema import check_schema
from jobsprint.domain import integrations
from jobsprint.domain.inputs import Check, Input, Length, Pattern
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.security.credentials import Credentials

PING = "jobsprint.ping"


def _not_ping(name: str) -> str:
    if name == PING:
        raise ValueError("this name is what the test calls; choose another")
    return name


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    check_schema(schema)
    return schema


class CustomAction(Input, frozen=True):
    """An action that the endpoint understands; `parameters` is the JSON Schema of an object."""

    name: Annotated[str, Length(1, 100), Pattern(r"^[A-Za-z0-9_\-.]+$"), Check(_not_ping)]
    description: Annotated[str, Length(most=integrations.MAX_DESCRIPTION)] | None = None
    parameters: Annotated[dict[str, Any], Check(_schema)] = field(default_factory=lambda: {"type": "object"})


def _unique(actions: list[CustomAction]) -> list[CustomAction]:
    if len({action.name for action in actions}) != len(actions):
        raise ValueError("two actions have the same name")
    if len(json.dumps([action.parameters for action in actions])) > integrations.MAX_ACTIONS_BYTES:
        raise ValueError(f"the schemas together may have up to {integrations.MAX_ACTIONS_BYTES // 1024} KB")
    return actions


class CustomConnect(Target, frozen=True):
    """The body that connects a custom integration."""

    actions: Annotated[list[CustomAction], Length(most=integrations.MAX_ACTIONS), Check(_unique)] = field(
        default_factory=list
    )


class Custom:
    """The connector of custom integrations."""

    def connect(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Connection:
        """Keeps what the body says, over what is there already; makes no call."""
        given = completed(CustomConnect, body, current, **self._kept(integration, current))
        return Connection(
            credentials=Credentials(given.url, given.headers, (given.secret,) if given.secret else ()),
            capabilities=tuple(Capability(a.name, a.description, a.parameters) for a in given.actions),
            message="Connected; test it with POST …/test",
        )

    def _kept(self, integration: Integration, current: Credentials) -> dict[str, object]:
        actions = [
            {"name": c.name, "description": c.description, "parameters": c.schema} for c in integration.capabilities
        ]
        return {"secret": next(iter(current.secrets), None), "actions": actions}

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """POSTs a signed ping; 2xx passes."""
        # Imported here and below: they bring libcurl, which connecting never needs.
        from jobsprint.connectors import responses, signed_post

        ping: JsonObject = {"action": PING, "parameters": {}}
        call_id = new_id("exe", now_ms())
        outcome = signed_post.post_json(credentials, ping, message_id=call_id, timeout=TEST_SECONDS, max_body=1024)
        return responses.test_result(outcome)

    def execute(
        self,
        integration: Integration,
        credentials: Credentials,
        *,
        call_id: str,
        action: str,
        parameters: JsonObject,
        context: CallContext,
    ) -> JsonObject:
        """POSTs the action; see `connectors.base.Connector`."""
        from jobsprint.connectors import responses, signed_post
        from jobsprint.outbound.client import TransferFailure

        outcome = signed_post.post_json(
            credentials,
            {"action": action, "parameters": parameters},
            message_id=call_id,
            timeout=context.seconds,
            max_body=signed_post.MAX_RESULT_BYTES,
            traceparent=context.traceparent,
        )
        if isinstance(outcome, TransferFailure):
            raise responses.failed(outcome)
        if not 200 <= outcome.status < 300:
            raise responses.refused(outcome)
        if outcome.truncated:
            raise UpstreamFailed(
                f"The answer is longer than {signed_post.MAX_RESULT_BYTES // 1024} KB", code="upstream_answer_too_large"
            )
        return result_of(outcome.body)


def result_of(body: bytes) -> JsonObject:
    """The result in a 2xx answer. Raises UpstreamFailed where its JSON says that it failed.

    An object is taken as it is, other JSON stands under `value`, text that is no JSON under `text`.
    """
    text = body.decode("utf-8", errors="replace")
    try:
        answer = read_json(text) if text.strip() else {}
    except json.JSONDecodeError:
        return {"success": True, "text": text}
    if not isinstance(answer, dict):
        return {"success": True, "value": answer}
    if answer.get("success") is False or answer.get("isError") is True:
        raise UpstreamFailed(_reason(answer))
    return answer if "success" in answer else {"success": True, **answer}


def _reason(answer: JsonObject) -> str:
    said = answer.get("error") or answer.get("message")
    if isinstance(said, dict):
        said = said.get("message")
    return f"The other side says it failed: {said[:200]}" if isinstance(said, str) else "The other side says it failed"

"""Custom integrations: an HTTP endpoint of the tenant's that takes signed POSTs of `{"action", "parameters"}`.

The answer's JSON is the result. A 2xx whose JSON says `success: false` or `isError: true` is a failure.
"""

from collections.abc import Mapping

from jobsprint.connectors import responses, signed_post
from jobsprint.connectors.answers import result_of
from jobsprint.connectors.base import TEST_SECONDS, ActionCall, Connection, TestResult
from jobsprint.connectors.custom_models import PING, CustomConnect
from jobsprint.connectors.fields import kept_headers, read_body
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import now_ms
from jobsprint.core.ids import new_id
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.outbound.client import TransferFailure
from jobsprint.security.credentials import Credentials


class Custom:
    """The connector of custom integrations."""

    def read(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> CustomConnect:
        """Validate the body over what is kept already."""
        kept: dict[str, object] = {
            "secret": next(iter(current.secrets), None),
            "actions": [
                {
                    "name": one.name,
                    "title": one.title,
                    "description": one.description,
                    "effect": one.effect,
                    "approval": "required" if one.approval else None,
                    "parameters": one.schema,
                }
                for one in integration.capabilities
            ],
        }
        if current.url:
            kept |= {"url": current.url, "headers": dict(current.headers)}
        whole = {**kept, **body}
        if integration.name and whole.get("name") is None:
            whole["name"] = integration.name
        return read_body(CustomConnect, whole, current_url=current.url, kept=kept_headers(body, current))

    def connect(self, integration: Integration, given: CustomConnect, *, current: Credentials) -> Connection:
        """Keep what is given; makes no call."""
        return Connection(
            credentials=Credentials(given.url, given.headers, (given.secret,) if given.secret else ()),
            capabilities=tuple(
                Capability(
                    one.name,
                    one.description,
                    one.parameters,
                    title=one.title,
                    effect=one.effect,
                    approval=one.approval is not None,
                )
                for one in given.actions
            ),
            message="Connected; test it with POST …/test",
        )

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        """POST a signed ping; 2xx passes."""
        ping: JsonObject = {"action": PING, "parameters": {}}
        call_id = new_id("exe", now_ms())
        result = signed_post.post_json(credentials, ping, message_id=call_id, timeout=TEST_SECONDS, max_body=1024)
        return responses.test_result(result, credentials.masker())

    def execute(self, call: ActionCall) -> JsonObject:
        """POST the action; see `connectors.base.Connector`."""
        response = signed_post.post_json(
            call.credentials,
            {"action": call.action, "parameters": call.parameters},
            message_id=call.id,
            timeout=call.seconds_left,
            max_body=signed_post.MAX_RESULT_BYTES,
            traceparent=call.traceparent,
        )
        if isinstance(response, TransferFailure):
            raise responses.failed(response)
        if not 200 <= response.status < 300:
            raise responses.refused(response, call.credentials.masker())
        return result_of(response, call.credentials.masker())

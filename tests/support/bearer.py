"""A tiny connector for the OAuth tests: one POST with the bearer token it is given, to `tests.support.authority`."""

import json

from jobsprint.connectors import responses, signed_post
from jobsprint.connectors.base import ActionCall, Connection, TestResult
from jobsprint.connectors.mcp.connector import Mcp
from jobsprint.connectors.mcp.models import OAuthConnect, ServerConnect, TokenConnect
from jobsprint.connectors.zapier import Zapier
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import UpstreamUnauthorized
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.outbound.client import Request, Response, TransferFailure
from jobsprint.security.credentials import Credentials


class Bearer(Mcp):
    """Offers one action, `say`."""

    def connect(self, integration: Integration, given: ServerConnect, *, current: Credentials) -> Connection:
        if isinstance(given, OAuthConnect):
            assert current.url == given.server_url
            _answer(_post(current, {"method": "tools/list"}), current)
        token = given.token if isinstance(given, TokenConnect) else current.keys.get("token", "")
        return Connection(
            Credentials(given.server_url, keys={"token": token}),
            (Capability("say", "Says it", {"type": "object"}),),
            "Connected",
            connector_state={"era": "modern", "authType": given.auth_type},
        )

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        return responses.test_result(_post(credentials, {"method": "tools/list"}), credentials.masker())

    def execute(self, call: ActionCall) -> JsonObject:
        said = _post(call.credentials, {"say": call.parameters.get("text")}, seconds=min(call.seconds_left, 5))
        return {"success": True, **_answer(said, call.credentials)}


class ZapierBearer(Bearer, Zapier):
    """The same in place of Zapier."""


def _post(credentials: Credentials, body: JsonObject, *, seconds: float = 5) -> Response | TransferFailure:
    headers = {"Authorization": f"Bearer {credentials.keys.get('token', '')}", "Content-Type": "application/json"}
    request = Request("POST", credentials.url, headers, json.dumps(body).encode())
    return signed_post.client().send(request, timeout=seconds, max_body=10_000)


def _answer(outcome: Response | TransferFailure, credentials: Credentials) -> JsonObject:
    if isinstance(outcome, TransferFailure):
        raise responses.failed(outcome)
    if outcome.status == 401:
        raise UpstreamUnauthorized("401", challenge=outcome.headers.get("www-authenticate", ""))
    if outcome.status != 200:
        raise responses.refused(outcome, credentials.masker())
    answer: JsonObject = json.loads(outcome.body)
    return answer

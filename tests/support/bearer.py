"""A tiny connector for the OAuth tests: one POST with the bearer token it is given, to `tests.support.authority`."""

import json
from collections.abc import Mapping

from jobsprint.connectors import responses, signed_post
from jobsprint.connectors.base import CallContext, Connection, TestResult
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import UpstreamUnauthorized
from jobsprint.domain.integrations import Capability, Integration
from jobsprint.outbound.client import Request, Response, TransferFailure
from jobsprint.security.credentials import Credentials


class Bearer:
    """Offers one action, `say`."""

    def connect(self, integration: Integration, body: Mapping[str, object], *, current: Credentials) -> Connection:
        if body.get("authType") == "oauth":
            assert set(body) == {"authType", "serverUrl"}
            assert current.url == body["serverUrl"]
            _answer(_post(current, {"method": "tools/list"}))
        url, token = body.get("serverUrl", current.url), body.get("token", current.keys.get("token", ""))
        return Connection(
            Credentials(str(url), keys={"token": str(token)}),
            (Capability("say", "Says it", {"type": "object"}),),
            "Connected",
            facts={"era": "modern"},
        )

    def test(self, integration: Integration, credentials: Credentials) -> TestResult:
        return responses.test_result(_post(credentials, {"method": "tools/list"}))

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
        said = _post(credentials, {"say": parameters.get("text")}, seconds=min(context.seconds, 5))
        return {"success": True, **_answer(said)}


def _post(credentials: Credentials, body: JsonObject, *, seconds: float = 5) -> Response | TransferFailure:
    headers = {"Authorization": f"Bearer {credentials.keys.get('token', '')}", "Content-Type": "application/json"}
    request = Request("POST", credentials.url, headers, json.dumps(body).encode())
    return signed_post.client().send(request, timeout=seconds, max_body=10_000)


def _answer(outcome: Response | TransferFailure) -> JsonObject:
    if isinstance(outcome, TransferFailure):
        raise responses.failed(outcome)
    if outcome.status == 401:
        raise UpstreamUnauthorized("401", challenge=outcome.headers.get("www-authenticate", ""))
    if outcome.status != 200:
        raise responses.refused(outcome)
    answer: JsonObject = json.loads(outcome.body)
    return answer

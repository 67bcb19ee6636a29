"""Token administration: no HTTP route reaches it; IAM decides who may invoke it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api.schemas.tokens import CreatedToken, Issue, List, Revoke, TokenView
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import InvalidFields
from jobsprint.core.models import validate
from jobsprint.repositories.api_tokens import of_tenant
from jobsprint.security import api_tokens

_REQUESTS: dict[Any, type[Issue | List | Revoke]] = {"issue": Issue, "list": List, "revoke": Revoke}


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """`{"action": "issue" | "list" | "revoke", …}`; raises InvalidFields for what it does not understand."""
    kind = _REQUESTS.get(event.get("action"))
    if kind is None:
        raise InvalidFields.one("event.action", f"one of {', '.join(_REQUESTS)}")
    request = validate(kind, event, "event")
    now = now_ms()
    match request:
        case Issue():
            issued = api_tokens.issue(request.tenant, request.wanted(), now=now)
            return CreatedToken.made(issued, now).model_dump()
        case List():
            return {"tokens": [TokenView.of(row, now).model_dump() for row in of_tenant(request.tenant)]}
        case Revoke():
            api_tokens.revoke(request.id, now)
            return {"id": request.id, "revoked": True}

"""Token administration: no HTTP route reaches it; IAM decides who may invoke it."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api.schemas.tokens import CreatedToken, Issue, List, Revoke, TokenView
from jobsprint.audit import trail
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import InvalidFields
from jobsprint.core.models import validate
from jobsprint.domain.callers import Caller
from jobsprint.repositories.api_tokens import find, of_tenant
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
            asked = request.model_dump(by_alias=True, exclude_unset=True, exclude={"action", "tenant"})
            with trail.recorded(_operator(request.tenant), "token.create", arguments=asked) as recording:
                issued = api_tokens.issue(request.tenant, request.wanted(), now=now)
                recording.subject = issued.row.id
            return CreatedToken.made(issued, now).model_dump()
        case List():
            return {"tokens": [TokenView.of(row, now).model_dump() for row in of_tenant(request.tenant)]}
        case Revoke():
            _revoke(request.id, now)
            return {"id": request.id, "revoked": True}


def _revoke(token_id: str, now: int) -> None:
    row = find(token_id)
    if row is None:
        raise api_tokens.not_found(token_id)
    with trail.recorded(_operator(row.tenant), "token.revoke", subject=row.id):
        api_tokens.revoke(row.id, now)


def _operator(tenant: str) -> Caller:
    return Caller(tenant, frozenset(), trail.OPERATOR)

"""Sessions of the portal, opened as a browser opens them."""

from typing import Any

from jobsprint.domain.portal import CAPABILITIES
from tests.support.call import Context, call, handler

ALL = list(CAPABILITIES)


def manager(*scopes: str, tenant: str = "acme") -> str:
    """A token of an operator's; with every scope, unless some are named."""
    asked = {"action": "issue", "tenant": tenant, **({"scopes": list(scopes)} if scopes else {})}
    return str(handler("manage_tokens")(asked, Context())["token"])


def create(token: str, capabilities: list[str], **body: Any) -> dict[str, Any]:
    """A new session as its maker gets it, and its code."""
    answer = call("POST", "/portal/sessions", token=token, body={"capabilities": capabilities, **body})
    assert answer.status == 201, answer.body
    return {**answer.data, "code": answer.data["url"].partition("#code=")[2]}


def exchange(code: str) -> dict[str, Any]:
    """A session with its token as the page gets it."""
    answer = call("POST", "/portal/sessions/exchange", tenant=None, body={"code": code})
    assert answer.status == 200, answer.body
    return dict(answer.data)


def session(capabilities: list[str], *, by: str | None = None, **body: Any) -> str:
    """The token of a new session, made by a token with every scope unless another is given."""
    return str(exchange(create(by or manager(), capabilities, **body)["code"])["token"])

"""`make portal`: a session of the portal on the local stack, with every capability."""

import requests

from tools.local.console import Failure
from tools.local.tokens import Clients, issue

_CAPABILITIES = ("view", "payloads", "secrets", "webhooks", "send", "connect", "act", "approve", "agents")
_SESSION_SECONDS = 12 * 3600
_TOKEN_DAYS = 1
_TIMEOUT_SECONDS = 35


def open_portal(clients: Clients, url: str, tenant: str) -> str:
    """The URL of a new session for a tenant of the API at `url`; it works once. Raises Failure."""
    token = issue(clients, tenant, ["*"], _TOKEN_DAYS)
    try:
        answer = requests.post(
            f"{url}/portal/sessions",
            json={"capabilities": list(_CAPABILITIES), "expiresIn": _SESSION_SECONDS},
            headers={"Authorization": f"Bearer {token}"},
            timeout=_TIMEOUT_SECONDS,
        )
    except requests.RequestException as error:
        raise Failure(f"The API at {url} cannot be reached: {error}") from None
    if answer.status_code != requests.codes.created:
        raise Failure(f"The API made no session: {answer.status_code} {answer.text[:200]}")
    return str(answer.json()["data"]["url"])

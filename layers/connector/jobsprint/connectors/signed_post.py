"""One signed JSON call to an address of the tenant's, through the outbound guard."""

from dataclasses import replace
from functools import cache

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import now_ms
from jobsprint.outbound import address_policy
from jobsprint.outbound import client as outbound
from jobsprint.security import signing
from jobsprint.security.credentials import Credentials

MAX_RESULT_BYTES = 1024 * 1024
USER_AGENT = "Jobsprint-Integrations/1.0"


@cache
def client() -> outbound.Client:
    """The container's outbound client: it keeps connections alive between calls."""
    return outbound.Client(address_policy.deployment_policy(), user_agent=USER_AGENT)


def post_json(
    credentials: Credentials,
    payload: JsonObject,
    *,
    message_id: str,
    timeout: float,
    max_body: int,
    traceparent: str | None = None,
) -> outbound.Response | outbound.TransferFailure:
    """POSTs `payload` as canonical JSON with the connection's headers, signed where it has a secret.

    `timeout` in seconds is one budget over the whole call; `max_body` bytes of the answer are read. `traceparent`
    replaces a header of that name which the connection has.
    """
    if traceparent:
        others = {name: value for name, value in credentials.headers.items() if name.lower() != "traceparent"}
        credentials = replace(credentials, headers={**others, "traceparent": traceparent})
    return post_body(credentials, canonical_json.dumps(payload).encode(), message_id, timeout, max_body)


def post_body(
    credentials: Credentials,
    body: bytes,
    message_id: str,
    timeout: float,
    max_body: int,
    *,
    head_decides: bool = False,
) -> outbound.Response | outbound.TransferFailure:
    """POSTs bytes that are JSON already; as `post_json`. `head_decides` as in `outbound.client.Request`."""
    headers = {**credentials.headers, "Content-Type": "application/json"}
    if "accept" not in {name.lower() for name in headers}:
        headers["Accept"] = "application/json"
    if credentials.secrets:
        now = now_ms()
        headers |= signing.headers(
            message_id=message_id, body=body, unix_time=now // 1000, secrets=credentials.valid_secrets(now)
        )
    request = outbound.Request("POST", credentials.url, headers, body, head_decides=head_decides)
    return client().send(request, timeout=timeout, max_body=max_body)

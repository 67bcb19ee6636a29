"""Integrations and webhooks as records, and their rules: names, headers, states, health, parameters."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from jobsprint.core.canonical_json import JsonObject, JsonValue
from jobsprint.core.errors import Conflict, ScopeMissing
from jobsprint.domain.circuit_breaker import CircuitBreaker

IntegrationType = Literal["zapier", "n8n", "custom", "webhook", "mcp"]
IntegrationStatus = Literal["connected", "disconnected", "pending", "error"]


Effect = Literal["read", "write", "destructive"]


@dataclass(frozen=True)
class Capability:
    """One thing that an integration can do. `schema` is the JSON Schema of its parameters (an object).

    `effect` is what it does to the upstream's data: nothing, something that can be undone, or something that destroys;
    None where nobody says. `idempotent` says that a repeat changes nothing more, `closed_world` that it reaches nothing
    beyond the upstream. `output_schema` is the JSON Schema of its result, where known. With `approval` a person has to
    approve each call.
    """

    name: str
    description: str | None = None
    schema: JsonObject = field(default_factory=dict)
    title: str | None = None
    output_schema: JsonObject | None = None
    effect: Effect | None = None
    idempotent: bool = False
    closed_world: bool = False
    approval: bool = False


@dataclass(frozen=True)
class Health:
    """What the last tests of a connection said.

    `status` turns `unhealthy` only after three failures in a row or when its credentials are refused.
    `unpublished` names the operational event that a change calls for, until it is published.
    """

    status: Literal["healthy", "unhealthy", "unknown"] = "unknown"
    checked_at: int | None = None
    failures_in_row: int = 0
    reason: str | None = None
    message: str | None = None
    next_step: str | None = None
    unpublished: str | None = None


@dataclass(frozen=True)
class EventSubscription:
    """What an MCP client asked for in `events/subscribe`: with the token of that id, until `expires_at` (Unix ms)."""

    token_id: str
    expires_at: int


@dataclass(frozen=True)
class DeliveryPolicy:
    """How a webhook wants its deliveries; None is the service's default.

    `retry_schedule` holds the seconds before each attempt, `rate_limit` the most deliveries per second, and `filter` an
    event pattern in EventBridge's syntax. With `polling` nothing is sent: deliveries wait until a client polls for them
    (`delivery.polling`). `expires_in` is after how many seconds without a poll such an endpoint is removed. With a
    `subscription` this is a webhook of an MCP client (`webhooks.subscriptions`).
    """

    retry_schedule: tuple[int, ...] | None = None
    rate_limit: int | None = None
    filter: JsonObject | None = None
    polling: bool = False
    expires_in: int | None = None
    subscription: EventSubscription | None = None


@dataclass(frozen=True)
class ApprovalRule:
    """Which actions of an integration a person has to approve before each call, and for how many seconds they may.

    All that destroy something or whose effect is not known, if `destructive`; and those whose names match one of
    `actions`, in which `*` stands for any characters.
    """

    destructive: bool = False
    actions: tuple[str, ...] = ()
    expires_in: int = 3600

    def requires(self, capability: Capability) -> bool:
        """Whether a person has to approve each call of an action."""
        if capability.approval or (self.destructive and capability.effect in ("destructive", None)):
            return True
        return any(fnmatchcase(capability.name, _LITERAL.sub(r"[\g<0>]", pattern)) for pattern in self.actions)


@dataclass(frozen=True)
class Integration:
    """A tenant's connection, or a webhook subscription (`type` is `webhook`). Times are Unix milliseconds.

    `connector_state` is what its connector found out and needs again (no secrets, never shown). `encrypted` holds the
    encrypted fields by name: `url` (whole), `headers` and `keys` (JSON objects), `secrets` (a JSON list, newest first)
    and, while a rotation overlaps, `retired` (a JSON list of secret and end).
    `slug` names it for agents, unique within the tenant and the same for as long as it exists; a webhook has none.
    `shown_url` is the URL with what looks like a credential masked; `header_names` may be shown. `status_reason` says
    why a connection is in error or a webhook was disabled. `grant` is the id of the OAuth grant it uses, `policy` how a
    webhook wants its deliveries, `approval` which of its actions a person has to approve; `missing_scope` is what a
    connection's server demands beyond its grant, until an authorization asked for it. `watched` is a hint: before
    anything is sent to this webhook its endpoint health is read (`domain.endpoint_health`); it changes without a new
    version. `version` counts writes, for optimistic locking.
    """

    tenant: str
    id: str
    type: IntegrationType
    name: str
    status: IntegrationStatus
    created_at: int
    app: str
    slug: str = ""
    description: str = ""
    icon: str = ""
    connected_at: int | None = None
    disconnected_at: int | None = None
    capabilities: tuple[Capability, ...] = ()
    events: tuple[str, ...] = ()
    configuration: JsonObject = field(default_factory=dict)
    connector_state: JsonObject = field(default_factory=dict)
    shown_url: str = ""
    header_names: tuple[str, ...] = ()
    signed: bool = False
    encrypted: Mapping[str, str] = field(default_factory=dict)
    encrypted_version: int = 0
    status_reason: str | None = None
    grant: str | None = None
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    approval: ApprovalRule = field(default_factory=ApprovalRule)
    missing_scope: str = ""
    watched: bool = False
    version: int = 0

    @property
    def is_polling(self) -> bool:
        """Whether this is a polling endpoint: a webhook that is not sent to."""
        return self.policy.polling

    @property
    def is_mcp(self) -> bool:
        """Whether this is the subscription of an MCP client: it gets its events in the form of MCP Events."""
        return self.policy.subscription is not None

    def is_over(self, now: int) -> bool:
        """Whether this is the subscription of an MCP client whose time is up at `now` (Unix ms)."""
        return self.policy.subscription is not None and self.policy.subscription.expires_at <= now


@dataclass(frozen=True)
class Activity:
    """Calls through an integration by outcome (`unknown` counts as failed), its health, and its circuit breaker.

    `last_polled` is when a client last polled a polling endpoint.
    """

    successful: int = 0
    failed: int = 0
    last_used: int | None = None
    last_polled: int | None = None
    health: Health = field(default_factory=Health)
    circuit_breaker: CircuitBreaker = field(default_factory=CircuitBreaker)


MAX_NAME = 100
MAX_DESCRIPTION = 500
MAX_URL = 2048
MAX_HEADERS = 20
MAX_HEADER_BYTES = 1024
MAX_ACTIONS = 50
MAX_ACTIONS_BYTES = 64 * 1024
MAX_CONFIGURATION = 50
MAX_TRIES = 20
MAX_RETRY_WAIT_SECONDS = 7 * 86400
MAX_FIRST_WAIT_SECONDS = 900
MAX_SCHEDULE_SECONDS = 14 * 86400
MAX_RATE = 1000
MAX_OVERLAP_SECONDS = 7 * 86400
OVERLAP_SECONDS = 86400
MIN_EXPIRES_IN = 60
MAX_EXPIRES_IN = 30 * 86400
MAX_CONFIGURATION_BYTES = 16 * 1024
FAILURES_UNTIL_UNHEALTHY = 3
NOT_POLLING = {
    "url": "a polling endpoint has none: its events wait until a client polls for them",
    "headers": "a polling endpoint has none of its own",
    "rateLimit": "a polling endpoint has none: its clients poll as fast as they want",
}
"""Fields of a webhook that a polling endpoint does not have, and why."""

_SUBSCRIBED = "is part of what an MCP client subscribed to: it can subscribe to something else"
NOT_MCP = {"url": _SUBSCRIBED, "headers": _SUBSCRIBED, "events": _SUBSCRIBED, "filter": _SUBSCRIBED}
"""Fields of a webhook that only the MCP client which subscribed decides on, and why."""

CREDENTIAL_REASONS = frozenset({"credential_rejected", "reauth_required"})

_N8N_WEBHOOKS = "webhook"
# What `fnmatch` takes for more than itself, beside `*`.
_LITERAL = re.compile(r"[\[?]")
_WEBHOOK_PATH = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_OURS = frozenset({"host", "user-agent", "expect", "x-jobsprint-signature", "x-jobsprint-event", "x-jobsprint-attempt"})
_OUR_PREFIXES = ("webhook-", "content-", ":")


def check_header(name: str, value: str) -> None:
    """Raise ValueError unless a tenant may set this header on what we send (RFC 9110)."""
    lower = name.lower()
    if not _TOKEN.fullmatch(name):
        raise ValueError("not a header name")
    if lower in _HOP_BY_HOP or lower in _OURS or lower.startswith(_OUR_PREFIXES):
        raise ValueError("this header is set by Jobsprint or belongs to the connection; leave it out")
    if any(ord(character) < 32 or ord(character) > 126 for character in value):
        raise ValueError("a header value has printable ASCII characters only")
    if len(name) + len(value) > MAX_HEADER_BYTES:
        raise ValueError(f"name and value together may have up to {MAX_HEADER_BYTES} bytes")


def check_schedule(schedule: Sequence[int]) -> None:
    """Raise ValueError for a retry schedule whose first wait, or all of whose waits together, are too long.

    The queue holds a first attempt, and nothing holds it longer than 15 minutes; an event's data is kept as long as the
    longest schedule may need it.
    """
    if schedule[0] > MAX_FIRST_WAIT_SECONDS:
        raise ValueError(f"the first attempt may wait up to {MAX_FIRST_WAIT_SECONDS} seconds")
    if sum(schedule) > MAX_SCHEDULE_SECONDS:
        raise ValueError(f"all waits together may have up to {MAX_SCHEDULE_SECONDS} seconds (14 days)")


def parameters_of(capability: Capability) -> list[JsonObject]:
    """The parameters of a capability as the API shows them: name, type, required and, where given, description."""
    properties = capability.schema.get("properties")
    required = capability.schema.get("required")
    names = required if isinstance(required, list) else []
    if not isinstance(properties, dict):
        return []
    return [_parameter(name, schema, required=name in names) for name, schema in properties.items()]


def _parameter(name: str, schema: JsonValue, *, required: bool) -> JsonObject:
    described = schema if isinstance(schema, dict) else {}
    parameter: JsonObject = {"name": name, "type": _type_of(described), "required": required}
    description = described.get("description")
    return parameter | ({"description": description} if isinstance(description, str) else {})


def _type_of(schema: JsonObject) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((name for name in kind if name != "null"), "null")
    return kind if isinstance(kind, str) else "any"


def require_connected(integration: Integration) -> None:
    """Raise Conflict unless calls may go through this integration, or deliveries to this webhook."""
    if integration.status == "connected":
        return
    if integration.type == "webhook":
        why = f"disabled ({integration.status_reason})" if integration.status_reason else "paused"
        raise Conflict(
            f'{integration.id} is {why}: resume it first, PATCH it with {{"active": true}}',
            code=inactive_reason(integration),
        )
    if integration.status_reason == "reauth_required" and integration.missing_scope:
        raise ScopeMissing(integration.missing_scope)
    if integration.status_reason in CREDENTIAL_REASONS:
        raise Conflict(f"{integration.id} needs new credentials: connect it again", code=integration.status_reason)
    raise Conflict(f"{integration.id} is {integration.status}, not connected", code="not_connected")


def require_polling(webhook: Integration) -> None:
    """Raise Conflict unless clients poll for the deliveries of this webhook."""
    if not webhook.is_polling:
        raise Conflict(
            f"{webhook.id} is no polling endpoint: its deliveries are sent to its url",
            code="wrong_webhook_type",
        )


def require_own_secret(webhook: Integration) -> None:
    """Raise Conflict for the subscription of an MCP client, which chose the secret and alone can change it."""
    if webhook.is_mcp:
        raise Conflict(
            f"{webhook.id} is the subscription of an MCP client: it changes the secret by subscribing again",
            code="wrong_webhook_type",
        )


def require_sent_to(webhook: Integration) -> None:
    """Raise Conflict for a polling endpoint, to which nothing can be sent."""
    if webhook.is_polling:
        raise Conflict(
            f"{webhook.id} is a polling endpoint, to which nothing is sent: publish an event, and poll for it",
            code="wrong_webhook_type",
        )


def inactive_reason(webhook: Integration) -> str:
    """Why nothing is delivered to this webhook: its tenant paused it, or the service disabled it."""
    return "webhook_disabled" if webhook.status_reason else "webhook_paused"


def disconnected(integration: Integration, now: int) -> Integration:
    """The integration after a disconnect at `now`; a second disconnect changes nothing."""
    if integration.status == "disconnected":
        return integration
    return replace(integration, status="disconnected", disconnected_at=now)


def resumed(integration: Integration) -> Integration:
    """The webhook when it is enabled, after it was paused or disabled; one that we disabled is watched from now on."""
    watched = integration.watched or integration.status_reason is not None
    return replace(integration, status="connected", disconnected_at=None, status_reason=None, watched=watched)


def health_after(
    health: Health,
    *,
    passed: bool,
    reason: str | None,
    message: str,
    step: str | None,
    at: int,
    on_demand: bool = False,
) -> Health:
    """The health after one more test.

    It is unhealthy after three scheduled tests in a row that failed; at once if the credentials are refused, or if a
    caller asked for the test, which then says the same as the connection's detail.
    """
    if passed:
        return Health(status="healthy", checked_at=at, message=message)
    failures = health.failures_in_row + 1
    certain = on_demand or failures >= FAILURES_UNTIL_UNHEALTHY or reason in CREDENTIAL_REASONS
    return Health(
        status="unhealthy" if certain else health.status,
        checked_at=at,
        failures_in_row=failures,
        reason=reason,
        message=message,
        next_step=step,
    )


def fits_configuration(configuration: JsonObject) -> bool:
    """Whether a configuration is within its limits: DynamoDB keeps it three times over, in 400 KB."""
    within = len(configuration) <= MAX_CONFIGURATION
    return within and len(json.dumps(configuration)) <= MAX_CONFIGURATION_BYTES


def webhook_path(configuration: Mapping[str, JsonValue]) -> str:
    """The path of an n8n's production webhooks, its N8N_ENDPOINT_WEBHOOK: `webhookPath`, or n8n's default.

    Raises ValueError for what is no such path.
    """
    path = configuration.get("webhookPath", _N8N_WEBHOOKS)
    if not isinstance(path, str) or len(path) > MAX_NAME or not _WEBHOOK_PATH.fullmatch(path):
        raise ValueError("the path of n8n's webhooks such as webhook or my/hooks: letters, digits, _ and -")
    return path


def named_capability(capabilities: tuple[Capability, ...], name: str) -> Capability | None:
    """The capability of that name."""
    return next((capability for capability in capabilities if capability.name == name), None)


def success_rate(successful: int, failed: int) -> float:
    """The share of calls that succeeded, to four places; 0 without calls."""
    total = successful + failed
    return round(successful / total, 4) if total else 0


def merged(base: Mapping[str, JsonValue], change: Mapping[str, JsonValue]) -> JsonObject:
    """`base` with the names in `change` replaced; a null removes its name (RFC 7396, one level)."""
    both = {**base, **change}
    return {name: value for name, value in both.items() if value is not None}

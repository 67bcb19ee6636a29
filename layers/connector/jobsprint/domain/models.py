"""What the service keeps, as plain data. Rules that need more than one field stand in `domain.rules`."""

from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct, field

from jobsprint.domain.canonical import JsonValue
from jobsprint.domain.circuit import Circuit
from jobsprint.domain.errors import Detail

JsonObject: TypeAlias = dict[str, JsonValue]

IntegrationType = Literal["zapier", "n8n", "custom", "webhook", "mcp"]
IntegrationStatus = Literal["connected", "disconnected", "pending", "error"]
DeliveryState = Literal["pending", "delivered", "retrying", "exhausted", "discarded"]
AttemptStatus = Literal["success", "error", "unknown"]
LogStatus = Literal["success", "error", "unknown"]
ExecutionState = Literal["queued", "running", "succeeded", "failed", "unknown"]


class Capability(Struct, frozen=True):
    """One thing that an integration can do. `schema` is the JSON Schema of its parameters (an object)."""

    name: str
    description: str | None = None
    schema: JsonObject = field(default_factory=dict)


class Health(Struct, frozen=True):
    """What the last tests of a connection said.

    `status` turns `unhealthy` only after three failures in a row or on a verdict about credentials (contract 5).
    `untold` names the event that a change calls for, until it is published.
    """

    status: Literal["healthy", "unhealthy", "unknown"] = "unknown"
    checked_at: int | None = None
    failures_in_row: int = 0
    reason: str | None = None
    message: str | None = None
    next_step: str | None = None
    untold: str | None = None


class DeliveryPolicy(Struct, frozen=True, omit_defaults=True):
    """How a webhook wants its deliveries; None is the service's default.

    `retry_schedule` holds the seconds before each attempt, `rate_limit` the most deliveries per second, and `filter` an
    event pattern in EventBridge's syntax.
    """

    retry_schedule: tuple[int, ...] | None = None
    rate_limit: int | None = None
    filter: JsonObject | None = None


class Integration(Struct, frozen=True):
    """A tenant's connection, or a webhook subscription (`type` is `webhook`). Times are Unix milliseconds.

    `facts` is what its connector found out and needs again (no secrets, never shown). `sealed` holds the encrypted
    fields by name: `url` (whole), `headers` and `keys` (JSON objects), `secrets` (a JSON list, newest first) and, while
    a rotation overlaps, `retired` (a JSON list of secret and end).
    `shown_url` is the URL with what looks like a credential masked; `header_names` may be shown. `status_reason` says
    why a connection is in error or a webhook was disabled. `grant` is the id of the OAuth grant it goes through,
    `policy` how a webhook wants its deliveries; `missing_scope` is what a connection's server demands beyond its grant,
    until a consent was asked for it. `watched` is a hint: before anything is sent to this webhook its traffic is looked
    at (`domain.traffic`); it changes without a new version. `version` counts writes, for optimistic locking.
    """

    tenant: str
    id: str
    type: IntegrationType
    name: str
    status: IntegrationStatus
    created_at: int
    app: str
    description: str = ""
    icon: str = ""
    connected_at: int | None = None
    disconnected_at: int | None = None
    capabilities: tuple[Capability, ...] = ()
    events: tuple[str, ...] = ()
    configuration: JsonObject = field(default_factory=dict)
    facts: JsonObject = field(default_factory=dict)
    shown_url: str = ""
    header_names: tuple[str, ...] = ()
    signed: bool = False
    sealed: Mapping[str, str] = field(default_factory=dict)
    sealed_version: int = 0
    status_reason: str | None = None
    grant: str | None = None
    policy: DeliveryPolicy = field(default_factory=DeliveryPolicy)
    missing_scope: str = ""
    watched: bool = False
    version: int = 0


class Activity(Struct, frozen=True):
    """What happened to an integration: calls through it (`unknown` counts as failed), its health, and its circuit."""

    successful: int = 0
    failed: int = 0
    last_used: int | None = None
    health: Health = field(default_factory=Health)
    circuit: Circuit = field(default_factory=Circuit)


class EventType(Struct, frozen=True):
    """What a tenant says of its events of one name. Times are Unix milliseconds.

    `schema` is a JSON Schema of their data; in mode `warn` an event that breaks it is taken and marked.
    """

    name: str
    mode: Literal["off", "warn"]
    created_at: int
    updated_at: int
    description: str | None = None
    schema: JsonObject | None = None


class Event(Struct, frozen=True):
    """A published event. `data` is canonical JSON text (`domain.canonical`), never a parsed value.

    `warnings` say where it breaks the schema of its type. `place` is where in which item it is kept, if that holds
    several events (`store.events`).
    """

    tenant: str
    id: str
    name: str
    timestamp: str
    data: str
    external_id: str | None = None
    about: str | None = None
    warnings: tuple[Detail, ...] = ()
    place: str | None = None


class Attempt(Struct, frozen=True):
    """One try at a delivery. `failure` is a typed cause such as `dns`, `timeout_headers` or `http_5xx`.

    What was sent can be told from the delivery and `started_at`, but for what stands here: the URL as it may be shown,
    the names of the webhook's own headers, and the number of secrets that signed. `url` is None where nobody knows.
    """

    number: int
    status: AttemptStatus
    started_at: int
    duration_ms: int
    http_status: int | None = None
    failure: str | None = None
    response: str | None = None
    timings: Mapping[str, int] = field(default_factory=dict)
    url: str | None = None
    header_names: tuple[str, ...] = ()
    signatures: int = 1


class Delivery(Struct, frozen=True):
    """One event on its way to one webhook, with every attempt so far."""

    tenant: str
    webhook_id: str
    id: str
    event_id: str
    event: str
    state: DeliveryState
    attempts: tuple[Attempt, ...] = ()
    next_attempt_at: int | None = None


class Execution(Struct, frozen=True):
    """An action that runs in the background. Times are Unix milliseconds.

    `sealed_parameters` stands until it has ended, `sealed_outcome` from then on (both encrypted). `holder` is the token
    of the worker that sent the call at `started_at`; it is dead if the outcome is missing at `lease_until`. One
    that was turned away unread is queued again and not sent before `not_before`; `postponed` counts how often.
    """

    id: str
    integration_id: str
    action: str
    state: ExecutionState
    created_at: int
    traceparent: str | None = None
    sealed_parameters: str | None = None
    sealed_outcome: str | None = None
    holder: str | None = None
    started_at: int = 0
    lease_until: int = 0
    not_before: int = 0
    postponed: int = 0
    finished_at: int | None = None


class LogEntry(Struct, frozen=True):
    """One action call as it is shown: `input` and `output` are redacted and cut JSON text."""

    id: str
    action: str
    status: LogStatus
    input: str
    output: str
    execution_ms: int
    at: int

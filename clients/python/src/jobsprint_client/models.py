"""What the service answers.

Generated from docs/openapi.json by tools/clients; `make clients` writes it again.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from jobsprint_client._model import Model


@dataclass(frozen=True, kw_only=True)
class WrongField(Model):
    """One wrong field and what to do."""

    field: str
    """The field's path, such as `body.url`"""

    message: str
    """What is wrong with it"""


@dataclass(frozen=True, kw_only=True)
class UpstreamView(Model):
    """What an upstream answered when it failed; secrets are masked, and the body is cut at 8 KB."""

    status: int
    """The HTTP status of its answer"""

    body: Any = None
    """Its body, as JSON where it is JSON, else as text"""


@dataclass(frozen=True, kw_only=True)
class Problem(Model):
    """Why something was refused, or why an upstream failed."""

    code: str
    """What went wrong, for programs"""

    message: str
    """What went wrong, and what to do, for people"""

    details: list[WrongField] | None = None
    """Every wrong field"""

    upstream: UpstreamView | None = None
    """What an upstream answered"""

    log_id: str | None = None
    """The log entry of the call that failed"""


@dataclass(frozen=True, kw_only=True)
class AcknowledgedMessage(Model):
    """The result of one report."""

    delivery_id: str
    """The report's `deliveryId`"""

    status: Literal[200, 404, 409]
    """200: recorded, now or before. 404: there is no such delivery. 409: the lease has ended, and it was handed
    out again or ended otherwise
    """

    state: Literal["pending", "delivered", "retrying", "exhausted", "discarded"] | None = None
    """The delivery's state, where recorded"""

    next_attempt_at: datetime | None = None
    """When the message is handed out again"""

    error: Problem | None = None
    """Why it was not recorded"""


@dataclass(frozen=True, kw_only=True)
class AcknowledgedMessages(Model):
    """The result of each report, in their order."""

    messages: list[AcknowledgedMessage]
    """One for each report"""


@dataclass(frozen=True, kw_only=True)
class ActionView(Model):
    """What an action gave."""

    action: str
    """The action's name"""

    execution_time: int
    """Milliseconds"""

    result: dict[str, Any] | None = None
    """What the integration answered"""


@dataclass(frozen=True, kw_only=True)
class ApprovalRuleView(Model):
    """Which actions a person has to approve before each call."""

    destructive: bool
    """Each that destroys something, or whose effect is not known"""

    actions: list[str]
    """Names of actions; `*` stands for any characters"""

    expires_in: int
    """Seconds until an approval expires"""


@dataclass(frozen=True, kw_only=True)
class ApprovalSummary(Model):
    """A call that a person has to approve, as a list shows it."""

    approval_id: str
    """`apr_…`"""

    status: Literal["pending", "approved", "denied", "expired", "used"]
    """`used`: the call was made"""

    integration_id: str
    """The integration: `int_…`"""

    action: str
    """The action's name"""

    requested_by: str
    """The id of the token that asked for the call"""

    created_at: datetime
    """When it was asked for"""

    expires_at: datetime
    """Until when it can be approved and used"""

    decided_by: str | None = None
    """The id of the token that decided"""

    decided_at: datetime | None = None
    """When it was decided"""

    reason: str | None = None
    """What was said with the decision"""

    execution_id: str | None = None
    """The call that was made: `exe_…`"""


@dataclass(frozen=True, kw_only=True)
class ApprovalView(Model):
    """A call that a person has to approve, with its parameters."""

    approval_id: str
    """`apr_…`"""

    status: Literal["pending", "approved", "denied", "expired", "used"]
    """`used`: the call was made"""

    integration_id: str
    """The integration: `int_…`"""

    action: str
    """The action's name"""

    requested_by: str
    """The id of the token that asked for the call"""

    created_at: datetime
    """When it was asked for"""

    expires_at: datetime
    """Until when it can be approved and used"""

    decided_by: str | None = None
    """The id of the token that decided"""

    decided_at: datetime | None = None
    """When it was decided"""

    reason: str | None = None
    """What was said with the decision"""

    execution_id: str | None = None
    """The call that was made: `exe_…`"""

    parameters: dict[str, Any] | None = None
    """What the call takes; what looks like a secret is masked"""


@dataclass(frozen=True, kw_only=True)
class AttemptDetail(Model):
    """One attempt, with what was sent. Secrets are masked; `explanation` and `nextStep` say what a failure
    means.
    """

    attempt: int
    """Its number, from 1"""

    status: Literal["success", "error", "unknown"]
    """`unknown`: the worker ended before it knew"""

    duration_ms: int
    """Milliseconds from the start to the end of the answer"""

    started_at: datetime
    """When it began"""

    request_headers: dict[str, str]
    """The headers that were sent; secret values masked"""

    http_status: int | None = None
    """The status of the answer"""

    failure: str | None = None
    """The code of a failure, such as `http_5xx` or `timeout`"""

    warning: str | None = None
    """What was wrong with the answer's body, such as timeout_body; it decides nothing"""

    response: str | None = None
    """The start of the answer's body, with secrets masked"""

    timings: dict[str, int] | None = None
    """Milliseconds of each phase"""

    url: str | None = None
    """Where it was sent; what looks like a credential is masked"""

    explanation: str | None = None
    """What the failure means"""

    next_step: str | None = None
    """What to do about it"""


@dataclass(frozen=True, kw_only=True)
class AttemptView(Model):
    """One attempt at a delivery; `response` is the start of what the receiver answered, with secrets masked."""

    attempt: int
    """Its number, from 1"""

    status: Literal["success", "error", "unknown"]
    """`unknown`: the worker ended before it knew"""

    duration_ms: int
    """Milliseconds from the start to the end of the answer"""

    started_at: datetime
    """When it began"""

    http_status: int | None = None
    """The status of the answer"""

    failure: str | None = None
    """The code of a failure, such as `http_5xx` or `timeout`"""

    warning: str | None = None
    """What was wrong with the answer's body, such as timeout_body; it decides nothing"""

    response: str | None = None
    """The start of the answer's body, with secrets masked"""

    timings: dict[str, int] | None = None
    """Milliseconds of each phase"""


@dataclass(frozen=True, kw_only=True)
class AuditClient(Model):
    """The program that called, as it names itself."""

    name: str
    """Its name"""

    version: str | None = None
    """Its version"""


@dataclass(frozen=True, kw_only=True)
class AuditEntryView(Model):
    """An operation in the audit trail."""

    id: str
    """`aud_…`"""

    kind: str
    """What was done, such as `webhook.create`"""

    actor: str
    """The id of the token that called: `tok_…`; or `operator`"""

    started_at: datetime
    """When it began"""

    subject: str | None = None
    """The id of what it was done to, or of what it made"""

    arguments: Any = None
    """What was asked for; what looks like a secret is masked"""

    client: AuditClient | None = None
    """The program that called"""

    request_id: str | None = None
    """The request that asked for it"""

    outcome: Literal["succeeded", "failed", "unknown"] | None = None
    """How it ended; absent while that is not known"""

    error_code: str | None = None
    """The code of the error that it ended with"""

    finished_at: datetime | None = None
    """When it ended"""

    sequence: int | None = None
    """Its place in the chain, once it is sealed"""


@dataclass(frozen=True, kw_only=True)
class ConnectField(Model):
    """A field of the body that connects. A form should hide the value of a `secret` one."""

    name: str
    """The field's name in the body"""

    required: bool
    """Whether connecting needs it"""

    secret: bool
    """Whether a form should hide its value"""

    description: str | None = None
    """What to enter"""


@dataclass(frozen=True, kw_only=True)
class ConnectOption(Model):
    """One way to connect an application: its `authType`, if there are several, and what else the body takes."""

    schema: str
    """The name of the body's schema in this document"""

    fields: list[ConnectField]
    """What the body takes besides `authType`"""

    auth_type: str | None = None
    """What to send as `authType`; left out where there is only one way"""


@dataclass(frozen=True, kw_only=True)
class AvailableIntegration(Model):
    """An application that can be connected, and how."""

    id: str
    """What to connect, in the path of the connect operation"""

    type: Literal["zapier", "n8n", "custom", "webhook", "mcp"]
    """Which connector connects it"""

    name: str
    """The application's name"""

    description: str
    """What it does"""

    category: str
    """Its category, such as Communication"""

    icon: str
    """The URL of an icon"""

    popularity: int
    """How often it is used, from 0 to 100"""

    capabilities: list[str]
    """The names of what it can do"""

    connect: list[ConnectOption]
    """The ways to connect it"""


@dataclass(frozen=True, kw_only=True)
class ParameterView(Model):
    """One parameter of a capability."""

    name: str
    """The parameter's name"""

    type: str
    """Its JSON type, or `any`"""

    required: bool
    """Whether a call needs it"""

    description: str | None = None
    """What it means"""


@dataclass(frozen=True, kw_only=True)
class CapabilityView(Model):
    """One thing an integration can do."""

    name: str
    """The action's name in the path that runs it"""

    parameters: list[ParameterView]
    """What a call takes"""

    title: str | None = None
    """What people call it, where known"""

    description: str | None = None
    """What it does"""

    effect: Literal["read", "write", "destructive"] | None = None
    """What a call does to the upstream's data, where known: `read` changes nothing, `write` can be undone,
    `destructive` cannot
    """

    approval: Literal["required"] | None = None
    """A person has to approve each call before it is made"""


@dataclass(frozen=True, kw_only=True)
class ConnectView(Model):
    """A new connection, or one on its way."""

    id: str
    """The integration's id"""

    type: Literal["zapier", "n8n", "custom", "webhook", "mcp"]
    """Its type"""

    name: str
    """What people call it"""

    status: Literal["connected", "disconnected", "pending", "error"]
    """`pending` until a person has authorized it at `authUrl`"""

    message: str
    """What happened, or what to do next"""

    auth_url: str | None = None
    """Where a person authorizes the connection, for OAuth"""


@dataclass(frozen=True, kw_only=True)
class CreatedToken(Model):
    """A new token."""

    id: str
    """The token's ID"""

    scopes: list[str]
    """What it allows"""

    read_only: bool
    """Whether it can change nothing"""

    valid: bool
    """Whether it can be used now"""

    created_at: datetime
    """When it was made"""

    token: str
    """The token itself, shown this once"""

    name: str | None = None
    """What people call it"""

    actions: list[str] | None = None
    """The actions that it is limited to"""

    parent: str | None = None
    """The ID of the token that made it, if not an operator did"""

    expires_at: datetime | None = None
    """When it ends by itself"""

    revoked_at: datetime | None = None
    """When it was revoked, or the token that made it"""


@dataclass(frozen=True, kw_only=True)
class Deleted(Model):
    """The id of what was deleted."""

    id: str
    """The id of what was deleted"""

    deleted: Literal[True]
    """Always true"""


@dataclass(frozen=True, kw_only=True)
class DeliveryDetail(Model):
    """One event on its way to one webhook, whole; `data` for as long as the event is kept."""

    id: str
    """`dlv_…`"""

    event_id: str
    """`evt_…`"""

    event: str
    """The event's name"""

    state: Literal["pending", "delivered", "retrying", "exhausted", "discarded"]
    """How far it got"""

    created_at: datetime
    """When the event was published"""

    attempts: list[AttemptDetail]
    """Its attempts, oldest first"""

    timestamp: datetime
    """The event's own time"""

    next_attempt_at: datetime | None = None
    """When the next attempt is due"""

    data: dict[str, Any] | None = None
    """The event's data, for as long as the event is kept"""


@dataclass(frozen=True, kw_only=True)
class DeliveryView(Model):
    """One event on its way to one webhook."""

    id: str
    """`dlv_…`"""

    event_id: str
    """`evt_…`"""

    event: str
    """The event's name"""

    state: Literal["pending", "delivered", "retrying", "exhausted", "discarded"]
    """How far it got"""

    created_at: datetime
    """When the event was published"""

    attempts: list[AttemptView]
    """Its attempts, oldest first"""

    next_attempt_at: datetime | None = None
    """When the next attempt is due"""


@dataclass(frozen=True, kw_only=True)
class DisconnectView(Model):
    """A connection that was ended."""

    id: str
    """The integration's id"""

    status: Literal["connected", "disconnected", "pending", "error"]
    """`disconnected`"""

    disconnected_at: datetime | None = None
    """When it was disconnected"""


@dataclass(frozen=True, kw_only=True)
class Durations(Model):
    """How long attempts took, in milliseconds."""

    p50: int
    """Half of the attempts took at most this long"""

    p95: int
    """95 of 100 attempts took at most this long"""


@dataclass(frozen=True, kw_only=True)
class EventDeliveries(Model):
    """The deliveries of an event by their states; `queued` are those that wait in the queue for their first
    attempt.
    """

    total: int
    """All deliveries"""

    queued: int
    """Those that wait in the queue for their first attempt"""

    pending: int
    """Those that wait longer for their first attempt, or are at it"""

    retrying: int
    """Those that failed and are tried again"""

    delivered: int
    """Those that were answered with 2xx"""

    exhausted: int
    """Those that failed at every attempt"""

    discarded: int
    """Those that ended without another attempt, as their webhook takes no more"""


@dataclass(frozen=True, kw_only=True)
class EventWebhook(Model):
    """A webhook that an event goes to, and the state of that delivery."""

    webhook_id: str
    """`wh_…`"""

    delivery_id: str
    """`dlv_…`"""

    state: Literal["queued", "pending", "delivered", "retrying", "exhausted", "discarded"]
    """How far the delivery got"""


@dataclass(frozen=True, kw_only=True)
class EventDetail(Model):
    """A published event with its data. `webhooks` are there for a token that may read webhooks."""

    id: str
    """`evt_…`"""

    event: str
    """The event's name"""

    timestamp: datetime
    """The event's own time"""

    created_at: datetime
    """When it was published"""

    deliveries: EventDeliveries
    """Its deliveries by state"""

    external_id: str | None = None
    """The id that its publisher gave it"""

    warnings: list[WrongField] | None = None
    """Where it breaks the schema of its event type"""

    data: dict[str, Any] | None = None
    """Its data, as webhooks get it"""

    webhooks: list[EventWebhook] | None = None
    """The webhooks that it goes to"""


@dataclass(frozen=True, kw_only=True)
class EventRefused(Model):
    """An event of a batch that was not taken."""

    error: Problem
    """Why it was not taken"""


@dataclass(frozen=True, kw_only=True)
class EventTaken(Model):
    """An event that was taken, the number of webhooks it goes to, and where it breaks the schema of its type."""

    id: str
    """`evt_…`"""

    deliveries: int
    """How many webhooks it goes to"""

    external_id: str | None = None
    """The id that the caller gave it"""

    warnings: list[WrongField] | None = None
    """Where it breaks the schema of its event type"""


@dataclass(frozen=True, kw_only=True)
class EventTypeDeleted(Model):
    """The name of the event type that was deleted."""

    name: str
    """The name of what was deleted"""

    deleted: Literal[True]
    """Always true"""


@dataclass(frozen=True, kw_only=True)
class EventTypeView(Model):
    """An event type."""

    name: str
    """The event's name"""

    mode: Literal["off", "warn"]
    """`warn`: events that break the schema are taken and marked"""

    created_at: datetime
    """When it was first described"""

    updated_at: datetime
    """When it was last changed"""

    description: str | None = None
    """What the event means"""

    schema: dict[str, Any] | None = None
    """JSON Schema of the event's `data`"""


@dataclass(frozen=True, kw_only=True)
class EventView(Model):
    """A published event."""

    id: str
    """`evt_…`"""

    event: str
    """The event's name"""

    timestamp: datetime
    """The event's own time"""

    created_at: datetime
    """When it was published"""

    deliveries: EventDeliveries
    """Its deliveries by state"""

    external_id: str | None = None
    """The id that its publisher gave it"""

    warnings: list[WrongField] | None = None
    """Where it breaks the schema of its event type"""


@dataclass(frozen=True, kw_only=True)
class ExchangedPortalSession(Model):
    """A session and its token."""

    id: str
    """`ses_…`"""

    capabilities: list[
        Literal["view", "payloads", "secrets", "webhooks", "send", "connect", "act", "approve", "agents"]
    ]
    """What the person may see and do"""

    expires_at: datetime
    """When it ends by itself"""

    token: str
    """The session's token, `jps_…`, shown this once"""

    return_url: str | None = None
    """Where the page leads back to"""

    refresh_url: str | None = None
    """Where to get a new session once this one has ended"""

    locale: Literal["en", "de", "es", "fr", "ja", "pt-BR"] | None = None
    """The language"""

    theme: Literal["light", "dark", "auto"] | None = None
    """Light or dark"""

    webhooks: list[str] | None = None
    """The ids of all the webhooks that it knows of"""

    integrations: list[str] | None = None
    """The ids of all the integrations that it knows of"""


@dataclass(frozen=True, kw_only=True)
class ExecutionError(Model):
    """Why an execution failed, or that nobody knows whether it was done."""

    code: str
    """What went wrong, for programs"""

    message: str | None = None
    """What went wrong, and what to do, for people"""

    upstream: UpstreamView | None = None
    """What an upstream answered"""

    log_id: str | None = None
    """The log entry of the call that failed"""


@dataclass(frozen=True, kw_only=True)
class ExecutionRef(Model):
    """An action that runs in the background."""

    execution_id: str
    """`exe_…`"""


@dataclass(frozen=True, kw_only=True)
class ExecutionSummary(Model):
    """An action in the background as a list shows it; its result or error is in the detail."""

    execution_id: str
    """`exe_…`"""

    action: str
    """The action's name"""

    status: Literal["queued", "running", "succeeded", "failed", "unknown", "cancelled"]
    """How far it is; `unknown`: it may or may not have been done"""

    created_at: datetime
    """When it was asked for"""

    finished_at: datetime | None = None
    """When it ended"""


@dataclass(frozen=True, kw_only=True)
class ExecutionView(Model):
    """An action in the background; `result` or `error` once it has ended."""

    execution_id: str
    """`exe_…`"""

    action: str
    """The action's name"""

    status: Literal["queued", "running", "succeeded", "failed", "unknown", "cancelled"]
    """How far it is; `unknown`: it may or may not have been done"""

    created_at: datetime
    """When it was asked for"""

    result: dict[str, Any] | None = None
    """What the integration answered"""

    error: ExecutionError | None = None
    """Why it failed"""

    execution_time: int | None = None
    """Milliseconds"""

    finished_at: datetime | None = None
    """When it ended"""


@dataclass(frozen=True, kw_only=True)
class HealthView(Model):
    """What the last tests said."""

    status: Literal["healthy", "unhealthy", "unknown"]
    """`unknown` until the first test"""

    checked_at: datetime | None = None
    """When it was last tested"""

    reason: str | None = None
    """The code of the failure"""

    message: str | None = None
    """What is wrong"""

    next_step: str | None = None
    """What to do about it"""


@dataclass(frozen=True, kw_only=True)
class UsageStats(Model):
    """Calls so far; a call whose outcome is unknown counts as failed."""

    total_calls: int
    """All calls"""

    successful_calls: int
    """Those that succeeded"""

    failed_calls: int
    """Those that failed, or whose outcome is unknown"""

    success_rate: float
    """The share of calls that succeeded, from 0 to 1"""


@dataclass(frozen=True, kw_only=True)
class IntegrationDetail(Model):
    """An integration, whole."""

    id: str
    """`int_…`, or `wh_…` of a webhook"""

    type: Literal["zapier", "n8n", "custom", "webhook", "mcp"]
    """Which connector it has"""

    name: str
    """What people call it"""

    description: str
    """What it is for"""

    status: Literal["connected", "disconnected", "pending", "error"]
    """`pending` waits for an authorization; `error` needs what `health` says"""

    icon: str
    """The URL of an icon"""

    capabilities: list[CapabilityView]
    """What it can do"""

    configuration: dict[str, Any]
    """Facts about the connection; what looks like a secret is masked"""

    usage_stats: UsageStats
    """Its calls so far"""

    health: HealthView
    """What the last tests said"""

    slug: str | None = None
    """What agents call it, fixed when it is first connected; a webhook has none"""

    connected_at: datetime | None = None
    """When it was last connected"""

    last_used: datetime | None = None
    """When an action last ran, or a delivery was last made"""

    approval: ApprovalRuleView | None = None
    """Which of its actions a person has to approve before each call"""


@dataclass(frozen=True, kw_only=True)
class IntegrationSummary(Model):
    """An integration in a list."""

    id: str
    """`int_…`, or `wh_…` of a webhook"""

    type: Literal["zapier", "n8n", "custom", "webhook", "mcp"]
    """Which connector it has"""

    name: str
    """What people call it"""

    description: str
    """What it is for"""

    status: Literal["connected", "disconnected", "pending", "error"]
    """`pending` waits for an authorization; `error` needs what `health` says"""

    icon: str
    """The URL of an icon"""

    capabilities: list[str]
    """The names of what it can do; of a webhook the events it is subscribed to"""

    slug: str | None = None
    """What agents call it, fixed when it is first connected; a webhook has none"""

    connected_at: datetime | None = None
    """When it was last connected"""

    last_used: datetime | None = None
    """When an action last ran, or a delivery was last made"""


@dataclass(frozen=True, kw_only=True)
class LogApproval(Model):
    """The approval of a call."""

    approval_id: str
    """`apr_…`"""

    approved_by: str
    """The id of the token that approved it"""

    approved_at: datetime
    """When it was approved"""


@dataclass(frozen=True, kw_only=True)
class LogView(Model):
    """One logged call."""

    log_id: str
    """`log_…`"""

    action: str
    """The action's name, or that of the operation"""

    status: Literal["success", "error", "unknown"]
    """`unknown`: it may or may not have been done"""

    execution_time: int
    """Milliseconds"""

    timestamp: datetime
    """When it began"""

    input: Any = None
    """What was sent; what looks like a secret is masked"""

    output: Any = None
    """What came back; what looks like a secret is masked"""

    request_id: str | None = None
    """The request that asked for it"""

    approval: LogApproval | None = None
    """Who approved it, where it needed that"""


@dataclass(frozen=True, kw_only=True)
class PolledMessage(Model):
    """A message that is handed out: what an endpoint would get in a request, and the lease to acknowledge it
    under.
    """

    delivery_id: str
    """`dlv_…`"""

    event_id: str
    """`evt_…`; also the `webhook-id`, the same each time it is handed out"""

    event: str
    """The event's name"""

    attempt: int
    """The number of this attempt, from 1"""

    lease_token: str
    """Send it back to acknowledge the message"""

    lease_until: datetime
    """When the message is handed out again, unless acknowledged"""

    headers: dict[str, str]
    """The headers of a delivery, with all signatures"""

    body: str
    """The exact body of a delivery, which the signatures cover, in UTF-8"""


@dataclass(frozen=True, kw_only=True)
class PolledMessages(Model):
    """The messages that a poll got, in the order of publishing."""

    messages: list[PolledMessage]
    """None where no message came in time"""


@dataclass(frozen=True, kw_only=True)
class PortalSessionLink(Model):
    """A new session, and the URL that opens it once."""

    id: str
    """`ses_…`"""

    url: str
    """Opens the portal, once, within 120 seconds"""

    expires_at: datetime
    """When the session ends"""


@dataclass(frozen=True, kw_only=True)
class PortalSessionView(Model):
    """What a session may do and show."""

    id: str
    """`ses_…`"""

    capabilities: list[
        Literal["view", "payloads", "secrets", "webhooks", "send", "connect", "act", "approve", "agents"]
    ]
    """What the person may see and do"""

    expires_at: datetime
    """When it ends by itself"""

    return_url: str | None = None
    """Where the page leads back to"""

    refresh_url: str | None = None
    """Where to get a new session once this one has ended"""

    locale: Literal["en", "de", "es", "fr", "ja", "pt-BR"] | None = None
    """The language"""

    theme: Literal["light", "dark", "auto"] | None = None
    """Light or dark"""

    webhooks: list[str] | None = None
    """The ids of all the webhooks that it knows of"""

    integrations: list[str] | None = None
    """The ids of all the integrations that it knows of"""


@dataclass(frozen=True, kw_only=True)
class PortalSessionsEnded(Model):
    """The sessions of a name were ended."""

    session_id: str
    """The `sessionId` that they were made with"""

    ended: Literal[True]
    """Always true"""


@dataclass(frozen=True, kw_only=True)
class PreviousSecret(Model):
    """A secret that signs too for a while."""

    expires_at: datetime
    """Until when it signs"""


@dataclass(frozen=True, kw_only=True)
class ReachedWebhook(Model):
    """Whether a webhook would get an event, and why; subscription and filter count before its state."""

    id: str
    """`wh_…`"""

    name: str
    """The webhook's name"""

    reached: bool
    """Whether it would get the event"""

    reason: Literal["subscribed", "not_subscribed", "filtered", "paused", "disabled"]
    """Why, or why not"""


@dataclass(frozen=True, kw_only=True)
class Reach(Model):
    """What publishing an event would do; nothing is published or kept."""

    webhooks: list[ReachedWebhook]
    """Every webhook"""

    warnings: list[WrongField] | None = None
    """Where the event breaks the schema of its type"""


@dataclass(frozen=True, kw_only=True)
class RecoveryQuery(Model):
    """What a recovery was asked for, with the range and the pace that apply."""

    since: datetime
    """Events published from then on"""

    until: datetime
    """Events published until then"""

    states: list[Literal["failed", "missing"]]
    """Which deliveries: `failed` ones, `missing` ones, or both"""

    dry_run: bool
    """Whether it only counts"""

    per_second: int
    """Most deliveries sent per second"""

    events: list[str] | None = None
    """Only these events or families"""


@dataclass(frozen=True, kw_only=True)
class RecoveryView(Model):
    """A recovery; `matched` is what it has found so far, `sent` what it has sent of that."""

    id: str
    """`job_…`"""

    status: Literal["running", "done", "cancelled", "failed"]
    """How far it is"""

    matched: int
    """Deliveries found so far"""

    sent: int
    """Deliveries sent so far"""

    progress: int
    """Percent of the range that was gone through"""

    created_at: datetime
    """When it was asked for"""

    query: RecoveryQuery
    """What was asked for"""

    reason: str | None = None
    """Why it ended early, if nobody cancelled it"""

    finished_at: datetime | None = None
    """When it ended"""


@dataclass(frozen=True, kw_only=True)
class RotatedSecret(Model):
    """A webhook's new signing secret, shown this once, and the old ones that still sign, newest first."""

    id: str
    """The webhook's id"""

    previous_secrets: list[PreviousSecret]
    """The old secrets that still sign, newest first"""

    secret: str | None = None
    """The new signing secret"""

    overlap_until: datetime | None = None
    """When the secret before this one ends"""


@dataclass(frozen=True, kw_only=True)
class ServiceHealth(Model):
    """A sign of life."""

    status: Literal["ok"]
    """The service answers"""

    version: str
    """The version that is deployed"""


@dataclass(frozen=True, kw_only=True)
class StatsHour(Model):
    """The attempts of an hour. `durations` is left out where none has ended."""

    from_: str
    """When the hour begins"""

    attempts: int
    """All attempts"""

    failed: int
    """Those that were not answered with 2xx"""

    durations: Durations | None = None
    """How long the attempts took"""


@dataclass(frozen=True, kw_only=True)
class StatsWindow(Model):
    """Attempts from `from` until now. `durations` is left out where none has ended."""

    from_: datetime
    """When the window begins"""

    attempts: int
    """All attempts"""

    successful: int
    """Those that were answered with 2xx"""

    failed: int
    """All others"""

    success_rate: float
    """The share of attempts that succeeded, from 0 to 1"""

    code_classes: dict[str, int]
    """Attempts by the class of the answer's status"""

    failures: dict[str, int]
    """Failed attempts by kind of failure"""

    durations: Durations | None = None
    """How long the attempts took"""


@dataclass(frozen=True, kw_only=True)
class TestResultView(Model):
    """What one test said; `reason` and `nextStep` after a failure."""

    passed: bool
    """Whether the connection works"""

    message: str
    """What the test found"""

    response_time: int
    """Milliseconds"""

    tested_at: datetime
    """When it was tested"""

    reason: str | None = None
    """The code of a failure"""

    next_step: str | None = None
    """What to do about a failure"""


@dataclass(frozen=True, kw_only=True)
class TestView(Model):
    """A test of a connection."""

    id: str
    """The integration's id"""

    status: Literal["healthy", "unhealthy"]
    """What the test says of the connection"""

    test_result: TestResultView
    """What the test found"""


@dataclass(frozen=True, kw_only=True)
class TokenView(Model):
    """A token without its secret part."""

    id: str
    """The token's ID"""

    scopes: list[str]
    """What it allows"""

    read_only: bool
    """Whether it can change nothing"""

    valid: bool
    """Whether it can be used now"""

    created_at: datetime
    """When it was made"""

    name: str | None = None
    """What people call it"""

    actions: list[str] | None = None
    """The actions that it is limited to"""

    parent: str | None = None
    """The ID of the token that made it, if not an operator did"""

    expires_at: datetime | None = None
    """When it ends by itself"""

    revoked_at: datetime | None = None
    """When it was revoked, or the token that made it"""


@dataclass(frozen=True, kw_only=True)
class WaitingCount(Model):
    """How many deliveries wait: exactly `count`, or more."""

    count: int
    """How many wait, at least"""

    more: bool
    """Whether there are more"""


@dataclass(frozen=True, kw_only=True)
class WebhookStats(Model):
    """How a webhook does."""

    id: str
    """The webhook's id"""

    last24_hours: StatsWindow
    """The attempts of the last 24 hours"""

    last7_days: StatsWindow
    """The attempts of the last seven days"""

    hours: list[StatsHour]
    """Each hour of the last seven days that had an attempt, oldest first"""

    pending: WaitingCount
    """Deliveries that wait for their first attempt"""

    retrying: WaitingCount
    """Deliveries that wait for another attempt"""


@dataclass(frozen=True, kw_only=True)
class WebhookView(Model):
    """A webhook; its secret stands only in the answer to its creation."""

    id: str
    """`wh_…`"""

    name: str
    """What people call it"""

    events: list[str]
    """The events and families it gets"""

    active: bool
    """Whether it gets events; false while it is paused or disabled"""

    created_at: datetime
    """When it was created"""

    type: Literal["polling", "mcp"] | None = None
    """`polling` where clients poll for its events, `mcp` for that of an MCP client; else left out"""

    url: str | None = None
    """Where events are sent; what looks like a credential is masked. A polling endpoint has none"""

    headers: dict[str, str] | None = None
    """The names of its own headers, their values masked"""

    secret: str | None = None
    """The signing secret, in the answer to the creation only"""

    disabled_reason: str | None = None
    """Why it is not active"""

    retry_schedule: list[int] | None = None
    """Seconds to wait before each attempt; left out where the service's own schedule holds"""

    rate_limit: int | None = None
    """Most deliveries per second"""

    filter: dict[str, Any] | None = None
    """The event pattern that events must match"""

    expires_in: int | None = None
    """After how many seconds without a poll a polling endpoint is removed"""

    expires_at: datetime | None = None
    """When the subscription of an MCP client ends unless it is refreshed"""

    last_polled_at: datetime | None = None
    """When a client last polled; left out where none ever did"""

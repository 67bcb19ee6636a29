"""What the integration and webhook operations take and give. Class names are unique: they name OpenAPI components.

An optional value that is absent is omitted, never null.
"""

import json
from typing import TYPE_CHECKING, Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema
from pydantic_core import InitErrorDetails, PydanticCustomError

from jobsprint.api.envelope import absent
from jobsprint.catalog.builtin import App
from jobsprint.connectors.fields import Configuration, Description, Events, Headers, Name, Secret, Url
from jobsprint.delivery import routing
from jobsprint.domain import patterns, rules
from jobsprint.domain.errors import InvalidFields
from jobsprint.domain.models import (
    Activity,
    Capability,
    DeliveryPolicy,
    Execution,
    ExecutionState,
    Health,
    Integration,
    IntegrationStatus,
    IntegrationType,
    LogEntry,
    Outcome,
)
from jobsprint.domain.outcomes import Outcome as ActionOutcome
from jobsprint.domain.redact import MASK, redact
from jobsprint.domain.times import iso_millis, iso_seconds, parse_iso

if TYPE_CHECKING:
    # These bring the vault, which most operations never need.
    from jobsprint.connectors.base import TestResult
    from jobsprint.integrations.webhooks import Rotated


def _moment(text: str) -> str:
    try:
        parse_iso(text)
    except ValueError as error:
        raise ValueError("an ISO 8601 date or time such as 2025-01-06T12:00:00Z") from error
    return text


IntegrationId = Annotated[str, Path(description="Integration ID: `int_…` or `wh_…`")]
WebhookId = Annotated[str, Path(description="Webhook ID")]
Moment = Annotated[str, AfterValidator(_moment)]
TypeFilter = Annotated[IntegrationType | None, Query(description="Filter by type")]
StatusFilter = Annotated[IntegrationStatus | None, Query(description="Filter by status")]


# --- Integrations -----------------------------------------------------------------------------------------------------


class IntegrationHead(BaseModel):
    """What every view of an integration begins with."""

    id: str
    type: IntegrationType
    name: str
    description: str
    status: IntegrationStatus
    icon: str
    connectedAt: str | None = absent()
    lastUsed: str | None = absent()

    @staticmethod
    def _head(integration: Integration, activity: Activity) -> dict[str, Any]:
        return {
            "id": integration.id,
            "type": integration.type,
            "name": integration.name,
            "description": integration.description,
            "status": integration.status,
            "icon": integration.icon,
            "connectedAt": _seconds(integration.connected_at),
            "lastUsed": _seconds(activity.last_used),
        }


class IntegrationSummary(IntegrationHead):
    """An integration in a list."""

    capabilities: list[str]

    @classmethod
    def of(cls, integration: Integration, activity: Activity) -> "IntegrationSummary":
        """As the seed shows it; a webhook's capabilities are the events it is subscribed to."""
        names = [capability.name for capability in _capabilities(integration)]
        return cls(**cls._head(integration, activity), capabilities=names)


class ParameterView(BaseModel):
    """One parameter of a capability."""

    name: str
    type: str
    required: bool
    description: str | None = absent()


class CapabilityView(BaseModel):
    """One thing an integration can do."""

    name: str
    description: str | None = absent()
    parameters: list[ParameterView]


class UsageStats(BaseModel):
    """Calls so far; a call whose outcome is unknown counts as failed."""

    totalCalls: int
    successfulCalls: int
    failedCalls: int
    successRate: float


class HealthView(BaseModel):
    """What the last tests said."""

    status: Literal["healthy", "unhealthy", "unknown"]
    checkedAt: str | None = absent()
    reason: str | None = absent()
    message: str | None = absent()
    nextStep: str | None = absent()

    @classmethod
    def of(cls, health: Health) -> "HealthView":
        """The health as it is shown."""
        return cls(
            status=health.status,
            checkedAt=_seconds(health.checked_at),
            reason=health.reason,
            message=health.message,
            nextStep=health.next_step,
        )


class IntegrationDetail(IntegrationHead):
    """An integration, whole."""

    capabilities: list[CapabilityView]
    configuration: dict[str, Any]
    usageStats: UsageStats
    health: HealthView

    @classmethod
    def of(cls, integration: Integration, activity: Activity) -> "IntegrationDetail":
        """As the seed shows it, with secrets masked in `configuration`."""
        return cls(
            **cls._head(integration, activity),
            capabilities=[
                CapabilityView.model_validate(
                    {"name": c.name, "description": c.description, "parameters": rules.parameters_of(c)}
                )
                for c in _capabilities(integration)
            ],
            configuration=_shown_configuration(integration),
            usageStats=UsageStats(
                totalCalls=activity.successful + activity.failed,
                successfulCalls=activity.successful,
                failedCalls=activity.failed,
                successRate=rules.success_rate(activity.successful, activity.failed),
            ),
            health=HealthView.of(activity.health),
        )


class AvailableIntegration(BaseModel):
    """An application that can be connected."""

    id: str
    type: IntegrationType
    name: str
    description: str
    category: str
    icon: str
    popularity: int
    capabilities: list[str]

    @classmethod
    def of(cls, app: App) -> "AvailableIntegration":
        """As the seed shows it."""
        return cls(
            id=app.id,
            type=app.type,
            name=app.name,
            description=app.description,
            category=app.category,
            icon=app.icon,
            popularity=app.popularity,
            capabilities=list(app.capabilities),
        )


_CONNECT_BODY: dict[str, Any] = {
    "type": "object",
    "description": "Varies by type. Everywhere: `name`, `description`, `configuration` (facts that are no secrets).",
    "properties": {
        "name": {"type": "string", "maxLength": rules.MAX_NAME},
        "description": {"type": "string", "maxLength": rules.MAX_DESCRIPTION},
        "configuration": {"type": "object"},
        "url": {"type": "string", "maxLength": rules.MAX_URL, "description": "custom: the endpoint"},
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "custom: sent with every call",
        },
        "secret": {"type": "string", "description": "custom: signs every call"},
        "actions": {
            "type": "array",
            "maxItems": rules.MAX_ACTIONS,
            "description": "custom: what the endpoint can do",
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "description": {"type": "string"},
                    "parameters": {"type": "object", "description": "JSON Schema of an object"},
                },
            },
        },
        "authType": {"type": "string", "enum": ["oauth", "token", "none"], "description": "zapier, mcp"},
        "redirectUrl": {"type": "string", "description": "zapier, mcp with oauth: where to return to"},
        "token": {"type": "string", "description": "zapier, mcp with token"},
        "serverUrl": {"type": "string", "description": "zapier, mcp"},
        "baseUrl": {"type": "string", "description": "n8n, with its path prefix if it has one"},
        "apiKey": {"type": "string", "description": "n8n: needs the scope workflow:list; execution:list and :read too"},
        "mcpToken": {"type": "string", "description": "n8n: runs the workflows exposed to MCP through its MCP server"},
        "tags": {
            "type": "array",
            "items": {"type": "string"},
            "description": "n8n: only the workflows with all of these tags",
        },
        "webhookAuth": {
            "type": "object",
            "description": "n8n: the webhooks' own credentials by workflow id, and `default`",
            "additionalProperties": {
                "type": "object",
                "required": ["type"],
                "properties": {
                    "type": {"type": "string", "enum": ["header", "basic", "jwt"]},
                    "name": {"type": "string", "description": "header"},
                    "value": {"type": "string", "description": "header"},
                    "username": {"type": "string", "description": "basic"},
                    "password": {"type": "string", "description": "basic"},
                    "token": {"type": "string", "description": "jwt"},
                },
            },
        },
    },
}
# The connector of the type in the path checks the body; its fields are documented here together.
ConnectBody = Annotated[dict[str, Any], WithJsonSchema(_CONNECT_BODY)]


class ConnectView(BaseModel):
    """A new connection, or one on its way."""

    id: str
    type: IntegrationType
    name: str
    status: IntegrationStatus
    authUrl: str | None = absent()
    message: str

    @classmethod
    def of(cls, integration: Integration, message: str, auth_url: str | None) -> "ConnectView":
        """As the seed shows it."""
        return cls(
            id=integration.id,
            type=integration.type,
            name=integration.name,
            status=integration.status,
            authUrl=auth_url,
            message=message,
        )


class DisconnectView(BaseModel):
    """A connection that was ended."""

    id: str
    status: IntegrationStatus
    disconnectedAt: str | None = absent()

    @classmethod
    def of(cls, integration: Integration) -> "DisconnectView":
        """As the seed shows it."""
        return cls(id=integration.id, status=integration.status, disconnectedAt=_seconds(integration.disconnected_at))


class Deleted(BaseModel):
    """The id of what was deleted."""

    id: str
    deleted: Literal[True] = True


class TestResultView(BaseModel):
    """What one test said; `reason` and `nextStep` after a failure."""

    passed: bool
    message: str
    responseTime: Annotated[int, Field(description="Milliseconds")]
    testedAt: str
    reason: str | None = absent()
    nextStep: str | None = absent()


class TestView(BaseModel):
    """A test of a connection."""

    id: str
    status: Literal["healthy", "unhealthy"]
    testResult: TestResultView

    @classmethod
    def of(cls, integration_id: str, result: "TestResult", at: int) -> "TestView":
        """As the seed shows it."""
        return cls(
            id=integration_id,
            status="healthy" if result.passed else "unhealthy",
            testResult=TestResultView(
                passed=result.passed,
                message=result.message,
                responseTime=result.response_ms,
                testedAt=iso_seconds(at),
                reason=result.reason,
                nextStep=result.next_step,
            ),
        )


class ActionRequest(BaseModel):
    """The parameters of an action; the capability's schema says which."""

    model_config = ConfigDict(extra="forbid", strict=True)

    parameters: dict[str, Any] = Field(default_factory=dict)


class ActionView(BaseModel):
    """What an action gave."""

    action: str
    result: dict[str, Any]
    executionTime: Annotated[int, Field(description="Milliseconds")]


class ExecutionRef(BaseModel):
    """An action that runs in the background."""

    executionId: str


class ExecutionError(BaseModel):
    """Why an execution failed, or that nobody knows whether it was done."""

    code: str
    message: str


class ExecutionView(BaseModel):
    """An action in the background; `result` or `error` once it has ended."""

    executionId: str
    action: str
    status: ExecutionState
    result: dict[str, Any] | None = absent()
    error: ExecutionError | None = absent()
    executionTime: Annotated[int | None, Field(description="Milliseconds")] = absent()
    createdAt: str
    finishedAt: str | None = absent()

    @classmethod
    def of(cls, execution: Execution, outcome: ActionOutcome | None) -> "ExecutionView":
        """As it is shown; an execution that never got as far as its call has no time."""
        error = outcome.error if outcome else None
        return cls(
            executionId=execution.id,
            action=execution.action,
            status=execution.state,
            result=outcome.result if outcome else None,
            error=ExecutionError(code=error.code, message=error.message) if error else None,
            executionTime=outcome.execution_ms if outcome and execution.started_at else None,
            createdAt=iso_seconds(execution.created_at),
            finishedAt=_seconds(execution.finished_at),
        )


class LogView(BaseModel):
    """One logged call."""

    logId: str
    action: str
    status: Outcome
    input: Any
    output: Any
    executionTime: Annotated[int, Field(description="Milliseconds")]
    timestamp: str

    @classmethod
    def of(cls, entry: LogEntry) -> "LogView":
        """As the seed shows it; the time is to the millisecond."""
        return cls(
            logId=entry.id,
            action=entry.action,
            status=entry.status,
            input=json.loads(entry.input),
            output=json.loads(entry.output),
            executionTime=entry.execution_ms,
            timestamp=iso_millis(entry.at),
        )


# --- Webhooks ---------------------------------------------------------------------------------------------------------


def _bounded_schedule(schedule: list[int]) -> list[int]:
    rules.check_schedule(schedule)
    return schedule


RetrySchedule = Annotated[
    list[Annotated[int, Field(ge=0, le=rules.MAX_RETRY_WAIT_SECONDS)]],
    Field(
        min_length=1,
        max_length=rules.MAX_TRIES,
        description="Seconds to wait before each attempt, the first one (at most 900) included, 14 days together; "
        "without it the service's own holds",
    ),
    AfterValidator(_bounded_schedule),
]
RateLimit = Annotated[
    int, Field(ge=1, le=rules.MAX_RATE, description="Most deliveries per second; what is over it waits")
]


def _complaint(flaw: patterns.Flaw) -> InitErrorDetails:
    kind = PydanticCustomError("pattern", "{reason}", {"reason": flaw.reason})
    return {"type": kind, "loc": flaw.where, "input": None}


def _pattern(value: dict[str, Any]) -> dict[str, Any]:
    try:
        patterns.Pattern.of(value, routing.DOCUMENT_FIELDS)
    except patterns.PatternError as error:
        # So that each flaw is named by its own path.
        raise ValidationError.from_exception_data("filter", [_complaint(flaw) for flaw in error.flaws]) from None
    return value


Filter = Annotated[
    dict[str, Any],
    AfterValidator(_pattern),
    WithJsonSchema(
        {
            "type": "object",
            "description": "An event pattern in EventBridge's syntax over `event`, `timestamp` and `data`;"
            " the webhook gets only the events that match",
        }
    ),
]

_POLICY_FIELDS = {"retrySchedule": "retry_schedule", "rateLimit": "rate_limit", "filter": "filter"}


class WebhookCreate(BaseModel):
    """A subscription; a missing secret is made."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name
    url: Url
    events: Events
    headers: Headers | None = None
    secret: Secret | None = None
    retrySchedule: RetrySchedule | None = None
    rateLimit: RateLimit | None = None
    filter: Filter | None = None

    def policy(self) -> DeliveryPolicy:
        """How its deliveries are wanted."""
        return DeliveryPolicy(**_policy(self))


class WebhookChange(BaseModel):
    """What to change of a webhook; `active: false` pauses it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Name | None = None
    url: Url | None = None
    events: Events | None = None
    headers: Headers | None = None
    active: bool | None = None
    retrySchedule: RetrySchedule | None = None
    rateLimit: RateLimit | None = None
    filter: Filter | None = None

    def policy(self) -> dict[str, Any]:
        """The fields of a DeliveryPolicy that are to change; a null takes the service's default again."""
        return _policy(self)


class WebhookView(BaseModel):
    """A webhook; its secret stands only in the answer to its creation."""

    id: str
    name: str
    url: str
    events: list[str]
    headers: dict[str, str] | None = absent()
    secret: str | None = absent()
    active: bool
    disabledReason: str | None = absent()
    retrySchedule: list[int] | None = absent()
    rateLimit: int | None = absent()
    filter: dict[str, Any] | None = absent()
    createdAt: str

    @classmethod
    def of(cls, webhook: Integration, *, secret: str | None = None) -> "WebhookView":
        """As the seed shows it. What looks like a credential in the URL is masked, header values always are."""
        return cls(
            id=webhook.id,
            name=webhook.name,
            url=webhook.shown_url,
            events=list(webhook.events),
            headers=dict.fromkeys(webhook.header_names, MASK) or None,
            secret=secret,
            active=webhook.status == "connected",
            disabledReason=webhook.status_reason,
            retrySchedule=None if webhook.policy.retry_schedule is None else list(webhook.policy.retry_schedule),
            rateLimit=webhook.policy.rate_limit,
            filter=webhook.policy.filter,
            createdAt=iso_seconds(webhook.created_at),
        )


class SecretRotation(BaseModel):
    """A new signing secret; what was the newest signs too until the overlap has passed."""

    model_config = ConfigDict(extra="forbid", strict=True)

    overlapSeconds: Annotated[
        int | None,
        Field(
            ge=0,
            le=rules.MAX_OVERLAP_SECONDS,
            description=f"How long the old secret signs too; {rules.OVERLAP_SECONDS} by default",
        ),
    ] = None
    revokeNow: Annotated[bool, Field(description="Ends every old secret at once, like an overlap of 0")] = False
    secret: Annotated[Secret | None, Field(description="The new secret; without one it is made")] = None

    def overlap(self) -> int:
        """The overlap in seconds. Raises InvalidFields where the two fields contradict each other."""
        if self.revokeNow and self.overlapSeconds:
            raise InvalidFields.one("body.revokeNow", "it leaves no overlap: send this or overlapSeconds")
        if self.revokeNow:
            return 0
        return rules.OVERLAP_SECONDS if self.overlapSeconds is None else self.overlapSeconds


class PreviousSecret(BaseModel):
    """A secret that signs too for a while."""

    expiresAt: str


class RotatedSecret(BaseModel):
    """A webhook's new signing secret, shown this once, and the old ones that still sign, newest first."""

    id: str
    secret: str
    overlapUntil: Annotated[str | None, Field(description="When the secret before this one ends")] = absent()
    previousSecrets: list[PreviousSecret]

    @classmethod
    def of(cls, rotated: "Rotated") -> "RotatedSecret":
        """As it is answered."""
        ends = [iso_seconds(end) for end in rotated.ends]
        return cls(
            id=rotated.webhook.id,
            secret=rotated.secret,
            overlapUntil=ends[0] if ends else None,
            previousSecrets=[PreviousSecret(expiresAt=end) for end in ends],
        )


class IntegrationChange(BaseModel):
    """What to change of an integration; a null in `configuration` removes that name."""

    model_config = ConfigDict(extra="allow", strict=True)

    name: Name | None = None
    description: Description | None = None
    configuration: Configuration | None = None


def _policy(body: WebhookCreate | WebhookChange) -> dict[str, Any]:
    asked = {field: getattr(body, name) for name, field in _POLICY_FIELDS.items() if name in body.model_fields_set}
    schedule = asked.get("retry_schedule")
    return {**asked, "retry_schedule": tuple(schedule)} if schedule else asked


def _seconds(ms: int | None) -> str | None:
    return None if ms is None else iso_seconds(ms)


def _capabilities(integration: Integration) -> tuple[Capability, ...]:
    if integration.type == "webhook":
        return tuple(Capability(name) for name in integration.events)
    return integration.capabilities


def _shown_configuration(integration: Integration) -> dict[str, Any]:
    shown = redact(integration.configuration)
    assert isinstance(shown, dict)  # noqa: S101 - redact keeps the kind
    if integration.shown_url:
        shown = {**shown, "url": integration.shown_url}
    if integration.header_names:
        shown = {**shown, "headers": dict.fromkeys(integration.header_names, MASK)}
    return shown

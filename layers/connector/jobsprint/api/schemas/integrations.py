"""Requests and answers of the operations on integrations."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from jobsprint.core.clock import iso_seconds, iso_seconds_or_none
from jobsprint.core.models import RequestModel, ResponseModel, Time
from jobsprint.core.redaction import MASK, redact
from jobsprint.domain import integrations
from jobsprint.domain.connect_options import ConnectOption
from jobsprint.domain.integrations import (
    Activity,
    ApprovalRule,
    Capability,
    Effect,
    Health,
    Integration,
    IntegrationStatus,
    IntegrationType,
)

if TYPE_CHECKING:
    from jobsprint.catalog.builtin import App
    from jobsprint.connectors.base import TestResult


class IntegrationHead(ResponseModel):
    """The fields that every view of an integration shows."""

    id: Annotated[str, Field(description="`int_…`, or `wh_…` of a webhook")]
    type: Annotated[IntegrationType, Field(description="Which connector it has")]
    name: Annotated[str, Field(description="What people call it")]
    slug: Annotated[
        str | None, Field(description="What agents call it, fixed when it is first connected; a webhook has none")
    ] = None
    description: Annotated[str, Field(description="What it is for")]
    status: Annotated[
        IntegrationStatus, Field(description="`pending` waits for an authorization; `error` needs what `health` says")
    ]
    icon: Annotated[str, Field(description="The URL of an icon")]
    connected_at: Annotated[Time | None, Field(description="When it was last connected")] = None
    last_used: Annotated[Time | None, Field(description="When an action last ran, or a delivery was last made")] = None


class IntegrationSummary(IntegrationHead):
    """An integration in a list."""

    capabilities: Annotated[
        list[str], Field(description="The names of what it can do; of a webhook the events it is subscribed to")
    ]

    @classmethod
    def of(cls, integration: Integration, activity: Activity) -> "IntegrationSummary":
        """An integration as a list shows it; a webhook's capabilities are the events it is subscribed to."""
        names = [capability.name for capability in _capabilities(integration)]
        return cls(**_head(integration, activity), capabilities=names)


class ParameterView(ResponseModel):
    """One parameter of a capability."""

    name: Annotated[str, Field(description="The parameter's name")]
    type: Annotated[str, Field(description="Its JSON type, or `any`")]
    required: Annotated[bool, Field(description="Whether a call needs it")]
    description: Annotated[str | None, Field(description="What it means")] = None


class CapabilityView(ResponseModel):
    """One thing an integration can do."""

    name: Annotated[str, Field(description="The action's name in the path that runs it")]
    title: Annotated[str | None, Field(description="What people call it, where known")] = None
    description: Annotated[str | None, Field(description="What it does")] = None
    effect: Annotated[
        Effect | None,
        Field(
            description="What a call does to the upstream's data, where known: `read` changes nothing, `write` can be "
            "undone, `destructive` cannot"
        ),
    ] = None
    approval: Annotated[
        Literal["required"] | None, Field(description="A person has to approve each call before it is made")
    ] = None
    parameters: Annotated[list[ParameterView], Field(description="What a call takes")]

    @classmethod
    def of(cls, capability: Capability, rule: ApprovalRule) -> "CapabilityView":
        """A capability as it is shown, its schema as a list of parameters."""
        parameters = [ParameterView.model_validate(parameter) for parameter in integrations.parameters_of(capability)]
        return cls(
            name=capability.name,
            title=capability.title,
            description=capability.description,
            effect=capability.effect,
            approval="required" if rule.requires(capability) else None,
            parameters=parameters,
        )


class ApprovalRuleView(ResponseModel):
    """Which actions a person has to approve before each call."""

    destructive: Annotated[bool, Field(description="Each that destroys something, or whose effect is not known")]
    actions: Annotated[list[str], Field(description="Names of actions; `*` stands for any characters")]
    expires_in: Annotated[int, Field(description="Seconds until an approval expires")]

    @classmethod
    def of(cls, rule: ApprovalRule) -> "ApprovalRuleView | None":
        """A rule as it is shown; None for the default, by which no action needs it."""
        if rule == ApprovalRule():
            return None
        return cls(destructive=rule.destructive, actions=list(rule.actions), expires_in=rule.expires_in)


class UsageStats(ResponseModel):
    """Calls so far; a call whose outcome is unknown counts as failed."""

    total_calls: Annotated[int, Field(description="All calls")]
    successful_calls: Annotated[int, Field(description="Those that succeeded")]
    failed_calls: Annotated[int, Field(description="Those that failed, or whose outcome is unknown")]
    success_rate: Annotated[float, Field(description="The share of calls that succeeded, from 0 to 1")]

    @classmethod
    def of(cls, activity: Activity) -> "UsageStats":
        """The calls of an integration as they are shown."""
        return cls(
            total_calls=activity.successful + activity.failed,
            successful_calls=activity.successful,
            failed_calls=activity.failed,
            success_rate=float(integrations.success_rate(activity.successful, activity.failed)),
        )


class HealthView(ResponseModel):
    """What the last tests said."""

    status: Annotated[Literal["healthy", "unhealthy", "unknown"], Field(description="`unknown` until the first test")]
    checked_at: Annotated[Time | None, Field(description="When it was last tested")] = None
    reason: Annotated[str | None, Field(description="The code of the failure")] = None
    message: Annotated[str | None, Field(description="What is wrong")] = None
    next_step: Annotated[str | None, Field(description="What to do about it")] = None

    @classmethod
    def of(cls, health: Health) -> "HealthView":
        """The health of a connection as it is shown."""
        return cls(
            status=health.status,
            checked_at=iso_seconds_or_none(health.checked_at),
            reason=health.reason,
            message=health.message,
            next_step=health.next_step,
        )


class IntegrationDetail(IntegrationHead):
    """An integration, whole."""

    capabilities: Annotated[list[CapabilityView], Field(description="What it can do")]
    configuration: Annotated[
        dict[str, Any], Field(description="Facts about the connection; what looks like a secret is masked")
    ]
    approval: Annotated[
        ApprovalRuleView | None, Field(description="Which of its actions a person has to approve before each call")
    ] = None
    usage_stats: Annotated[UsageStats, Field(description="Its calls so far")]
    health: Annotated[HealthView, Field(description="What the last tests said")]

    @classmethod
    def of(cls, integration: Integration, activity: Activity) -> "IntegrationDetail":
        """An integration as it is shown whole, with secrets masked in `configuration`."""
        return cls(
            **_head(integration, activity),
            capabilities=[
                CapabilityView.of(capability, integration.approval) for capability in _capabilities(integration)
            ],
            configuration=_shown_configuration(integration),
            approval=ApprovalRuleView.of(integration.approval),
            usage_stats=UsageStats.of(activity),
            health=HealthView.of(activity.health),
        )


class AvailableIntegration(ResponseModel):
    """An application that can be connected, and how."""

    id: Annotated[str, Field(description="What to connect, in the path of the connect operation")]
    type: Annotated[IntegrationType, Field(description="Which connector connects it")]
    name: Annotated[str, Field(description="The application's name")]
    description: Annotated[str, Field(description="What it does")]
    category: Annotated[str, Field(description="Its category, such as Communication")]
    icon: Annotated[str, Field(description="The URL of an icon")]
    popularity: Annotated[int, Field(description="How often it is used, from 0 to 100")]
    capabilities: Annotated[list[str], Field(description="The names of what it can do")]
    connect: Annotated[tuple[ConnectOption, ...], Field(description="The ways to connect it")]

    @classmethod
    def of(cls, app: "App", options: tuple[ConnectOption, ...]) -> "AvailableIntegration":
        """An application of the catalogue as it is shown, with the ways to connect it."""
        return cls(
            id=app.id,
            type=app.type,
            name=app.name,
            description=app.description,
            category=app.category,
            icon=app.icon,
            popularity=app.popularity,
            capabilities=list(app.capabilities),
            connect=options,
        )


class ConnectView(ResponseModel):
    """A new connection, or one on its way."""

    id: Annotated[str, Field(description="The integration's id")]
    type: Annotated[IntegrationType, Field(description="Its type")]
    name: Annotated[str, Field(description="What people call it")]
    status: Annotated[IntegrationStatus, Field(description="`pending` until a person has authorized it at `authUrl`")]
    auth_url: Annotated[str | None, Field(description="Where a person authorizes the connection, for OAuth")] = None
    message: Annotated[str, Field(description="What happened, or what to do next")]

    @classmethod
    def of(cls, integration: Integration, message: str, auth_url: str | None) -> "ConnectView":
        """The outcome of a connect as it is shown."""
        return cls(
            id=integration.id,
            type=integration.type,
            name=integration.name,
            status=integration.status,
            auth_url=auth_url,
            message=message,
        )


class Confirmation(RequestModel):
    """The application's word that the browser which returned is the one that it sent."""

    confirmation: Annotated[
        str, Field(min_length=1, max_length=100, description="As the redirect to `redirectUrl` brought it")
    ]


class DisconnectView(ResponseModel):
    """A connection that was ended."""

    id: Annotated[str, Field(description="The integration's id")]
    status: Annotated[IntegrationStatus, Field(description="`disconnected`")]
    disconnected_at: Annotated[Time | None, Field(description="When it was disconnected")] = None

    @classmethod
    def of(cls, integration: Integration) -> "DisconnectView":
        """A disconnected integration as it is shown."""
        at = iso_seconds_or_none(integration.disconnected_at)
        return cls(id=integration.id, status=integration.status, disconnected_at=at)


class TestResultView(ResponseModel):
    """What one test said; `reason` and `nextStep` after a failure."""

    passed: Annotated[bool, Field(description="Whether the connection works")]
    message: Annotated[str, Field(description="What the test found")]
    response_time: Annotated[int, Field(description="Milliseconds")]
    tested_at: Annotated[Time, Field(description="When it was tested")]
    reason: Annotated[str | None, Field(description="The code of a failure")] = None
    next_step: Annotated[str | None, Field(description="What to do about a failure")] = None


class TestView(ResponseModel):
    """A test of a connection."""

    id: Annotated[str, Field(description="The integration's id")]
    status: Annotated[Literal["healthy", "unhealthy"], Field(description="What the test says of the connection")]
    test_result: Annotated[TestResultView, Field(description="What the test found")]

    @classmethod
    def of(cls, integration_id: str, result: "TestResult", at: int) -> "TestView":
        """The outcome of a test as it is shown; `at` in ms."""
        shown = TestResultView(
            passed=result.passed,
            message=result.message,
            response_time=result.response_ms,
            tested_at=iso_seconds(at),
            reason=result.reason,
            next_step=result.next_step,
        )
        return cls(id=integration_id, status="healthy" if result.passed else "unhealthy", test_result=shown)


def _head(integration: Integration, activity: Activity) -> dict[str, Any]:
    """What every view of an integration shows."""
    return {
        "id": integration.id,
        "type": integration.type,
        "name": integration.name,
        "slug": integration.slug or None,
        "description": integration.description,
        "status": integration.status,
        "icon": integration.icon,
        "connected_at": iso_seconds_or_none(integration.connected_at),
        "last_used": iso_seconds_or_none(activity.last_used),
    }


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

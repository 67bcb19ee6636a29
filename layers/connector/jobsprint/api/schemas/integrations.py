"""Requests and answers of the operations on integrations."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from jobsprint.core.clock import iso_seconds, iso_seconds_or_none
from jobsprint.core.models import RequestModel, ResponseModel
from jobsprint.core.redaction import MASK, redact
from jobsprint.domain import integrations
from jobsprint.domain.connect_options import ConnectOption
from jobsprint.domain.integrations import Activity, Capability, Health, Integration, IntegrationStatus, IntegrationType

if TYPE_CHECKING:
    from jobsprint.catalog.builtin import App
    from jobsprint.connectors.base import TestResult


class IntegrationHead(ResponseModel):
    """The fields that every view of an integration shows."""

    id: str
    type: IntegrationType
    name: str
    description: str
    status: IntegrationStatus
    icon: str
    connected_at: str | None = None
    last_used: str | None = None


class IntegrationSummary(IntegrationHead):
    """An integration in a list."""

    capabilities: list[str]

    @classmethod
    def of(cls, integration: Integration, activity: Activity) -> "IntegrationSummary":
        """An integration as a list shows it; a webhook's capabilities are the events it is subscribed to."""
        names = [capability.name for capability in _capabilities(integration)]
        return cls(**_head(integration, activity), capabilities=names)


class ParameterView(ResponseModel):
    """One parameter of a capability."""

    name: str
    type: str
    required: bool
    description: str | None = None


class CapabilityView(ResponseModel):
    """One thing an integration can do."""

    name: str
    description: str | None = None
    parameters: list[ParameterView]

    @classmethod
    def of(cls, capability: Capability) -> "CapabilityView":
        """A capability as it is shown, its schema as a list of parameters."""
        parameters = [ParameterView.model_validate(parameter) for parameter in integrations.parameters_of(capability)]
        return cls(name=capability.name, description=capability.description, parameters=parameters)


class UsageStats(ResponseModel):
    """Calls so far; a call whose outcome is unknown counts as failed."""

    total_calls: int
    successful_calls: int
    failed_calls: int
    success_rate: float

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

    status: Literal["healthy", "unhealthy", "unknown"]
    checked_at: str | None = None
    reason: str | None = None
    message: str | None = None
    next_step: str | None = None

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

    capabilities: list[CapabilityView]
    configuration: dict[str, Any]
    usage_stats: UsageStats
    health: HealthView

    @classmethod
    def of(cls, integration: Integration, activity: Activity) -> "IntegrationDetail":
        """An integration as it is shown whole, with secrets masked in `configuration`."""
        return cls(
            **_head(integration, activity),
            capabilities=[CapabilityView.of(capability) for capability in _capabilities(integration)],
            configuration=_shown_configuration(integration),
            usage_stats=UsageStats.of(activity),
            health=HealthView.of(activity.health),
        )


class AvailableIntegration(ResponseModel):
    """An application that can be connected, and how."""

    id: str
    type: IntegrationType
    name: str
    description: str
    category: str
    icon: str
    popularity: int
    capabilities: list[str]
    connect: tuple[ConnectOption, ...]

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

    id: str
    type: IntegrationType
    name: str
    status: IntegrationStatus
    auth_url: str | None = None
    message: str

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

    id: str
    status: IntegrationStatus
    disconnected_at: str | None = None

    @classmethod
    def of(cls, integration: Integration) -> "DisconnectView":
        """A disconnected integration as it is shown."""
        at = iso_seconds_or_none(integration.disconnected_at)
        return cls(id=integration.id, status=integration.status, disconnected_at=at)


class TestResultView(ResponseModel):
    """What one test said; `reason` and `nextStep` after a failure."""

    passed: bool
    message: str
    response_time: Annotated[int, Field(description="Milliseconds")]
    tested_at: str
    reason: str | None = None
    next_step: str | None = None


class TestView(ResponseModel):
    """A test of a connection."""

    id: str
    status: Literal["healthy", "unhealthy"]
    test_result: TestResultView

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

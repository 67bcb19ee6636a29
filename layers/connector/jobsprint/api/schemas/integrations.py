"""What the operations on integrations show."""

from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, cast

from typing_extensions import TypedDict

from jobsprint.api.schemas.common import without_absent
from jobsprint.connectors.fields import Configuration, Description, Name
from jobsprint.core.clock import iso_seconds, iso_seconds_or_none
from jobsprint.core.redaction import MASK, redact
from jobsprint.domain import integrations
from jobsprint.domain.inputs import Described, Input
from jobsprint.domain.integrations import Activity, Capability, Health, Integration, IntegrationStatus, IntegrationType

if TYPE_CHECKING:
    from jobsprint.catalog.builtin import App  # brings the whole list, which only searching needs


class IntegrationHead(TypedDict):
    """What every view of an integration begins with."""

    id: str
    type: IntegrationType
    name: str
    description: str
    status: IntegrationStatus
    icon: str
    connectedAt: NotRequired[str | None]
    lastUsed: NotRequired[str | None]


class IntegrationSummary(IntegrationHead):
    """An integration in a list."""

    capabilities: list[str]


class ParameterView(TypedDict):
    """One parameter of a capability."""

    name: str
    type: str
    required: bool
    description: NotRequired[str | None]


class CapabilityView(TypedDict):
    """One thing an integration can do."""

    name: str
    description: NotRequired[str | None]
    parameters: list[ParameterView]


class UsageStats(TypedDict):
    """Calls so far; a call whose outcome is unknown counts as failed."""

    totalCalls: int
    successfulCalls: int
    failedCalls: int
    successRate: float


class HealthView(TypedDict):
    """What the last tests said."""

    status: Literal["healthy", "unhealthy", "unknown"]
    checkedAt: NotRequired[str | None]
    reason: NotRequired[str | None]
    message: NotRequired[str | None]
    nextStep: NotRequired[str | None]


class IntegrationDetail(IntegrationHead):
    """An integration, whole."""

    capabilities: list[CapabilityView]
    configuration: dict[str, Any]
    usageStats: UsageStats
    health: HealthView


class AvailableIntegration(TypedDict):
    """An application that can be connected."""

    id: str
    type: IntegrationType
    name: str
    description: str
    category: str
    icon: str
    popularity: int
    capabilities: list[str]


class ConnectView(TypedDict):
    """A new connection, or one on its way."""

    id: str
    type: IntegrationType
    name: str
    status: IntegrationStatus
    authUrl: NotRequired[str | None]
    message: str


class DisconnectView(TypedDict):
    """A connection that was ended."""

    id: str
    status: IntegrationStatus
    disconnectedAt: NotRequired[str | None]


def integration_summary(integration: Integration, activity: Activity) -> IntegrationSummary:
    """As the seed shows it; a webhook's capabilities are the events it is subscribed to."""
    names = [capability.name for capability in _capabilities(integration)]
    return without_absent(IntegrationSummary(**_head(integration, activity), capabilities=names))


def integration_detail(integration: Integration, activity: Activity) -> IntegrationDetail:
    """As the seed shows it, with secrets masked in `configuration`."""
    calls = UsageStats(
        totalCalls=activity.successful + activity.failed,
        successfulCalls=activity.successful,
        failedCalls=activity.failed,
        successRate=float(integrations.success_rate(activity.successful, activity.failed)),
    )
    return without_absent(
        IntegrationDetail(
            **_head(integration, activity),
            capabilities=[_capability(capability) for capability in _capabilities(integration)],
            configuration=_shown_configuration(integration),
            usageStats=calls,
            health=_health(activity.health),
        )
    )


def available_integration(app: "App") -> AvailableIntegration:
    """As the seed shows it."""
    return AvailableIntegration(
        id=app.id,
        type=app.type,
        name=app.name,
        description=app.description,
        category=app.category,
        icon=app.icon,
        popularity=app.popularity,
        capabilities=list(app.capabilities),
    )


def connect_view(integration: Integration, message: str, auth_url: str | None) -> ConnectView:
    """As the seed shows it."""
    return without_absent(
        ConnectView(
            id=integration.id,
            type=integration.type,
            name=integration.name,
            status=integration.status,
            authUrl=auth_url,
            message=message,
        )
    )


def disconnect_view(integration: Integration) -> DisconnectView:
    """As the seed shows it."""
    at = iso_seconds_or_none(integration.disconnected_at)
    return without_absent(DisconnectView(id=integration.id, status=integration.status, disconnectedAt=at))


def _head(integration: Integration, activity: Activity) -> IntegrationHead:
    return {
        "id": integration.id,
        "type": integration.type,
        "name": integration.name,
        "description": integration.description,
        "status": integration.status,
        "icon": integration.icon,
        "connectedAt": iso_seconds_or_none(integration.connected_at),
        "lastUsed": iso_seconds_or_none(activity.last_used),
    }


def _capabilities(integration: Integration) -> tuple[Capability, ...]:
    if integration.type == "webhook":
        return tuple(Capability(name) for name in integration.events)
    return integration.capabilities


def _capability(capability: Capability) -> CapabilityView:
    parameters = cast(list[ParameterView], integrations.parameters_of(capability))
    view = CapabilityView(name=capability.name, description=capability.description, parameters=parameters)
    return without_absent(view)


def _health(health: Health) -> HealthView:
    return without_absent(
        HealthView(
            status=health.status,
            checkedAt=iso_seconds_or_none(health.checked_at),
            reason=health.reason,
            message=health.message,
            nextStep=health.next_step,
        )
    )


def _shown_configuration(integration: Integration) -> dict[str, Any]:
    shown = redact(integration.configuration)
    assert isinstance(shown, dict)  # noqa: S101 - redact keeps the kind
    if integration.shown_url:
        shown = {**shown, "url": integration.shown_url}
    if integration.header_names:
        shown = {**shown, "headers": dict.fromkeys(integration.header_names, MASK)}
    return shown


class IntegrationChange(Input, frozen=True, forbid_unknown_fields=False):
    """What to change of an integration; a null in `configuration` removes that name."""

    name: Name | None = None
    description: Description | None = None
    configuration: Configuration | None = None


if TYPE_CHECKING:
    from jobsprint.connectors.base import TestResult


class TestResultView(TypedDict):
    """What one test said; `reason` and `nextStep` after a failure."""

    passed: bool
    message: str
    responseTime: Annotated[int, Described("Milliseconds")]
    testedAt: str
    reason: NotRequired[str | None]
    nextStep: NotRequired[str | None]


class TestView(TypedDict):
    """A test of a connection."""

    id: str
    status: Literal["healthy", "unhealthy"]
    testResult: TestResultView


def test_view(integration_id: str, result: "TestResult", at: int) -> TestView:
    """As the seed shows it; `at` in ms."""
    shown = TestResultView(
        passed=result.passed,
        message=result.message,
        responseTime=result.response_ms,
        testedAt=iso_seconds(at),
        reason=result.reason,
        nextStep=result.next_step,
    )
    status: Literal["healthy", "unhealthy"] = "healthy" if result.passed else "unhealthy"
    return TestView(id=integration_id, status=status, testResult=without_absent(shown))

"""What a test of a connection or a webhook shows."""

from typing import TYPE_CHECKING, Annotated, Literal, NotRequired

from typing_extensions import TypedDict

from jobsprint.api.envelope import without_absent
from jobsprint.domain.inputs import Described
from jobsprint.domain.times import iso_seconds

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

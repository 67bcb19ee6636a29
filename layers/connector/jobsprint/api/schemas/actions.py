"""What the operations on actions show."""

import json
from typing import Annotated, Any, NotRequired

from msgspec import field
from typing_extensions import TypedDict

from jobsprint.api.schemas.common import without_absent
from jobsprint.core.clock import iso_millis, iso_seconds, iso_seconds_or_none
from jobsprint.domain.actions import Execution, ExecutionState, LogEntry, LogStatus, Outcome
from jobsprint.domain.inputs import Described, Input


class ActionView(TypedDict):
    """What an action gave."""

    action: str
    result: dict[str, Any]
    executionTime: Annotated[int, Described("Milliseconds")]


class ExecutionRef(TypedDict):
    """An action that runs in the background."""

    executionId: str


class ExecutionError(TypedDict):
    """Why an execution failed, or that nobody knows whether it was done."""

    code: str
    message: str


class ExecutionView(TypedDict):
    """An action in the background; `result` or `error` once it has ended."""

    executionId: str
    action: str
    status: ExecutionState
    result: NotRequired[dict[str, Any] | None]
    error: NotRequired[ExecutionError | None]
    executionTime: NotRequired[Annotated[int | None, Described("Milliseconds")]]
    createdAt: str
    finishedAt: NotRequired[str | None]


def execution_view(execution: Execution, outcome: Outcome | None) -> ExecutionView:
    """As it is shown; an execution that never got as far as its call has no time."""
    error = outcome.error if outcome else None
    return without_absent(
        ExecutionView(
            executionId=execution.id,
            action=execution.action,
            status=execution.state,
            result=outcome.result if outcome else None,
            error=ExecutionError(code=error.code, message=error.message) if error else None,
            executionTime=outcome.execution_ms if outcome and execution.started_at else None,
            createdAt=iso_seconds(execution.created_at),
            finishedAt=iso_seconds_or_none(execution.finished_at),
        )
    )


class ActionRequest(Input, frozen=True):
    """The parameters of an action; the capability's schema says which."""

    parameters: dict[str, Any] = field(default_factory=dict)


class LogView(TypedDict):
    """One logged call."""

    logId: str
    action: str
    status: LogStatus
    input: Any
    output: Any
    executionTime: Annotated[int, Described("Milliseconds")]
    timestamp: str


def log_view(entry: LogEntry) -> LogView:
    """As the seed shows it; the time is to the millisecond."""
    return LogView(
        logId=entry.id,
        action=entry.action,
        status=entry.status,
        input=json.loads(entry.input),
        output=json.loads(entry.output),
        executionTime=entry.execution_ms,
        timestamp=iso_millis(entry.at),
    )

"""Requests and answers of the operations on actions and their logs."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field

from jobsprint.api.schemas.common import UpstreamView
from jobsprint.core.clock import iso_millis, iso_seconds, iso_seconds_or_none
from jobsprint.core.errors import JobsprintError
from jobsprint.core.models import PAYLOAD, RequestModel, ResponseModel, Time
from jobsprint.domain.actions import Approved, Execution, ExecutionState, LogEntry, LogStatus, Outcome
from jobsprint.domain.approvals import Approval


class ActionView(ResponseModel):
    """What an action gave."""

    action: Annotated[str, Field(description="The action's name")]
    result: Annotated[dict[str, Any], Field(description="What the integration answered"), PAYLOAD]
    execution_time: Annotated[int, Field(description="Milliseconds")]


class ExecutionRef(ResponseModel):
    """An action that runs in the background."""

    execution_id: Annotated[str, Field(description="`exe_…`")]


class ExecutionError(ResponseModel):
    """Why an execution failed, or that nobody knows whether it was done."""

    code: Annotated[str, Field(description="What went wrong, for programs")]
    message: Annotated[str, Field(description="What went wrong, and what to do, for people"), PAYLOAD]
    upstream: Annotated[UpstreamView | None, Field(description="What an upstream answered"), PAYLOAD] = None
    log_id: Annotated[str | None, Field(description="The log entry of the call that failed")] = None

    @classmethod
    def of(cls, error: JobsprintError) -> "ExecutionError":
        """A failure as it is shown with its execution."""
        return cls(code=error.code, message=error.message, upstream=UpstreamView.of(error), log_id=error.log_id)


class ExecutionView(ResponseModel):
    """An action in the background; `result` or `error` once it has ended."""

    execution_id: Annotated[str, Field(description="`exe_…`")]
    action: Annotated[str, Field(description="The action's name")]
    status: Annotated[ExecutionState, Field(description="How far it is; `unknown`: it may or may not have been done")]
    result: Annotated[dict[str, Any] | None, Field(description="What the integration answered"), PAYLOAD] = None
    error: Annotated[ExecutionError | None, Field(description="Why it failed")] = None
    execution_time: Annotated[int | None, Field(description="Milliseconds")] = None
    created_at: Annotated[Time, Field(description="When it was asked for")]
    finished_at: Annotated[Time | None, Field(description="When it ended")] = None

    @classmethod
    def of(cls, execution: Execution, outcome: Outcome | None) -> "ExecutionView":
        """An execution as it is shown; one that never got as far as its call has no time."""
        error = outcome.error if outcome else None
        return cls(
            execution_id=execution.id,
            action=execution.action,
            status=execution.state,
            result=outcome.result if outcome else None,
            error=ExecutionError.of(error) if error else None,
            execution_time=outcome.execution_ms if outcome and execution.started_at else None,
            created_at=iso_seconds(execution.created_at),
            finished_at=iso_seconds_or_none(execution.finished_at),
        )


class ExecutionSummary(ResponseModel):
    """An action in the background as a list shows it; its result or error is in the detail."""

    execution_id: Annotated[str, Field(description="`exe_…`")]
    action: Annotated[str, Field(description="The action's name")]
    status: Annotated[ExecutionState, Field(description="How far it is; `unknown`: it may or may not have been done")]
    created_at: Annotated[Time, Field(description="When it was asked for")]
    finished_at: Annotated[Time | None, Field(description="When it ended")] = None

    @classmethod
    def of(cls, execution: Execution) -> "ExecutionSummary":
        """An execution as a list shows it."""
        return cls(
            execution_id=execution.id,
            action=execution.action,
            status=execution.state,
            created_at=iso_seconds(execution.created_at),
            finished_at=iso_seconds_or_none(execution.finished_at),
        )


class ActionRequest(RequestModel):
    """The parameters of an action; the capability's schema says which."""

    parameters: dict[str, Any] = Field(default={}, description="What the action takes")
    approval_id: Annotated[
        str | None, Field(max_length=100, description="The approval of this call: `apr_…`, where it needs one")
    ] = None


class PendingApproval(ResponseModel):
    """An action that a person has to approve before it is made."""

    status: Annotated[Literal["pending_approval"], Field(description="Nothing was sent yet")] = "pending_approval"
    approval_id: Annotated[str, Field(description="`apr_…`; send the same request with it once it is approved")]
    expires_at: Annotated[Time, Field(description="Until when it can be approved and used")]

    @classmethod
    def of(cls, approval: Approval) -> "PendingApproval":
        """An approval as the caller sees it who has to wait for it."""
        return cls(approval_id=approval.id, expires_at=iso_seconds(approval.valid_until))


class LogApproval(ResponseModel):
    """The approval of a call."""

    approval_id: Annotated[str, Field(description="`apr_…`")]
    approved_by: Annotated[str, Field(description="The id of the token that approved it")]
    approved_at: Annotated[Time, Field(description="When it was approved")]

    @classmethod
    def of(cls, approved: Approved | None) -> "LogApproval | None":
        """An approval as a log entry shows it."""
        if approved is None:
            return None
        return cls(approval_id=approved.id, approved_by=approved.by, approved_at=iso_seconds(approved.at))


class LogView(ResponseModel):
    """One logged call."""

    log_id: Annotated[str, Field(description="`log_…`")]
    action: Annotated[str, Field(description="The action's name, or that of the operation")]
    status: Annotated[LogStatus, Field(description="`unknown`: it may or may not have been done")]
    input: Annotated[Any, Field(description="What was sent; what looks like a secret is masked"), PAYLOAD]
    output: Annotated[Any, Field(description="What came back; what looks like a secret is masked"), PAYLOAD]
    execution_time: Annotated[int, Field(description="Milliseconds")]
    timestamp: Annotated[Time, Field(description="When it began")]
    request_id: Annotated[str | None, Field(description="The request that asked for it")] = None
    approval: Annotated[LogApproval | None, Field(description="Who approved it, where it needed that")] = None

    @classmethod
    def of(cls, entry: LogEntry) -> "LogView":
        """A log entry as it is shown; its time is to the millisecond."""
        return cls(
            log_id=entry.id,
            action=entry.action,
            status=entry.status,
            input=json.loads(entry.input),
            output=json.loads(entry.output),
            execution_time=entry.execution_ms,
            timestamp=iso_millis(entry.at),
            request_id=entry.request_id,
            approval=LogApproval.of(entry.approval),
        )

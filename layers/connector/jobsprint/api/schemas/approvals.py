"""Requests and answers of the operations on approvals."""

from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import Field

from jobsprint.connectors.fields import Description
from jobsprint.core.clock import iso_seconds, iso_seconds_or_none
from jobsprint.core.models import PAYLOAD, RequestModel, ResponseModel, Time
from jobsprint.domain.approvals import Approval, ApprovalState

ApprovalId = Annotated[str, Path(description="Approval ID: `apr_…`")]


class ApprovalDecision(RequestModel):
    """What is said with a decision."""

    reason: Annotated[Description, Field(description="Why; a call that was denied is answered with it")] = ""


class ApprovalSummary(ResponseModel):
    """A call that a person has to approve, as a list shows it."""

    approval_id: Annotated[str, Field(description="`apr_…`")]
    status: Annotated[ApprovalState, Field(description="`used`: the call was made")]
    integration_id: Annotated[str, Field(description="The integration: `int_…`")]
    action: Annotated[str, Field(description="The action's name")]
    requested_by: Annotated[str, Field(description="The id of the token that asked for the call")]
    created_at: Annotated[Time, Field(description="When it was asked for")]
    expires_at: Annotated[Time, Field(description="Until when it can be approved and used")]
    decided_by: Annotated[str | None, Field(description="The id of the token that decided")] = None
    decided_at: Annotated[Time | None, Field(description="When it was decided")] = None
    reason: Annotated[str | None, Field(description="What was said with the decision")] = None
    execution_id: Annotated[str | None, Field(description="The call that was made: `exe_…`")] = None

    @classmethod
    def of(cls, approval: Approval, now: int) -> "ApprovalSummary":
        """An approval as a list shows it at `now` (ms)."""
        return cls(**_fields(approval, now))


class ApprovalView(ApprovalSummary):
    """A call that a person has to approve, with its parameters."""

    parameters: Annotated[
        dict[str, Any], Field(description="What the call takes; what looks like a secret is masked"), PAYLOAD
    ]

    @classmethod
    def whole(cls, approval: Approval, parameters: dict[str, Any], now: int) -> "ApprovalView":
        """An approval and its masked parameters as they are shown at `now` (ms)."""
        return cls(**_fields(approval, now), parameters=parameters)


def _fields(approval: Approval, now: int) -> dict[str, Any]:
    return {
        "approval_id": approval.id,
        "status": approval.state_at(now),
        "integration_id": approval.integration_id,
        "action": approval.action,
        "requested_by": approval.requested_by,
        "created_at": iso_seconds(approval.created_at),
        "expires_at": iso_seconds(approval.valid_until),
        "decided_by": approval.decided_by or None,
        "decided_at": iso_seconds_or_none(approval.decided_at or None),
        "reason": approval.reason or None,
        "execution_id": approval.call_id if approval.used_at is not None else None,
    }

"""Approvals: a person allows one call of an action, or refuses it, before anything is sent.

    state       next       when
    pending     approved   a token with `actions:approve` said so, not the one that asked
                denied     it said so
                expired    nobody did in time
    approved    used       a call was made with it
                expired    no call was made with it in time

An approval is for one call: its integration, action and parameters are fixed. The call that is made with it is made
once, and a repeat gets its outcome (`actions.service`).
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import iso_seconds
from jobsprint.core.errors import Conflict, Forbidden, Gone, JobsprintError
from jobsprint.core.ids import unique_part
from jobsprint.domain.actions import Approved, RequestedAction

ApprovalState = Literal["pending", "approved", "denied", "expired", "used"]
Decision = Literal["approved", "denied"]


@dataclass(frozen=True)
class Approval:
    """A call that a person has to approve. Times are Unix milliseconds.

    `requested_by` and `decided_by` are ids of tokens, `slug` is that of the integration. `encrypted_parameters` are
    those of the call with secrets masked, as people see them; `fingerprint` is that of what was sent. It can be decided
    and used until `valid_until`; `reason` is what was said with the decision.
    """

    id: str
    integration_id: str
    slug: str
    action: str
    fingerprint: str
    requested_by: str
    created_at: int
    valid_until: int
    encrypted_parameters: str = ""
    decision: Decision | None = None
    decided_by: str = ""
    decided_at: int = 0
    reason: str = ""
    used_at: int | None = None

    @property
    def call_id(self) -> str:
        """The id of the call that is made with it."""
        return f"exe_{unique_part(self.id)}"

    def state_at(self, now: int) -> ApprovalState:
        """Its state at `now` (ms)."""
        if self.used_at is not None:
            return "used"
        if self.decision != "denied" and now >= self.valid_until:
            return "expired"
        return self.decision or "pending"

    def given(self) -> Approved:
        """What the log of the call says about it."""
        return Approved(self.id, self.decided_by, self.decided_at)

    def require_same(self, requested: RequestedAction) -> None:
        """Raise Conflict `approval_mismatch` unless it was asked for this very call."""
        same = (self.integration_id, self.action) == (requested.integration_id, requested.action)
        if not same or self.fingerprint != fingerprint(requested.parameters):
            raise Conflict(
                f"{self.id} is for another call: send the integration, action and parameters that it was asked for",
                code="approval_mismatch",
            )

    def refusal(self) -> JobsprintError:
        """The error for a call with an approval that is not to be made."""
        if self.decision == "denied":
            why = f": {self.reason}" if self.reason else ""
            return Forbidden(f"{self.id} was denied{why}; nothing was sent", code="approval_denied")
        return expired(self)


def approval_id(call_id: str) -> str:
    """The id of the approval of a call (`exe_…`)."""
    return f"apr_{unique_part(call_id)}"


def fingerprint(parameters: JsonObject) -> str:
    """What tells the parameters of a call from others, without saying what they are."""
    return hashlib.sha256(canonical_json.dumps(parameters).encode()).hexdigest()


def expired(approval: Approval) -> Gone:
    """The error for an approval whose time is up."""
    return Gone(
        f"{approval.id} has expired at {iso_seconds(approval.valid_until)}: send the call again, as a new one",
        code="approval_expired",
    )

"""Asking for the approval of a call, deciding it, and using it (`domain.approvals` has the states)."""

import json
from typing import Any

from jobsprint.actions.runner import Target
from jobsprint.core import canonical_json
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.clock import iso_seconds, now_ms
from jobsprint.core.errors import Conflict, Forbidden, NotFound, Unavailable
from jobsprint.core.redaction import Masker, redact
from jobsprint.delivery.publisher import announce
from jobsprint.domain.actions import RequestedAction
from jobsprint.domain.approvals import Approval, ApprovalState, Decision, approval_id, expired, fingerprint
from jobsprint.domain.callers import Caller
from jobsprint.integrations.oauth_tokens import Access
from jobsprint.repositories import api_tokens
from jobsprint.repositories.approvals import ApprovalStore
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt


def request(requested: RequestedAction, target: Target, *, call_id: str, token_id: str) -> Approval:
    """Ask for the approval of a call that was checked, and publish `action.approval_requested`.

    A repeat with the same `call_id` changes nothing. Raises Unavailable where the event could not be published: then
    nobody knows of the request.
    """
    integration, now = target.integration, now_ms()
    masker = Masker(Access(integration).secrets)
    shown = canonical_json.dumps(redact(masker.value(requested.parameters)))
    id_ = approval_id(call_id)
    approval = Approval(
        id=id_,
        integration_id=integration.id,
        slug=integration.slug,
        action=requested.action,
        fingerprint=fingerprint(requested.parameters),
        requested_by=token_id,
        created_at=now,
        valid_until=now + integration.approval.expires_in * 1000,
        encrypted_parameters=encrypt(_context(requested.tenant, id_), shown),
    )
    ApprovalStore(requested.tenant).create(approval)
    if not _announce(requested.tenant, integration.name, approval):
        raise Unavailable(
            "Nothing was sent: people could not be told that they have to approve this; try again",
            code="approval_unavailable",
        )
    return approval


def find(caller: Caller, id_: str) -> tuple[Approval, Any]:
    """An approval that the caller may know of, and the masked parameters of its call. Raises NotFound."""
    approval = _covered(caller, id_)
    return approval, _parameters(caller.tenant, approval)


def page(
    caller: Caller, state: ApprovalState | None, *, limit: int, position: str | None
) -> tuple[list[Approval], str | None]:
    """A page of the approvals that the caller may know of, newest first, and the position to go on from."""
    store = ApprovalStore(caller.tenant)
    return store.page(state, caller.limits, limit=limit, position=position, now=now_ms())


def decide(caller: Caller, id_: str, decision: Decision, reason: str) -> tuple[Approval, Any]:
    """Approve or deny a call; the same decision a second time changes nothing.

    Raises NotFound; Forbidden `approval_by_requester` where the caller's token asked for it, or was made by the one
    that did; Gone `approval_expired`; and Conflict `approval_decided` where it was decided otherwise.
    """
    approval = _covered(caller, id_)
    if decision == "approved" and api_tokens.descends_from(caller.token_id, approval.requested_by):
        raise Forbidden(
            "The token that asked for this call, and those it made, cannot approve it; use another one",
            code="approval_by_requester",
        )
    store = ApprovalStore(caller.tenant)
    decided = store.decide(id_, decision, by=caller.token_id, reason=reason, now=now_ms())
    if decided.decision is None:
        raise expired(decided)
    if decided.decision != decision:
        raise Conflict(f"{id_} was {decided.decision} already, by {decided.decided_by}", code="approval_decided")
    return decided, _parameters(caller.tenant, approval)


def use(tenant: str, approval: Approval) -> None:
    """Say that the call of an approval is made now. Raises Gone where its time is up."""
    if not ApprovalStore(tenant).use(approval.id, now_ms()):
        raise expired(approval)


def _covered(caller: Caller, id_: str) -> Approval:
    approval = ApprovalStore(caller.tenant).get(id_, now_ms())
    if not caller.limits.cover(approval.integration_id, approval.slug, approval.action):
        raise NotFound(f"There is no approval {id_[:100]!r}", code="approval_not_found")
    return approval


def _parameters(tenant: str, approval: Approval) -> Any:
    return json.loads(decrypt(_context(tenant, approval.id), approval.encrypted_parameters))


def _announce(tenant: str, name: str, approval: Approval) -> bool:
    data: JsonObject = {
        "approvalId": approval.id,
        "integrationId": approval.integration_id,
        "name": name,
        "action": approval.action,
        "requestedBy": approval.requested_by,
        "expiresAt": iso_seconds(approval.valid_until),
    }
    return announce(tenant, "action.approval_requested", data, about=approval.integration_id, external_id=approval.id)


def _context(tenant: str, id_: str) -> EncryptionContext:
    return EncryptionContext(tenant, id_, "parameters", 1)

"""Authorizations that wait until the application confirms that the browser which returned is the one that it sent.

A person can be led to finish an authorization that somebody else began, and so connect their account for that other.
With `confirm` the tokens are held, unused, under the hash of a one-time confirmation that goes through the browser to
the application; it compares sessions and sends the confirmation back. What nobody confirms is revoked.
"""

import json

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.errors import InvalidFields
from jobsprint.domain.integrations import Integration
from jobsprint.domain.oauth import unguessable
from jobsprint.integrations import oauth_acceptance, oauth_grants
from jobsprint.repositories.oauth import CONFIRM_SECONDS, Unconfirmed, UnconfirmedStore, confirmation_id
from jobsprint.security.encryption import EncryptionContext

_REVOKE_AFTER_SECONDS = CONFIRM_SECONDS + 5  # clocks differ; SQS delays up to 900


def hold(waiting: Integration, secrets: oauth_grants.GrantSecrets) -> str:
    """Hold what an authorization gave for ten minutes, and give its confirmation."""
    confirmation = unguessable()
    id_ = confirmation_id(confirmation)
    try:
        UnconfirmedStore(waiting.tenant).add(
            Unconfirmed(
                id=id_,
                integration_id=waiting.id,
                integration_version=waiting.version,
                encrypted=oauth_grants.encrypted_secrets(_context(waiting.tenant, id_), secrets),
                confirm_by=now_ms() + CONFIRM_SECONDS * 1000,
            )
        )
        aws.sqs().send_message(
            QueueUrl=settings().health_queue_url,
            DelaySeconds=_REVOKE_AFTER_SECONDS,
            MessageBody=json.dumps({"tenant": waiting.tenant, "unconfirmed": id_}),
        )
    except Exception:
        oauth_grants.revoke(secrets)
        raise
    return confirmation


def confirm(tenant: str, integration_id: str, confirmation: str) -> tuple[Integration, str]:
    """Take an authorization into use, and give the integration with a sentence about it.

    Raises NotFound, Conflict `not_pending`, and InvalidFields `invalid_confirmation` for one that is not held for this
    integration, or not any more.
    """
    waiting = oauth_acceptance.waiting_integration(tenant, integration_id)
    held = UnconfirmedStore(tenant).confirm(confirmation_id(confirmation), integration_id, now_ms())
    if held is None:
        message = "unknown, used up or older than ten minutes; connect again"
        raise InvalidFields.one("body.confirmation", message, code="invalid_confirmation")
    return oauth_acceptance.accept(waiting, _secrets(tenant, held))


def expire(tenant: str, id_: str) -> None:
    """Revoke what nobody confirmed in time; the integration goes into error unless it was changed meanwhile."""
    unconfirmed = UnconfirmedStore(tenant)
    held = unconfirmed.find(id_)
    if held is None:
        return
    oauth_grants.revoke(_secrets(tenant, held))
    oauth_acceptance.fail_pending(tenant, held.integration_id, "not_confirmed", version=held.integration_version)
    unconfirmed.delete(id_)


def _secrets(tenant: str, held: Unconfirmed) -> oauth_grants.GrantSecrets:
    return oauth_grants.decrypted_secrets(_context(tenant, held.id), held.encrypted)


def _context(tenant: str, id_: str) -> EncryptionContext:
    return EncryptionContext(tenant, id_, "unconfirmed", 1)

"""What an authorization gave, taken into use: its grant is saved and its integration connected through it."""

from dataclasses import replace

from jobsprint.connectors.base import Connection
from jobsprint.connectors.mcp.models import OAuthConnect
from jobsprint.connectors.registry import connector_for
from jobsprint.core.errors import Conflict, JobsprintError, NotFound, ScopeMissing
from jobsprint.domain.integrations import Health, Integration
from jobsprint.integrations import oauth_grants, oauth_tokens
from jobsprint.integrations.state import announce_connected, apply_connection
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials


def waiting_integration(tenant: str, integration_id: str) -> Integration:
    """The integration, if it still waits for its authorization. Raises NotFound and Conflict."""
    integration = IntegrationStore(tenant).get(integration_id)
    if integration.status not in ("pending", "error"):
        raise Conflict(f"{integration_id} is {integration.status} and waits for no authorization", code="not_pending")
    return integration


def accept(waiting: Integration, secrets: oauth_grants.GrantSecrets) -> tuple[Integration, str]:
    """The integration after its authorization: connected, or in error with its reason; and a sentence about it.

    Raises NotFound and Conflict where it was deleted or disconnected meanwhile; then the grant is ended too.
    """
    tenant = waiting.tenant
    id_ = oauth_grants.save(tenant, secrets)
    oauth_grants.join(replace(waiting, grant=id_))
    try:
        connected, message = _connected(waiting, secrets.server_url)
    except (NotFound, Conflict):
        oauth_grants.leave(tenant, id_, waiting.id)
        raise
    if waiting.grant and waiting.grant != id_:
        oauth_grants.leave(tenant, waiting.grant, waiting.id)
    oauth_grants.reactivate(tenant, id_)
    return connected, message


def _connected(waiting: Integration, server_url: str) -> tuple[Integration, str]:
    # Not validated again: it was, when the flow began.
    given = OAuthConnect.model_construct(auth_type="oauth", server_url=server_url)
    try:
        _, connection = through_grant(waiting, given)
    except JobsprintError as failure:
        if isinstance(failure, ScopeMissing):
            waiting = replace(waiting, missing_scope=failure.scope)
        # The grant is saved: a test or another connect may still succeed with it.
        connection = Connection(
            Credentials(url=server_url),
            waiting.capabilities,
            failure.message,
            status="error",
            reason=failure.code,
            connector_state=waiting.connector_state,
        )
    integrations = IntegrationStore(waiting.tenant)
    for attempt in range(3):
        try:
            ready = apply_connection(replace(waiting, grant=oauth_grants.grant_id(server_url)), connection)
            connected = integrations.update(ready)
            break
        except Conflict:
            if attempt == 2:
                raise
            waiting = replace(waiting_integration(waiting.tenant, waiting.id), missing_scope=waiting.missing_scope)
    integrations.keep_health(connected.id, Health())
    announce_connected(connected)
    return connected, connection.message


def through_grant(integration: Integration, given: OAuthConnect) -> tuple[Integration, Connection]:
    """The integration connected through the tenant's grant for that server, after its connector's real test of it.

    Raises what the connector raises, and as `oauth_tokens.credentials_for_call`.
    """
    joined = replace(integration, grant=oauth_grants.grant_id(given.server_url))
    access = oauth_tokens.Access(joined, Credentials(url=given.server_url))
    connection = access.call(lambda current: connector_for(joined.type).connect(joined, given, current=current))
    kept = replace(oauth_tokens.without_token(connection.credentials), url=given.server_url)
    connection = replace(connection, credentials=kept)
    return apply_connection(joined, connection), connection


def fail_pending(tenant: str, integration_id: str, reason: str, *, version: int | None = None) -> None:
    """Put an integration that waits for its authorization into error; one with another `version` than that is left."""
    integrations = IntegrationStore(tenant)
    try:
        integration = integrations.get(integration_id)
        if integration.status == "pending" and version in (None, integration.version):
            # A scope that its authorization server does not know is not asked for again.
            missing = "" if reason == "invalid_scope" else integration.missing_scope
            integrations.update(replace(integration, status="error", status_reason=reason, missing_scope=missing))
    except (NotFound, Conflict):
        return  # it is gone, or another request just changed it

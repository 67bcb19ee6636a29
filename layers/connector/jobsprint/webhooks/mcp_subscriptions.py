"""Subscriptions of MCP clients (MCP Events): webhooks that a client makes, refreshes and ends by what they are for.

The id of a subscription is derived from the token, the URL, the event and the arguments, so the same request is the
same subscription. Its client chooses the secret. It ends at its time, which each refresh moves, and within an hour
after its token (`delivery.polling_expiry`).
"""

import json
from dataclasses import dataclass, replace

from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import derived_id
from jobsprint.core.observability import logger
from jobsprint.delivery import event_cursors, polling_expiry
from jobsprint.domain import mcp_events
from jobsprint.domain.callers import Caller
from jobsprint.domain.integrations import MAX_NAME, DeliveryPolicy, EventSubscription, Integration
from jobsprint.repositories import counted_items
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, decrypt_credentials, encrypt_credentials, rotated
from jobsprint.webhooks import callback_verification, service

MIN_TTL_MS = 60_000
DEFAULT_TTL_MS = 7 * 86_400_000
MAX_TTL_MS = 30 * 86_400_000
OVERLAP_MS = 86_400_000
"""How long the secret before a refresh signs too."""


@dataclass(frozen=True)
class Wanted:
    """What a client wants to get, and where. `url` is the callback, `arguments` are as the client sent them."""

    event: str
    arguments: JsonObject
    url: str


@dataclass(frozen=True)
class Granted:
    """A subscription: until when (Unix ms), from which position on, and whether events before that are missing."""

    id: str
    expires_at: int
    cursor: str
    truncated: bool


def id_of(caller: Caller, wanted: Wanted) -> str:
    """The id of the subscription that a caller has or would have."""
    arguments = json.dumps(wanted.arguments, sort_keys=True)
    return derived_id("wh", caller.token_id, caller.tenant, wanted.url, wanted.event, arguments)


def subscribe(
    caller: Caller,
    wanted: Wanted,
    pattern: JsonObject | None,
    secret: str,
    *,
    ttl_ms: int,
    replay: event_cursors.Start | None,
    now: int,
) -> Granted:
    """Make or refresh a subscription whose callback passes its challenge; then send what was kept from `replay` on.

    A refresh with another secret rotates: both sign for a day. It enables a webhook that was paused or disabled. Raises
    CallbackFailed, and Conflict at the tenant's limit of webhooks or where other requests change the subscription.
    """
    id_, store = id_of(caller, wanted), IntegrationStore(caller.tenant)
    expires_at = now + min(max(ttl_ms, MIN_TTL_MS), MAX_TTL_MS)
    if caller.expires_at is not None:
        expires_at = min(expires_at, caller.expires_at)
    subscription = EventSubscription(caller.token_id, expires_at)
    existing = _find(store, id_)
    if existing is None:
        counted_items.check(caller.tenant, "webhooks")
    callback_verification.require_verified(caller, id_, wanted.url, secret, now)
    if existing:
        webhook = store.update(_refreshed(existing, subscription, secret, now))
    else:
        draft = _draft(caller, id_, wanted, DeliveryPolicy(filter=pattern, subscription=subscription), now)
        polling_expiry.schedule(draft)
        webhook = store.create(
            encrypt_credentials(draft, Credentials(wanted.url, {mcp_events.SUBSCRIPTION_HEADER: id_}, (secret,)))
        )
    logger.info("mcp_subscribed", extra={"webhookId": id_, "event": wanted.event, "refresh": existing is not None})
    truncated = event_cursors.replay(webhook, replay, now) if replay else False
    return Granted(id_, expires_at, event_cursors.at(now), truncated)


def unsubscribe(caller: Caller, wanted: Wanted, now: int) -> None:
    """End a subscription, if there is one. Raises Conflict where another request changes it."""
    store = IntegrationStore(caller.tenant)
    webhook = _find(store, id_of(caller, wanted))
    if webhook:
        store.delete(webhook, now)


def _find(store: IntegrationStore, id_: str) -> Integration | None:
    try:
        return store.webhook(id_)
    except NotFound:
        return None


def _draft(caller: Caller, id_: str, wanted: Wanted, policy: DeliveryPolicy, now: int) -> Integration:
    draft = Integration(
        tenant=caller.tenant,
        id=id_,
        type="webhook",
        name=f"MCP: {wanted.event}"[:MAX_NAME],
        status="connected",
        created_at=now,
        connected_at=now,
        app="webhook",
        icon=f"{settings().icon_base_url}/webhook.png",
        events=(wanted.event,),
        policy=policy,
    )
    # One of this id may have ended, with failures that are none of the new one's.
    return service.resumed(draft)


def _refreshed(webhook: Integration, subscription: EventSubscription, secret: str, now: int) -> Integration:
    credentials = decrypt_credentials(webhook)
    if credentials.secrets[:1] != (secret,):
        credentials = rotated(credentials, secret, overlap_ms=OVERLAP_MS, now=now)
        webhook = encrypt_credentials(webhook, credentials)
    webhook = replace(webhook, policy=replace(webhook.policy, subscription=subscription))
    return webhook if webhook.status == "connected" else service.resumed(webhook)

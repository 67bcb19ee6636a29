"""The webhook endpoints of a batch, with their decrypted credentials."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from jobsprint.core.cache import BoundedCache
from jobsprint.core.errors import NotFound
from jobsprint.delivery.attempt import AttemptRecordBuilder
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, decrypt_credentials

DECRYPTED_SECONDS = 300
"""How long a container keeps decrypted credentials: as long as the data key that decrypts them
(`security.encryption`)."""

_MAX_CACHED = 1_000


@dataclass(frozen=True)
class WebhookEndpoint:
    """A webhook that may be sent to, its credentials, and the builder of its attempt records."""

    webhook: Integration
    credentials: Credentials
    attempt_records: AttemptRecordBuilder


@dataclass(frozen=True)
class _Decrypted:
    encrypted: Mapping[str, str]
    until: float
    credentials: Credentials
    attempt_records: AttemptRecordBuilder


_cache: BoundedCache[tuple[str, str], _Decrypted] = BoundedCache(_MAX_CACHED)


def find(tenant: str, webhook_id: str, now: int) -> WebhookEndpoint | None:
    """The webhook as it is `now` (ms); None where it is deleted, paused or disabled, or its subscription is over.

    It is read every time, because a pause and a change of its secrets take effect at once. Only decrypted credentials
    are cached, and used for exactly the encrypted texts that they came from.
    """
    try:
        webhook = IntegrationStore(tenant).get(webhook_id)
    except NotFound:
        return None
    if webhook.type != "webhook" or webhook.status != "connected" or webhook.is_over(now):
        return None
    return of(webhook)


def of(webhook: Integration) -> WebhookEndpoint:
    """A webhook in any state, with its credentials."""
    decrypted = _decrypt(webhook)
    return WebhookEndpoint(webhook, decrypted.credentials, decrypted.attempt_records)


def _decrypt(webhook: Integration) -> _Decrypted:
    key = (webhook.tenant, webhook.id)
    cached = _cache.get(key)
    if cached and cached.encrypted == webhook.encrypted and cached.until > time.monotonic():
        return cached
    credentials = decrypt_credentials(webhook)
    decrypted = _Decrypted(
        webhook.encrypted, time.monotonic() + DECRYPTED_SECONDS, credentials, AttemptRecordBuilder(credentials)
    )
    _cache[key] = decrypted
    return decrypted


def forget() -> None:
    """Empty the cache, as in a new container."""
    _cache.clear()

"""The webhooks that a batch goes to, with their open credentials."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from jobsprint.core.cache import BoundedCache
from jobsprint.core.errors import NotFound
from jobsprint.delivery.attempt import Keeper
from jobsprint.domain.integrations import Integration
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.credentials import Credentials, open_credentials

OPEN_SECONDS = 300
"""How long a container keeps opened credentials: as long as the data key that opens them (`security.encryption`)."""

_MOST_OPEN = 1_000


@dataclass(frozen=True)
class Receiver:
    """A webhook that may be sent to, with its open credentials and what they make of its attempts."""

    webhook: Integration
    credentials: Credentials
    keeper: Keeper


@dataclass(frozen=True)
class _Opened:
    encrypted: Mapping[str, str]
    until: float
    credentials: Credentials
    keeper: Keeper


_opened: BoundedCache[tuple[str, str], _Opened] = BoundedCache(_MOST_OPEN)


def find(tenant: str, webhook_id: str) -> Receiver | None:
    """The webhook as it is now; None where it is deleted, paused or disabled.

    It is read every time, because all of these and every change of its secrets take effect at once. Only what opening
    gave is kept, and used for exactly the encrypted texts that it came from.
    """
    try:
        webhook = IntegrationStore(tenant).get(webhook_id)
    except NotFound:
        return None
    if webhook.type != "webhook" or webhook.status != "connected":
        return None
    opened = _open(webhook)
    return Receiver(webhook, opened.credentials, opened.keeper)


def _open(webhook: Integration) -> _Opened:
    key = (webhook.tenant, webhook.id)
    kept = _opened.get(key)
    if kept and kept.encrypted == webhook.encrypted and kept.until > time.monotonic():
        return kept
    credentials = open_credentials(webhook)
    opened = _Opened(webhook.encrypted, time.monotonic() + OPEN_SECONDS, credentials, Keeper(credentials))
    _opened[key] = opened
    return opened


def forget() -> None:
    """Drops what is kept, as a new container would be without it."""
    _opened.clear()

"""What a connection must keep secret - its URL, header values and signing secrets - encrypted onto its item.

URLs are encrypted whole because many carry a token; what may be shown is stored beside them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from jobsprint.core.errors import Conflict, InvalidFields
from jobsprint.core.redaction import Masker
from jobsprint.core.secret_headers import header_secrets
from jobsprint.core.shown_url import shown_url, url_secrets
from jobsprint.domain.integrations import Integration
from jobsprint.security.encryption import EncryptionContext, decrypt, encrypt_fields

MAX_RETIRED = 10
"""Signing secrets that may be on their way out together: each costs its receiver a signature on every delivery."""


@dataclass(frozen=True)
class RetiredSecret:
    """A signing secret that another one has taken the place of; it signs too until `until` (Unix ms, not included)."""

    secret: str
    until: int


@dataclass(frozen=True)
class Credentials:
    """The clear text: header values by name, signing secrets newest first, and a connector's own keys by name.

    `secrets` never end by themselves; `retired` ones do, newest first. What signs is `valid_secrets`.
    """

    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)
    retired: tuple[RetiredSecret, ...] = ()

    def valid_secrets(self, now: int) -> tuple[str, ...]:
        """The secrets that sign what is sent at `now` (Unix ms), newest first; those that have ended never do."""
        return (*self.secrets, *(old.secret for old in self.retired_at(now)))

    def retired_at(self, now: int) -> tuple[RetiredSecret, ...]:
        """The retired secrets that have not ended at `now` (Unix ms): what every change of a webhook keeps."""
        return tuple(old for old in self.retired if old.until > now)

    def values(self) -> tuple[str, ...]:
        """Every secret value, also of ended secrets, for masking what comes back from a call."""
        headers = (secret for name, value in self.headers.items() for secret in header_secrets(name, value))
        signing = (*self.secrets, *(old.secret for old in self.retired))
        return (*headers, *signing, *self.keys.values(), *url_secrets(self.url))

    def masker(self) -> Masker:
        """What masks these secrets in the answers to calls that are made with them."""
        return Masker(self.values())


def rotated(credentials: Credentials, secret: str, *, overlap_ms: int, now: int) -> Credentials:
    """The credentials once `secret` is the newest; what was the newest signs for `overlap_ms` more.

    The others keep the ends they have. Without an overlap all old ones end at once. A secret that comes back is new
    again. Raises InvalidFields for the one in use, and Conflict where more than `MAX_RETIRED` would be on their way
    out: dropping the oldest would break the promise that was made for it.
    """
    if credentials.secrets[:1] == (secret,):
        raise InvalidFields.one("body.secret", "this is the secret in use; send another one, or none to have one made")
    if overlap_ms == 0:
        return replace(credentials, secrets=(secret,), retired=())
    ended = tuple(RetiredSecret(old, now + overlap_ms) for old in credentials.secrets)
    kept = tuple(old for old in (*ended, *credentials.retired_at(now)) if old.secret != secret)
    if len(kept) > MAX_RETIRED:
        raise Conflict(
            f"{MAX_RETIRED} old secrets are still valid; wait until one ends, or end them all with revokeNow",
            code="too_many_secrets",
        )
    return replace(credentials, secrets=(secret,), retired=kept)


def encrypt_credentials(integration: Integration, credentials: Credentials) -> Integration:
    """The integration with these credentials encrypted under its next version, and what of them may be shown."""
    version = integration.encrypted_version + 1
    texts = {
        "url": credentials.url,
        "headers": json.dumps(dict(credentials.headers)),
        "secrets": json.dumps(credentials.secrets),
        "keys": json.dumps(dict(credentials.keys)),
    }
    if credentials.retired:
        texts["retired"] = json.dumps([[old.secret, old.until] for old in credentials.retired])
    return replace(
        integration,
        encrypted=encrypt_fields(integration.tenant, integration.id, version, texts),
        encrypted_version=version,
        shown_url=shown_url(credentials.url),
        header_names=tuple(credentials.headers),
        signed=bool(credentials.secrets),
    )


def decrypt_credentials(integration: Integration) -> Credentials:
    """The clear credentials of an integration; empty ones after a disconnect wiped them."""
    if not integration.encrypted:
        return Credentials()

    def decrypted(name: str) -> str:
        context = EncryptionContext(integration.tenant, integration.id, name, integration.encrypted_version)
        return decrypt(context, integration.encrypted[name])

    return Credentials(
        url=decrypted("url"),
        headers=json.loads(decrypted("headers")),
        secrets=tuple(json.loads(decrypted("secrets"))),
        keys=json.loads(decrypted("keys")),
        retired=_retired(decrypted("retired")) if "retired" in integration.encrypted else (),
    )


def _retired(text: str) -> tuple[RetiredSecret, ...]:
    return tuple(RetiredSecret(secret, until) for secret, until in json.loads(text))


def wiped(integration: Integration) -> Integration:
    """The integration without its credentials; what may be shown of them stays."""
    return replace(integration, encrypted={})

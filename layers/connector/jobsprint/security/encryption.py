"""Secrets at rest: AES-256-GCM under a data key of the tenant's own, which KMS wraps.

Each value is bound to tenant, item, field and version as associated data (NIST SP 800-38D), so an encrypted text that
is copied to another row, field or version does not open. An unwrapped key stays in the container for five minutes.
"""

import base64
import os
import time
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories import data_keys

_KEY_SECONDS = 300
_NONCE_BYTES = 12
_FORMAT = "v1:"


class DecryptionFailed(Exception):
    """An encrypted text is damaged or belongs to another context."""


@dataclass(frozen=True)
class EncryptionContext:
    """The place of a secret: an encrypted text opens only there."""

    tenant: str
    item: str
    field: str
    version: int

    def associated_data(self) -> bytes:
        """Unambiguous: no part may contain the separator."""
        return "\0".join((self.tenant, self.item, self.field, str(self.version))).encode()


_keys: dict[str, tuple[float, AESGCM]] = {}


def encrypt(context: EncryptionContext, secret: str) -> str:
    """The encrypted text of `secret` for that place; the tenant's first one makes its data key."""
    nonce = os.urandom(_NONCE_BYTES)
    encrypted = nonce + _cipher(context.tenant).encrypt(nonce, secret.encode(), context.associated_data())
    return _FORMAT + base64.b64encode(encrypted).decode()


def decrypt(context: EncryptionContext, encrypted: str) -> str:
    """What was encrypted for that context. Raises DecryptionFailed."""
    cipher = _cipher(context.tenant)
    try:
        raw = base64.b64decode(encrypted.removeprefix(_FORMAT))
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.associated_data()).decode()
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed(f"an encrypted {context.field} of {context.item} does not open") from error


def forget() -> None:
    """Drop every unwrapped data key that this container holds."""
    _keys.clear()


def _cipher(tenant: str) -> AESGCM:
    cached = _keys.get(tenant)
    if cached and cached[0] > time.monotonic():
        return cached[1]
    cipher = AESGCM(_data_key(tenant))
    _keys[tenant] = (time.monotonic() + _KEY_SECONDS, cipher)
    return cipher


def _data_key(tenant: str) -> bytes:
    wrapped = data_keys.find_wrapped_key(tenant)
    if wrapped is None:
        made = aws.kms().generate_data_key(
            KeyId=settings().data_key_id, KeySpec="AES_256", EncryptionContext={"tenant": tenant}
        )
        if data_keys.keep_wrapped_key(tenant, made["CiphertextBlob"]):
            return made["Plaintext"]
        wrapped = data_keys.find_wrapped_key(tenant)
        if wrapped is None:
            raise DecryptionFailed("the data key vanished while it was made")
    return aws.kms().decrypt(
        KeyId=settings().data_key_id, CiphertextBlob=wrapped, EncryptionContext={"tenant": tenant}
    )["Plaintext"]

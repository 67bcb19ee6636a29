"""Secrets at rest: AES-256-GCM under a data key of the tenant's own, which KMS wraps.

Each value is bound to tenant, item, field and version as associated data (NIST SP 800-38D), so a sealed text that is
copied to another row, field or version does not open. An unwrapped key stays in the container for five minutes.
"""

import base64
import os
import time

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Struct

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories import data_keys

_KEY_SECONDS = 300
_NONCE_BYTES = 12
_FORMAT = "v1:"


class NotOpened(Exception):
    """A sealed text is damaged or belongs to another place."""


class Place(Struct, frozen=True):
    """Where a secret stands: a sealed text opens only there."""

    tenant: str
    item: str
    field: str
    version: int

    def associated_data(self) -> bytes:
        """Unambiguous: no part may contain the separator."""
        return "\0".join((self.tenant, self.item, self.field, str(self.version))).encode()


_keys: dict[str, tuple[float, AESGCM]] = {}


def seal(place: Place, secret: str) -> str:
    """The encrypted text of `secret` for that place; the tenant's first one makes its data key."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = nonce + _cipher(place.tenant).encrypt(nonce, secret.encode(), place.associated_data())
    return _FORMAT + base64.b64encode(sealed).decode()


def open_sealed(place: Place, sealed: str) -> str:
    """What was sealed for that place. Raises NotOpened."""
    cipher = _cipher(place.tenant)
    try:
        raw = base64.b64decode(sealed.removeprefix(_FORMAT))
        return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.associated_data()).decode()
    except (InvalidTag, ValueError) as error:
        raise NotOpened(f"a sealed {place.field} of {place.item} does not open") from error


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
            raise NotOpened("the data key vanished while it was made")
    return aws.kms().decrypt(
        KeyId=settings().data_key_id, CiphertextBlob=wrapped, EncryptionContext={"tenant": tenant}
    )["Plaintext"]

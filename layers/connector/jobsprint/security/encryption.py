"""Secrets at rest: AES-256-GCM under a data key of the tenant's own, which KMS wraps.

Each value is bound to tenant, item, field and version as associated data (NIST SP 800-38D), so an encrypted text that
is copied to another row, field or version does not open. It also names the wrapped key that it was made with.

An unwrapped key stays in the container for five minutes, for decrypting. Before anything is encrypted, the table is
asked which key the tenant has: after an erasure, or a restore to an earlier time, it is another one or none.
"""

import base64
import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jobsprint.core import aws
from jobsprint.core.cache import BoundedCache
from jobsprint.core.config import settings
from jobsprint.repositories import data_keys

_KEY_SECONDS = 300
_NONCE_BYTES = 12
_KEY_ID_BYTES = 9
_FORMAT = "v2:"


class DecryptionFailed(Exception):
    """An encrypted text is damaged, belongs to another context, or was made with a data key that is gone."""


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


@dataclass(frozen=True)
class _DataKey:
    """An unwrapped data key and the id of its wrapped form; `expires` by `time.monotonic`."""

    id: str
    cipher: AESGCM
    expires: float


_MAX_KEYS = 1_000
_keys: BoundedCache[tuple[str, str], _DataKey] = BoundedCache(_MAX_KEYS)


def encrypt(context: EncryptionContext, secret: str) -> str:
    """The encrypted text of `secret` for that place; the tenant's first one makes its data key."""
    return _encrypted(_current_key(context.tenant), context, secret)


def encrypt_fields(tenant: str, item: str, version: int, secrets: Mapping[str, str]) -> dict[str, str]:
    """The encrypted texts of several fields of one item, by name."""
    key = _current_key(tenant)
    return {
        name: _encrypted(key, EncryptionContext(tenant, item, name, version), secret)
        for name, secret in secrets.items()
    }


def decrypt(context: EncryptionContext, encrypted: str) -> str:
    """What was encrypted for that context. Raises DecryptionFailed."""
    key_id, _, text = encrypted.removeprefix(_FORMAT).partition(":")
    key = _key_of(context.tenant, key_id)
    try:
        raw = base64.b64decode(text)
        return key.cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], context.associated_data()).decode()
    except (InvalidTag, ValueError) as error:
        raise DecryptionFailed(f"an encrypted {context.field} of {context.item} does not open") from error


def forget() -> None:
    """Drop every unwrapped data key that this container holds."""
    _keys.clear()


def _encrypted(key: _DataKey, context: EncryptionContext, secret: str) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    encrypted = nonce + key.cipher.encrypt(nonce, secret.encode(), context.associated_data())
    return f"{_FORMAT}{key.id}:{base64.b64encode(encrypted).decode()}"


def _key_of(tenant: str, key_id: str) -> _DataKey:
    """The data key that a text was encrypted with. Raises DecryptionFailed where the tenant has another or none."""
    cached = _cached(tenant, key_id)
    if cached:
        return cached
    wrapped = data_keys.find_wrapped_key(tenant)
    if wrapped is None or _id(wrapped) != key_id:
        raise DecryptionFailed("the data key of an encrypted text is gone")
    return _unwrapped(tenant, wrapped)


def _current_key(tenant: str) -> _DataKey:
    """The data key that the tenant has in the table now; makes its first one."""
    wrapped = data_keys.find_wrapped_key(tenant)
    if wrapped is None:
        made = aws.kms().generate_data_key(
            KeyId=settings().data_key_id, KeySpec="AES_256", EncryptionContext={"tenant": tenant}
        )
        if data_keys.keep_wrapped_key(tenant, made["CiphertextBlob"]):
            return _keep(tenant, made["CiphertextBlob"], made["Plaintext"])
        wrapped = data_keys.find_wrapped_key(tenant)
        if wrapped is None:
            raise DecryptionFailed("the data key vanished while it was made")
    return _cached(tenant, _id(wrapped)) or _unwrapped(tenant, wrapped)


def _unwrapped(tenant: str, wrapped: bytes) -> _DataKey:
    answer = aws.kms().decrypt(
        KeyId=settings().data_key_id, CiphertextBlob=wrapped, EncryptionContext={"tenant": tenant}
    )
    return _keep(tenant, wrapped, answer["Plaintext"])


def _cached(tenant: str, key_id: str) -> _DataKey | None:
    key = _keys.get((tenant, key_id))
    return key if key and key.expires > time.monotonic() else None


def _keep(tenant: str, wrapped: bytes, plain: bytes) -> _DataKey:
    key = _DataKey(_id(wrapped), AESGCM(plain), time.monotonic() + _KEY_SECONDS)
    _keys[tenant, key.id] = key
    return key


def _id(wrapped: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(wrapped).digest()[:_KEY_ID_BYTES]).decode()

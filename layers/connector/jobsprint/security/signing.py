"""Signatures on webhook requests (docs/api-contract.md, "Signatures").

Every request carries two schemes, so that the snippet of the contract and any Standard Webhooks library verify it:

- In the body, `signature`: `sha256=` + hex of HMAC-SHA256 over `JSON.stringify({event, timestamp, data})`; over the
  whole body the same in `X-Jobsprint-Signature` (the form of GitHub's `X-Hub-Signature-256`). The key is the literal
  secret string in UTF-8, prefix and all.
- `webhook-signature`: `v1,` + base64 of HMAC-SHA256 over `id.timestamp.body`. The key is what follows `whsec_`,
  decoded, or the UTF-8 bytes of a secret without that prefix.
  https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import hmac
import secrets as entropy
from collections.abc import Sequence
from typing import Final

from jobsprint.core import canonical_json

MIN_SECRET_CHARACTERS: Final = 8
MAX_SECRET_CHARACTERS: Final = 128
MIN_KEY_BYTES: Final = 24
MAX_KEY_BYTES: Final = 64

_PREFIX = "whsec_"
_MADE_BYTES = 32


def generate_secret() -> str:
    """A new secret: `whsec_` and base64 of 32 random bytes (the spec asks for 24 to 64)."""
    return _PREFIX + base64.b64encode(entropy.token_bytes(_MADE_BYTES)).decode()


def check_secret(secret: str) -> None:
    """Raise ValueError, with a message that does not repeat it, for a secret that a caller may not choose.

    8 to 128 characters, all printable (`str.isprintable`: no control characters, no lone surrogates). After `whsec_`
    comes base64 of 24 to 64 bytes (Standard Webhooks) exactly as an encoder writes it (RFC 4648, sections 3.2 to 3.5
    and 4: standard alphabet, padded, unused bits zero), because that is what the receivers' libraries all decode, and
    alike.
    """
    if not MIN_SECRET_CHARACTERS <= len(secret) <= MAX_SECRET_CHARACTERS:
        raise ValueError(f"must have {MIN_SECRET_CHARACTERS} to {MAX_SECRET_CHARACTERS} characters")
    if not secret.isprintable():
        raise ValueError("must have printable characters only")
    if secret.startswith(_PREFIX) and not _decodes(secret):
        raise ValueError(
            f"starts with {_PREFIX}, so the rest must be padded base64 of {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes"
        )


def standard_key(secret: str) -> bytes:
    """The HMAC key of `webhook-signature`, for a secret that `check_secret` accepts."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)


def _decodes(secret: str) -> bool:
    try:
        key = standard_key(secret)
    except ValueError:
        return False
    # Python versions differ in the padding they let pass; encoding again does not.
    return MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES and _PREFIX + base64.b64encode(key).decode() == secret


def payload_text(event: str, timestamp: str, data_text: str) -> str:
    """The text that the body's signature covers: `{"event":…,"timestamp":…,"data":…}`.

    `timestamp` is ISO 8601 text. `data_text` is text from `canonical_json.dumps` and goes in as it is, unchecked.
    Raises `canonical_json.UnrepresentableJson` for an event or timestamp with a lone surrogate.
    """
    return f'{{"event":{canonical_json.dumps(event)},"timestamp":{canonical_json.dumps(timestamp)},"data":{data_text}}}'


def signed_body(event: str, timestamp: str, data_text: str, secret: str) -> bytes:
    """The body to send, in UTF-8: the payload with `"signature":"sha256=<hex>"` as its last member.

    Parameters as for `payload_text`; `secret` is the webhook's newest. No hex digit needs an escape and `signature` is
    no array index, so `JSON.parse` and taking `signature` out leaves exactly the payload that was signed.
    """
    payload = payload_text(event, timestamp, data_text)
    return f'{payload[:-1]},"signature":"{_hex_signature(secret, payload.encode())}"}}'.encode()


def headers(*, message_id: str, body: bytes, unix_time: int, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that sign one attempt.

    `message_id` is the event's id and has no dot, as dots divide what is signed; `body` the exact bytes sent, in UTF-8
    (the libraries decode before they verify); `unix_time` this attempt's time in whole seconds; `secrets` the valid
    ones, newest first: one during normal life, more while a rotation overlaps.
    Raises `ValueError` without a secret or for an id with a dot.
    """
    if not secrets:
        raise ValueError("a webhook has at least one secret")
    if "." in message_id:
        raise ValueError("a message id has no dot")
    signed = f"{message_id}.{unix_time}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(unix_time),
        # Single spaces and nothing but `v1,` tokens: the Python library fails with a bare ValueError on any other.
        "webhook-signature": " ".join(_standard_signature(secret, signed) for secret in secrets),
        "X-Jobsprint-Signature": _hex_signature(secrets[0], body),
    }


def _standard_signature(secret: str, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(standard_key(secret), signed, "sha256")).decode()


def _hex_signature(secret: str, signed: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), signed, "sha256").hex()

"""Check that a webhook's request comes from the service."""

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from jobsprint_client.errors import InvalidSignature

TOLERANCE_SECONDS = 300


def verify_webhook(
    body: bytes | str | Mapping[str, Any],
    headers: Mapping[str, str],
    secret: str,
    *,
    scheme: Literal["standard", "header", "body"] = "standard",
    tolerance: float = TOLERANCE_SECONDS,
    now: float | None = None,
) -> dict[str, Any]:
    """Check a request's signature, and give its body: `event`, `timestamp`, `data` and `signature`.

    Only the signature that `scheme` names is looked at, so a request cannot choose the one that is easiest to satisfy.

    Args:
        body: The body as it was received. For the scheme `body` also what a JSON parser made of it.
        headers: The request's headers, by names in any case.
        secret: What the webhook was created with, or its newest secret.
        scheme: `standard` is the header `webhook-signature`: it protects against replays, and works with the old secret
            while a rotation overlaps. `header` is `X-Jobsprint-Signature`. `body` is `signature` in the body, for
            frameworks that do not give the bytes.
        tolerance: Seconds that `webhook-timestamp` may differ from now; for the scheme `standard`.
        now: The Unix time to compare with; that of the clock where it is left out.

    Raises:
        InvalidSignature: The request is not from the service, was changed, or is too old.
    """
    given = {name.lower(): value for name, value in headers.items()}
    if scheme == "body":
        return _check_body(_parsed(body), secret)
    if isinstance(body, Mapping):
        raise TypeError(f"the scheme {scheme!r} needs the body as it was received")
    content = body.encode() if isinstance(body, str) else body
    if scheme == "standard":
        _check_standard(content, given, secret, tolerance, time.time() if now is None else now)
    else:
        _compare([given.get("x-jobsprint-signature", "")], _hex(secret, content))
    return _parsed(content)


def _check_standard(content: bytes, headers: Mapping[str, str], secret: str, tolerance: float, now: float) -> None:
    """https://www.standardwebhooks.com"""
    message_id, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not re.fullmatch("[0-9]{1,15}", sent_at):
        raise InvalidSignature("webhook-timestamp is missing or not a time")
    if abs(now - int(sent_at)) > tolerance:
        raise InvalidSignature("webhook-timestamp is too far from now: the request is old, or a clock is wrong")
    digest = hmac.digest(_key(secret), f"{message_id}.{sent_at}.".encode() + content, hashlib.sha256)
    _compare(headers.get("webhook-signature", "").split(" "), "v1," + base64.b64encode(digest).decode())


def _check_body(payload: dict[str, Any], secret: str) -> dict[str, Any]:
    try:
        signed = _stringify({name: value for name, value in payload.items() if name != "signature"})
    except RecursionError:
        raise InvalidSignature("the body is nested too deeply") from None
    signature = payload.get("signature")
    _compare([signature if isinstance(signature, str) else ""], _hex(secret, signed.encode(errors="replace")))
    return payload


def _key(secret: str) -> bytes:
    if not secret.startswith("whsec_"):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        raise ValueError("a secret that begins with whsec_ goes on in base64") from None


def _hex(secret: str, content: bytes) -> str:
    return "sha256=" + hmac.digest(secret.encode(), content, hashlib.sha256).hex()


def _compare(signatures: list[str], expected: str) -> None:
    # All are compared, in constant time each.
    found = [hmac.compare_digest(each.encode(errors="replace"), expected.encode()) for each in signatures]
    if not any(found):
        raise InvalidSignature("the signature is missing or not that of this body under this secret")


def _parsed(body: bytes | str | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(body, Mapping):
        return dict(body)
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidSignature("the body is not JSON, or nested too deeply") from None
    if not isinstance(payload, dict):
        raise InvalidSignature("the body is not a JSON object")
    return payload


def _stringify(value: Any) -> str:
    """JSON as JavaScript's `JSON.stringify` writes what came as such."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{_stringify(name)}:{_stringify(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_stringify, value)) + "]"
    return _number(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """Python writes 0.00001 as `1e-05`; JavaScript uses an exponent below 1e-6 alone, and does not pad it."""
    digits, _, exponent = repr(value).partition("e-")
    if not exponent:
        return digits
    return format(Decimal(repr(value)), "f") if int(exponent) <= 6 else f"{digits}e-{int(exponent)}"

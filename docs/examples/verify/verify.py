import base64
import hashlib
import hmac
import time


def verify(body: bytes, headers, secret: str) -> bool:
    """Whether the service sent exactly this body in the last five minutes. Header names are case-insensitive."""
    given = {name.lower(): value for name, value in headers.items()}
    message_id, sent_at = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not sent_at.isdecimal() or len(sent_at) > 15 or abs(time.time() - int(sent_at)) > 300:
        return False
    key = base64.b64decode(secret[6:]) if secret.startswith("whsec_") else secret.encode()
    signed = f"{message_id}.{sent_at}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256))
    signatures = given.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, signature) for signature in signatures)

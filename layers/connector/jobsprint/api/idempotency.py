"""`Idempotency-Key` on POST: the same key, route and body within 24 hours gets the first answer again.

Kept answers are sealed like secrets. Answers of 5xx are not kept, so the caller may try again with the same key.
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from jobsprint.domain.errors import Conflict, InvalidFields
from jobsprint.domain.times import now_ms

Answer = dict[str, Any]
_MAX_LENGTH = 255
_FIELD = "header.Idempotency-Key"


def once(tenant: str, key: str, route: str, body: str, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, or the one kept under this key.

    `route` is method and path. Raises InvalidFields for an unusable key, Conflict `idempotency_key_reused` for another
    body and Conflict `idempotency_in_progress` (with Retry-After) while the first request still runs.
    """
    # Imported here: the vault brings `cryptography` (13 ms), which requests without the header never need.
    from jobsprint.security import vault
    from jobsprint.store import idempotency

    if not 1 <= len(key) <= _MAX_LENGTH or not key.isprintable():
        raise InvalidFields.one(_FIELD, f"1 to {_MAX_LENGTH} printable characters")
    name = hashlib.sha256(f"{route}\0{key}".encode()).hexdigest()
    fingerprint = hashlib.sha256(body.encode()).hexdigest()
    place = vault.Place(tenant, name, "answer", 1)
    kept = idempotency.start(tenant, name, fingerprint=fingerprint, now=now_ms())
    if kept is None:
        answer = _run(work, lambda: idempotency.release(tenant, name))
        if answer["statusCode"] < 500:
            idempotency.keep(tenant, name, vault.seal(place, json.dumps(answer)))
        return answer
    if kept.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used with another body", code="idempotency_key_reused")
    if kept.answer is None:
        raise Conflict(
            "The first request with this Idempotency-Key still runs; ask again in a moment",
            code="idempotency_in_progress",
            headers={"Retry-After": "2"},
        )
    first: Answer = json.loads(vault.open_sealed(place, kept.answer))
    return first | {"headers": {**first.get("headers", {}), "Idempotent-Replayed": "true"}}


def _run(work: Callable[[], Answer], release: Callable[[], None]) -> Answer:
    try:
        answer = work()
    except BaseException:
        release()
        raise
    if answer["statusCode"] >= 500:
        release()
    return answer

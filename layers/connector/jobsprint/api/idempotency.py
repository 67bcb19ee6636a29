"""`Idempotency-Key` on POST: the same key, route and body within 24 hours gets the first answer again.

Kept answers are encrypted like secrets. Answers of 5xx and 429 are not kept, so the caller may try again with the same
key. Actions keep their outcome themselves (`actions.service`).
"""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict, InvalidFields
from jobsprint.core.observability import logger

if TYPE_CHECKING:
    from jobsprint.repositories.idempotency import Lease, StoredRequest
    from jobsprint.security.encryption import EncryptionContext

Answer = dict[str, Any]
_MAX_LENGTH = 255
_TOO_MANY = 429
_FIELD = "header.Idempotency-Key"
REPLAYED = {"Idempotent-Replayed": "true"}
"""The header of an answer that was given before."""


def checked_key(key: str | None) -> str | None:
    """The key of a request, if it has one. Raises InvalidFields for one that cannot be used."""
    if key is not None and (not 1 <= len(key) <= _MAX_LENGTH or not key.isprintable()):
        raise InvalidFields.one(_FIELD, f"1 to {_MAX_LENGTH} printable characters")
    return key


def once(tenant: str, key: str, route: str, body: str, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, or the one kept under this (checked) key.

    `route` is method and path. Raises Conflict `idempotency_key_reused` for another body, and Conflict
    `idempotency_in_progress` (with Retry-After) while the first request still runs.
    """
    # Imported here and below: encryption brings `cryptography` (13 ms), which requests without the header never need.
    from jobsprint.repositories import idempotency
    from jobsprint.security.encryption import EncryptionContext

    name = hashlib.sha256(f"{route}\0{key}".encode()).hexdigest()
    fingerprint = hashlib.sha256(body.encode()).hexdigest()
    context = EncryptionContext(tenant, name, "answer", 1)
    taken = idempotency.start(tenant, name, fingerprint=fingerprint, now=now_ms())
    if isinstance(taken, idempotency.Lease):
        return _first(taken, context, work)
    if taken.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used with another body", code="idempotency_key_reused")
    return _again(context, taken)


def _first(lease: "Lease", context: "EncryptionContext", work: Callable[[], Answer]) -> Answer:
    from jobsprint.repositories import idempotency

    answer = None
    try:
        answer = work()
    finally:
        if answer is None or answer["statusCode"] >= 500 or answer["statusCode"] == _TOO_MANY:
            idempotency.release(lease)
        else:
            _keep(lease, context, answer)
    return answer


def _keep(lease: "Lease", context: "EncryptionContext", answer: Answer) -> None:
    from jobsprint.repositories import idempotency
    from jobsprint.security import encryption

    try:
        idempotency.keep(lease, encryption.encrypt(context, json.dumps(answer)), now=now_ms())
    except Exception:  # noqa: BLE001 - the work is done: an answer that hides it would make the caller repeat it
        logger.exception("answer_not_kept")


def _again(context: "EncryptionContext", kept: "StoredRequest") -> Answer:
    from jobsprint.security import encryption

    if kept.answer is None:
        raise Conflict(
            "The first request with this Idempotency-Key still runs; ask again in a moment",
            code="idempotency_in_progress",
            headers={"Retry-After": "2"},
        )
    first: Answer = json.loads(encryption.decrypt(context, kept.answer))
    return first | {"headers": {**first.get("headers", {}), **REPLAYED}}

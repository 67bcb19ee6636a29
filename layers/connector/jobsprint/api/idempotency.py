"""`Idempotency-Key` on POST: the same key, route and body within 24 hours gets the first answer again.

Kept answers are encrypted like secrets. Answers of 5xx and 429 are not kept, so the caller may try again with the same
key. Actions keep their outcome themselves (`actions.service`).
"""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from jobsprint.core.clock import now_ms
from jobsprint.core.errors import Conflict
from jobsprint.core.observability import logger
from jobsprint.repositories import idempotency
from jobsprint.repositories.idempotency import Lease, StoredRequest
from jobsprint.security import encryption
from jobsprint.security.encryption import EncryptionContext

Answer = dict[str, Any]
_TOO_MANY = 429
REPLAYED = {"Idempotent-Replayed": "true"}
"""The header of an answer that was given before."""


def once(tenant: str, key: str, route: str, body: str, work: Callable[[], Answer]) -> Answer:
    """The answer of `work`, or the one kept under this (checked) key.

    `route` is method and path. Raises Conflict `idempotency_key_reused` for another body, and Conflict
    `idempotency_in_progress` (with Retry-After) while the first request still runs.
    """
    name = hashlib.sha256(f"{route}\0{key}".encode()).hexdigest()
    fingerprint = hashlib.sha256(body.encode()).hexdigest()
    context = EncryptionContext(tenant, name, "answer", 1)
    taken = idempotency.start(tenant, name, fingerprint=fingerprint, now=now_ms())
    if isinstance(taken, Lease):
        return _first(taken, context, work)
    if taken.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used with another body", code="idempotency_key_reused")
    return _again(context, taken)


def _first(lease: Lease, context: EncryptionContext, work: Callable[[], Answer]) -> Answer:
    answer = None
    try:
        answer = work()
    finally:
        if answer is None or answer["statusCode"] >= 500 or answer["statusCode"] == _TOO_MANY:
            idempotency.release(lease)
        else:
            _keep(lease, context, answer)
    return answer


def _keep(lease: Lease, context: EncryptionContext, answer: Answer) -> None:
    try:
        idempotency.keep(lease, encryption.encrypt(context, json.dumps(answer)), now=now_ms())
    except Exception:  # noqa: BLE001 - the work is done: an answer that hides it would make the caller repeat it
        logger.exception("answer_not_kept")


def _again(context: EncryptionContext, kept: StoredRequest) -> Answer:
    if kept.answer is None:
        raise Conflict(
            "The first request with this Idempotency-Key still runs; ask again in a moment",
            code="idempotency_in_progress",
            headers={"Retry-After": "2"},
        )
    first: Answer = json.loads(encryption.decrypt(context, kept.answer))
    return first | {"headers": {**first.get("headers", {}), **REPLAYED}}

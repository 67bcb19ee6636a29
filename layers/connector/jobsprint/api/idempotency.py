"""`Idempotency-Key` on POST: the same key, route and body within 24 hours gets the first answer again.

Kept answers are sealed like secrets. Answers of 5xx and 429 are not kept, so the caller may try again with the same
key; but what else a request answers after it said that it is `sending` is kept, and nobody sends it again.
"""

import hashlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jobsprint.domain.errors import Conflict, InvalidFields, UpstreamFailed
from jobsprint.domain.times import now_ms
from jobsprint.observe import logger

if TYPE_CHECKING:
    from jobsprint.security.vault import Place
    from jobsprint.store.idempotency import Kept

Answer = dict[str, Any]
_MAX_LENGTH = 255
_TOO_MANY = 429
_FIELD = "header.Idempotency-Key"


def once(tenant: str, key: str, route: str, body: str, work: Callable[[Callable[[], None]], Answer]) -> Answer:
    """The answer of `work`, or the one kept under this key.

    `route` is method and path. `work` is given a function to call before it does what cannot be taken back. Raises
    InvalidFields for an unusable key, Conflict `idempotency_key_reused` for another body, Conflict
    `idempotency_in_progress` (with Retry-After) while the first request still runs, and UpstreamFailed
    `outcome_unknown` when that one died while it was sending.
    """
    # Imported here and below: the vault brings `cryptography` (13 ms), which requests without the header never need.
    from jobsprint.security.vault import Place
    from jobsprint.store import idempotency

    if not 1 <= len(key) <= _MAX_LENGTH or not key.isprintable():
        raise InvalidFields.one(_FIELD, f"1 to {_MAX_LENGTH} printable characters")
    name = hashlib.sha256(f"{route}\0{key}".encode()).hexdigest()
    fingerprint = hashlib.sha256(body.encode()).hexdigest()
    place = Place(tenant, name, "answer", 1)
    kept = idempotency.start(tenant, name, fingerprint=fingerprint, now=now_ms())
    if kept is None:
        return _first(place, work)
    if kept.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was used with another body", code="idempotency_key_reused")
    return _again(place, kept)


def _first(place: "Place", work: Callable[[Callable[[], None]], Answer]) -> Answer:
    from jobsprint.store import idempotency

    sent = False

    def sending() -> None:
        nonlocal sent
        idempotency.mark_sending(place.tenant, place.item)
        sent = True

    answer = None
    try:
        answer = work(sending)
    finally:
        if _may_be_tried_again(answer, sent=sent):
            idempotency.release(place.tenant, place.item)
        elif answer is not None:
            _keep(place, answer)
    return answer


def _may_be_tried_again(answer: Answer | None, *, sent: bool) -> bool:
    """Whether nothing was done: a 429 always says so, our own failure only before anything was sent."""
    if answer is None:
        return not sent
    return answer["statusCode"] == _TOO_MANY or (not sent and answer["statusCode"] >= 500)


def _keep(place: "Place", answer: Answer) -> None:
    from jobsprint.security import vault
    from jobsprint.store import idempotency

    try:
        idempotency.keep(place.tenant, place.item, vault.seal(place, json.dumps(answer)), now=now_ms())
    except Exception:  # noqa: BLE001 - the work is done: an answer that hides it would make the caller repeat it
        logger.exception("answer_not_kept")


def _again(place: "Place", kept: "Kept") -> Answer:
    from jobsprint.security import vault

    if kept.abandoned:
        raise UpstreamFailed(
            "The first request with this Idempotency-Key ended after it was sent: whether it was done is unknown",
            code="outcome_unknown",
            unknown=True,
        )
    if kept.answer is None:
        raise Conflict(
            "The first request with this Idempotency-Key still runs; ask again in a moment",
            code="idempotency_in_progress",
            headers={"Retry-After": "2"},
        )
    first: Answer = json.loads(vault.open_sealed(place, kept.answer))
    return first | {"headers": {**first.get("headers", {}), "Idempotent-Replayed": "true"}}

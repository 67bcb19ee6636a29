"""Verification of a tenant's chain of audit records (`domain.audit_chain`): what was changed, and what is open.

What a signed head covers is judged; what was sealed after the last one, or is not sealed, is only counted. A head
says until when its links are kept: older ones may be gone.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tools.local.options import PROJECT

sys.path.append(str(PROJECT / "layers" / "connector"))  # the local stack's environment does not have it

from jobsprint.core.ids import made_at
from jobsprint.domain.audit import month, partition
from jobsprint.domain.audit_chain import GENESIS, Head, link_hash

__all__ = ["Found", "Head", "Report", "Stored", "month", "verify"]

RUNNING_MS = 60_000
"""So long an operation may take: an entry without an outcome is named only after that."""

_SKEW_MS = 60_000  # by which the clock of what wrote an entry may be ahead of the sealer's


@dataclass(frozen=True)
class Stored:
    """A record as it was found: its key, its text, and its place in the chain where it says one."""

    pk: str
    sk: str
    record: str
    sequence: int | None = None
    previous: str = ""
    hash: str = ""


@dataclass(frozen=True)
class Found:
    """What is known of a tenant's trail.

    `heads` are those whose signature holds, `bad_heads` the names of all others. The table's own head said before
    anything else was read that heads up to `signed` are signed, and afterwards that the chain has `sealed` links.
    """

    tenant: str
    stored: Sequence[Stored]
    heads: Sequence[Head]
    bad_heads: Sequence[str] = ()
    signed: int = 0
    sealed: int = 0


@dataclass(frozen=True)
class Report:
    """The faults, and what is open: entries without outcome, links behind the last signed head, unsealed records."""

    faults: tuple[str, ...]
    without_outcome: tuple[str, ...]
    verified: int
    unsigned: int
    unsealed: int


def verify(found: Found, now: int) -> Report:
    """Compare records, chain and signed heads; `now` in Unix ms."""
    heads = sorted(set(found.heads), key=lambda head: (head.sequence, head.text()))
    expired = _expired(heads, now)
    last = heads[-1].sequence if heads else 0
    links = [one for one in found.stored if one.sequence is not None]
    faults = [
        *(f"the signature of {name} does not hold" for name in found.bad_heads),
        *_faults_of_heads(found, heads, now),
        *_faults_of_links(found, links, heads, range(expired + 1, last + 1)),
        *_faults_of_outcomes(found, heads, expired),
    ]
    return Report(
        faults=tuple(faults),
        without_outcome=tuple(_without_outcome(found.stored, now)),
        verified=sum(expired < (one.sequence or 0) <= last for one in links),
        unsigned=sum((one.sequence or 0) > last for one in links),
        unsealed=len(found.stored) - len(links),
    )


def _expired(heads: Sequence[Head], now: int) -> int:
    """The last link that may be gone, because it is no longer kept."""
    if not heads:
        return 0
    gone = [head.sequence for head in heads if head.kept_until <= now]
    return max([heads[0].sequence - heads[0].count, *gone])


def _faults_of_heads(found: Found, heads: Sequence[Head], now: int) -> Iterator[str]:
    for head in heads:
        if head.tenant != found.tenant or not 0 < head.count <= head.sequence:
            yield f"the signed head {head.sequence} is that of another chain"
    for before, head in pairwise(heads):
        start = head.sequence - head.count
        if head.sequence == before.sequence:
            yield f"there are two signed heads {head.sequence}: the chain was sealed twice"
        elif start > before.sequence:
            yield f"the signed heads from {before.sequence + 1} to {start} are missing"
        elif start < before.sequence:
            yield f"the signed heads {before.sequence} and {head.sequence} overlap: the chain was sealed twice"
    if heads and heads[0].sequence > heads[0].count and heads[0].kept_until > now:
        yield f"the signed heads up to {heads[0].sequence - heads[0].count} are missing"
    last = heads[-1].sequence if heads else 0
    if found.signed > last:
        yield f"the signed heads from {last + 1} to {found.signed} are missing"
    if found.sealed < last:
        yield f"the table says that the chain ends at {found.sealed}, and the signed head {last} that it is longer"


def _faults_of_links(found: Found, links: Sequence[Stored], heads: Sequence[Head], judged: range) -> Iterator[str]:
    """What is wrong with the links, of which those in `judged` must be there."""
    by_sequence = {one.sequence or 0: one for one in links}
    signed = {head.sequence: head.hash for head in heads}
    for sequence, times in Counter(one.sequence for one in links).items():
        if times > 1:
            yield f"{times} entries say that they are number {sequence}"
    for one in links:
        number = one.sequence or 0
        if not 0 < number <= found.sealed:
            yield f"entry {number} ({one.sk}) is outside the chain, which ends at {found.sealed}"
        if link_hash(found.tenant, number, one.previous, one.record) != one.hash:
            yield f"entry {number} ({one.sk}) was changed"
        if not _is_in_its_place(found.tenant, one):
            yield f"entry {number} ({one.sk}) was moved to {one.pk}"
        before = by_sequence.get(number - 1)
        expected = GENESIS if number == 1 else before.hash if before else signed.get(number - 1, one.previous)
        if one.previous != expected:
            yield f"entry {number} ({one.sk}) does not follow entry {number - 1}"
        if signed.get(number, one.hash) != one.hash:
            yield f"entry {number} ({one.sk}) is not the one that was signed"
    missing = [number for number in judged if number not in by_sequence]
    for first, end in _ranges(missing):
        since = max((number for number in signed if number < first), default=0)
        until = min(number for number in signed if number >= end)
        what = f"entry {first} is" if first == end else f"entries {first} to {end} are"
        truncated = ": the chain was truncated" if end == judged[-1] else ""
        yield f"{what} missing between the signed heads {since} and {until}{truncated}"


def _is_in_its_place(tenant: str, one: Stored) -> bool:
    try:
        record = json.loads(one.record)
        return bool(one.sk == record["id"] and one.pk == partition(tenant, record["id"], record["phase"]))
    except (ValueError, KeyError, TypeError):
        return False


def _ranges(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """The first and the last of each run of whole numbers."""
    start = 0
    for at, number in enumerate(numbers, 1):
        if at == len(numbers) or numbers[at] != number + 1:
            yield numbers[start], number
            start = at


def _faults_of_outcomes(found: Found, heads: Sequence[Head], expired: int) -> Iterator[str]:
    """Outcomes whose intent is not there, though it is still kept."""
    kept_since = max((head.sealed_at for head in heads if head.sequence <= expired), default=0)
    intents = {one.sk for one in found.stored if not _is_outcome(one)}
    for one in found.stored:
        if _is_outcome(one) and one.sk not in intents and made_at(one.sk) > kept_since + _SKEW_MS:
            yield f"the entry {one.sk} is missing, and its outcome is there"


def _without_outcome(stored: Sequence[Stored], now: int) -> Iterator[str]:
    ended = {one.sk for one in stored if _is_outcome(one)}
    for one in sorted(stored, key=lambda one: one.sk):
        if not _is_outcome(one) and one.sk not in ended and made_at(one.sk) < now - RUNNING_MS:
            yield one.sk


def _is_outcome(one: Stored) -> bool:
    return one.pk.endswith("#outcome")

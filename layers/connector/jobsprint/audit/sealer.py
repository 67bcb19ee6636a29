"""The sealer: every minute, puts what was recorded into the chain of its tenant, and signs and keeps the new heads.

A tenant's turn seals up to 99 records; then the next tenant has its turn, until nothing is left or the time is up.
A head is signed before the next one is made: each signed head adds to the one before, without a gap.
"""

import json
from base64 import b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from jobsprint.core import aws
from jobsprint.core.clock import now_ms
from jobsprint.core.config import settings
from jobsprint.core.observability import count, logger
from jobsprint.domain.audit_chain import Head, extend
from jobsprint.repositories.audit_chain import SHARDS, ChainStore, next_tenant

RUN_MS = 40_000
"""After that no turn is begun; the next run goes on."""

_DAY_MS = 86_400_000


class NotSealed(Exception):
    """The records of some tenants could not be sealed; the next run tries again."""


@dataclass
class Sealed:
    """What was done: records sealed, after how long the slowest of them was (ms), and turns that failed."""

    records: int = 0
    late_ms: int = 0
    failed: int = 0

    def add(self, other: "Sealed") -> None:
        """Add what was done elsewhere."""
        self.records += other.records
        self.late_ms = max(self.late_ms, other.late_ms)
        self.failed += other.failed


def head_key(tenant: str, sequence: int) -> str:
    """The key of a signed head in its bucket."""
    return f"heads/{tenant}/{sequence:020d}.json"


def seal(clock: Callable[[], int] = now_ms) -> Sealed:
    """Seal what is pending; `clock` gives Unix ms. Raises NotSealed when some turns failed, after all others."""
    for client in (aws.dynamodb, aws.kms, aws.s3):
        client()  # doing so in several threads at once is not safe
    ends = clock() + RUN_MS
    total = Sealed()
    with ThreadPoolExecutor(SHARDS) as workers:
        for one in workers.map(lambda shard: _shard(shard, ends, clock), range(SHARDS)):
            total.add(one)
    count({"AuditRecordsSealed": total.records, "AuditSealedAfterMs": [total.late_ms] if total.records else []})
    logger.info("sealed", extra={"records": total.records, "lateMs": total.late_ms})
    if total.failed:
        raise NotSealed(f"{total.failed} turns failed")
    return total


def _shard(shard: int, ends: int, clock: Callable[[], int]) -> Sealed:
    """Give every tenant of a shard a turn, and another round of turns where some have more."""
    done = Sealed()
    more = True
    try:
        while more:
            more = False
            for tenant in _tenants(shard):
                if clock() >= ends:
                    return done
                turn, has_more = _turn(tenant, clock)
                done.add(turn)
                more = more or has_more
    except Exception:  # noqa: BLE001 - one shard's failure must not touch the others
        logger.exception("audit_shard_not_read", extra={"shard": shard})
        done.failed += 1
    return done


def _tenants(shard: int) -> Iterator[str]:
    """The tenants of a shard that have something pending, each when its turn comes."""
    tenant = next_tenant(shard, "")
    while tenant is not None:
        yield tenant
        tenant = next_tenant(shard, tenant)


def _turn(tenant: str, clock: Callable[[], int]) -> tuple[Sealed, bool]:
    """Seal the oldest records of a tenant, and say whether there may be more."""
    try:
        chain = ChainStore(tenant)
        head, unsigned = chain.head()
        if head and unsigned:  # the run that made it ended before this
            _keep(chain, head)
        records, more = chain.pending()
        if not records:
            return Sealed(), False
        now = clock()
        kept_until = now + settings().audit_retention_days * _DAY_MS
        texts = [record.record for record in records]
        links, new_head = extend(tenant, head, texts, now=now, kept_until=kept_until)
        if not chain.seal(head, records, links, new_head):
            return Sealed(), False
        _keep(chain, new_head)
        return Sealed(len(records), now - records[0].at), more
    except Exception:  # noqa: BLE001 - one tenant's failure must not touch the others
        logger.exception("audit_not_sealed", extra={"tenant": tenant})
        return Sealed(failed=1), False


def _keep(chain: ChainStore, head: Head) -> None:
    """Sign a head and put it into the bucket. A repeat adds a version that says the same."""
    text = head.text()
    signed = aws.kms().sign(
        KeyId=settings().audit_key_id, Message=text.encode(), MessageType="RAW", SigningAlgorithm="ECDSA_SHA_256"
    )
    body = {"head": text, "signature": b64encode(signed["Signature"]).decode(), "keyId": signed["KeyId"]}
    aws.s3().put_object(
        Bucket=settings().audit_bucket,
        Key=head_key(head.tenant, head.sequence),
        Body=json.dumps(body).encode(),
        ContentType="application/json",
    )
    chain.mark_signed(head)

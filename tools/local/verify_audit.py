"""`make verify-audit`: a tenant's audit trail compared with its chain and the signed heads of it.

Heads are read before the records, and the chain's end before and after both: whatever is sealed meanwhile is no fault.
"""

import base64
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tools.local.audit_verification import Found, Head, Report, Stored, month, verify
from tools.local.console import Failure
from tools.local.erase import Account, head_versions

_READERS = 16
_HEADS_AT_ONCE = 1000
_MARGIN_MS = 62 * 86_400_000  # by which a record may be older than the head that covers it, or newer than this clock
_SHOWN = 100


@dataclass
class _Heads:
    """Heads whose signature holds, and the names of the others."""

    good: list[Head] = field(default_factory=list)
    bad: list[str] = field(default_factory=list)


def verify_audit(account: Account, tenant: str) -> int:
    """Print what is known of a tenant's trail; 1 if anything is wrong with it. Raises Failure for no tenant's name."""
    if not tenant or "#" in tenant or "/" in tenant:
        raise Failure(f"TENANT={tenant} is not the name of a tenant.")
    report = verify(read(account, tenant), time.time_ns() // 1_000_000)
    print(described(tenant, report))
    return 1 if report.faults else 0


def read(account: Account, tenant: str) -> Found:
    """All that is stored of a tenant's trail."""
    heads = _Heads()
    now = time.time_ns() // 1_000_000
    signed, _ = _end(account, tenant, heads)
    _read_heads(account, tenant, heads, now)
    # An intent is written before its outcome: read the other way round, no outcome is found without its intent.
    since = min([now, *(head.sealed_at for head in heads.good)]) - _MARGIN_MS
    months = list(_months(month(since), month(now + _MARGIN_MS)))
    partitions = [f"{tenant}#{name}{ending}" for ending in ("#outcome", "") for name in months]
    stored = [one for partition in partitions for one in _records(account, partition)]
    _, sealed = _end(account, tenant, heads)
    return Found(tenant, stored, heads.good, tuple(dict.fromkeys(heads.bad)), signed, sealed)


def described(tenant: str, report: Report) -> str:
    """A report in lines of text."""
    lines = [f"{tenant}: {report.verified} records are covered by signed heads"]
    lines += [f"  {report.unsigned} are sealed, and their head is not signed yet"] if report.unsigned else []
    lines += [f"  {report.unsealed} are not sealed yet"] if report.unsealed else []
    lines += _shown("entry has", "entries have", "no outcome", report.without_outcome)
    lines += _shown("fault", "faults", "", report.faults)
    return "\n".join([*lines, "Faults: see above" if report.faults else "No fault found"])


def _shown(one: str, several: str, rest: str, found: tuple[str, ...]) -> list[str]:
    if not found:
        return []
    title = f"  {len(found)} {one if len(found) == 1 else several} {rest}".rstrip() + ":"
    more = [f"    … and {len(found) - _SHOWN} more"] if len(found) > _SHOWN else []
    return [title, *(f"    {text}" for text in found[:_SHOWN]), *more]


def _end(account: Account, tenant: str, heads: _Heads) -> tuple[int, int]:
    """Up to which link the table says that heads are signed, and how many links it says that there are."""
    key = {"pk": {"S": f"{tenant}#head"}, "sk": {"S": "head"}}
    item = account.dynamodb.get_item(TableName=account.tables["AuditTable"], Key=key, ConsistentRead=True).get("Item")
    if item is None:
        return 0, 0
    try:
        head = Head.read(item["head"]["S"])
    except (ValueError, KeyError, TypeError):
        heads.bad.append("the head in the table")
        return 0, 0
    return head.sequence - (head.count if "pendingShard" in item else 0), head.sequence


def _read_heads(account: Account, tenant: str, heads: _Heads, now: int) -> None:
    """Read the heads, the newest first, up to one whose records are no longer kept: those before say nothing more."""
    key = load_der_public_key(account.kms.get_public_key(KeyId=account.tables["AuditKey"])["PublicKey"])
    if not isinstance(key, EllipticCurvePublicKey):
        raise Failure("The key of the audit trail is none that it can have been signed with.")
    bucket = account.tables["AuditBucket"]

    def check(version: dict[str, str]) -> Head | None:
        body = account.s3.get_object(Bucket=bucket, **version)["Body"].read()
        try:
            said = json.loads(body)
            key.verify(base64.b64decode(said["signature"]), said["head"].encode(), ECDSA(SHA256()))
            return Head.read(said["head"])
        except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError):
            return None

    versions = sorted(head_versions(account, tenant), key=lambda version: version["Key"], reverse=True)
    with ThreadPoolExecutor(_READERS) as readers:
        for start in range(0, len(versions), _HEADS_AT_ONCE):
            batch = versions[start : start + _HEADS_AT_ONCE]
            for version, head in zip(batch, readers.map(check, batch), strict=True):
                if head:
                    heads.good.append(head)
                else:
                    heads.bad.append(f"{version['Key']}, version {version['VersionId']}")
            if any(head.kept_until <= now for head in heads.good):
                return


def _months(first: str, last: str) -> Iterator[str]:
    year, number = map(int, first.split("-"))
    while (name := f"{year}-{number:02d}") <= last:
        yield name
        year, number = (year + 1, 1) if number == 12 else (year, number + 1)


def _records(account: Account, partition: str) -> Iterator[Stored]:
    pages = account.dynamodb.get_paginator("query").paginate(
        TableName=account.tables["AuditTable"],
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": partition}},
        ConsistentRead=True,
    )
    for item in (item for page in pages for item in page["Items"]):
        yield Stored(
            pk=_text(item, "pk"),
            sk=_text(item, "sk"),
            record=_text(item, "record"),
            sequence=_sequence(item),
            previous=_text(item, "previous"),
            hash=_text(item, "hash"),
        )


def _text(item: dict[str, Any], name: str) -> str:
    return str(item.get(name, {}).get("S", ""))


def _sequence(item: dict[str, Any]) -> int | None:
    """The place that an item says it has; -1 for what is no number."""
    if "sequence" not in item:
        return None
    text = str(item["sequence"].get("N", ""))
    return int(text) if text.isdigit() else -1

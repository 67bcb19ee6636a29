"""The chain of a tenant's audit records: each link has the hash of the one before, and heads of it are signed.

A link's hash is SHA-256 over the canonical JSON of its tenant, sequence, record and the hash before. A head says how
far the chain reached at a time, how many links it adds to the head before, and until when these are kept.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jobsprint.core import canonical_json

GENESIS = "0" * 64
"""What the first link has as the hash before it."""


@dataclass(frozen=True)
class Link:
    """A record in its place of the chain: its `sequence` (from 1), the hash before it and its own."""

    record: str
    sequence: int
    previous: str
    hash: str


@dataclass(frozen=True)
class Head:
    """The end of a chain at `sealed_at`: the last link's sequence and hash, and the `count` of links since the head
    before, which are kept until `kept_until`. Times are Unix ms."""

    tenant: str
    sequence: int
    hash: str
    count: int
    sealed_at: int
    kept_until: int

    def text(self) -> str:
        """What is signed."""
        return canonical_json.dumps(
            {
                "count": self.count,
                "hash": self.hash,
                "keptUntil": self.kept_until,
                "sealedAt": self.sealed_at,
                "sequence": self.sequence,
                "tenant": self.tenant,
            }
        )

    @classmethod
    def read(cls, text: str) -> "Head":
        """The head that `text` wrote. Raises ValueError, KeyError or TypeError for what is none."""
        fields: dict[str, Any] = json.loads(text)
        return cls(
            tenant=str(fields["tenant"]),
            sequence=int(fields["sequence"]),
            hash=str(fields["hash"]),
            count=int(fields["count"]),
            sealed_at=int(fields["sealedAt"]),
            kept_until=int(fields["keptUntil"]),
        )


def link_hash(tenant: str, sequence: int, previous: str, record: str) -> str:
    """The hash of a link, in hex."""
    text = canonical_json.dumps({"previous": previous, "record": record, "sequence": sequence, "tenant": tenant})
    return hashlib.sha256(text.encode()).hexdigest()


def extend(
    tenant: str, head: Head | None, records: Sequence[str], *, now: int, kept_until: int
) -> tuple[list[Link], Head]:
    """The links that `records` (at least one) become behind `head`, and the head they lead to. Times in Unix ms."""
    sequence, previous = (head.sequence, head.hash) if head else (0, GENESIS)
    links: list[Link] = []
    for record in records:
        sequence += 1
        link = Link(record, sequence, previous, link_hash(tenant, sequence, previous, record))
        links.append(link)
        previous = link.hash
    return links, Head(tenant, sequence, previous, len(links), now, kept_until)

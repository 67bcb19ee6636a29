"""Sessions of the portal: items of the table of tokens, and one more that ends all sessions of a name.

    id ses_…                        a token (`repositories.api_tokens`), with how its page behaves
    id <tenant>#session#<hash>      generation, endedAt: what ended all sessions that its caller gave one name

Both have `tenant` <tenant>#portal, so that a list of the tenant's tokens reads none of them. A session is made with the
digest of a code in place of that of a token. The exchange puts the second in place of the first in one conditional
write, so of any number of exchanges one succeeds.
"""

import hashlib
import os
from typing import Any

from pydantic import TypeAdapter

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.portal import Page
from jobsprint.repositories import api_tokens
from jobsprint.repositories.api_tokens import TokenRow
from jobsprint.repositories.dynamodb import Item, Lost, marshal_item, unmarshal_item, update_item

# A session that has ended is kept a day longer, and what ends those of a name for longer than any of them lives.
_KEEP_ENDED_SECONDS = 86400
_KEEP_GROUP_SECONDS = 8 * 86400
_PAGE = TypeAdapter(Page)


def group_of(tenant: str, name: str) -> str:
    """The id of the item that ends all sessions of a name."""
    return f"{tenant}#session#{hashlib.sha256(name.encode()).hexdigest()}"


def generation(group: str) -> str | None:
    """What a new session of the group has to know; None where none was ended lately."""
    answer = aws.dynamodb().get_item(TableName=settings().tokens_table, Key=_key(group), ConsistentRead=True)
    found = unmarshal_item(answer.get("Item", {})).get("generation")
    return found if isinstance(found, str) else None


def add(session: TokenRow, page: Page, *, code_digest: str, code_until: int) -> None:
    """Store a new session, whose code can be exchanged until then (ms)."""
    assert session.expires_at is not None  # noqa: S101 - every session ends
    item: dict[str, Any] = {
        **api_tokens.to_item(session),
        "tenant": _listed_under(session.tenant),
        "digest": None,
        "removeAt": session.expires_at // 1000 + _KEEP_ENDED_SECONDS,
        "page": _PAGE.dump_json(page, exclude_none=True).decode(),
        "codeDigest": code_digest,
        "codeUntil": code_until,
    }
    api_tokens.put(item)


def take_code(session_id: str, *, code_digest: str, digest: str, now: int) -> bool:
    """Exchange the code of a session for a token, given by its digest; False for a wrong, used or lapsed one."""
    answer = update_item(
        settings().tokens_table,
        {"id": session_id},
        {"digest": digest, "codeDigest": None, "codeUntil": None},
        condition="#codeDigest = :code AND #codeUntil > :now AND attribute_not_exists(#revokedAt)",
        values={":code": code_digest, ":now": now},
    )
    return not isinstance(answer, Lost)


def page_of(session_id: str) -> Page:
    """How the page of a session behaves."""
    answer = aws.dynamodb().get_item(TableName=settings().tokens_table, Key=_key(session_id), ConsistentRead=True)
    item: Item = unmarshal_item(answer.get("Item", {}))
    return _PAGE.validate_json(item.get("page", "{}"))


def end(tenant: str, session_id: str, now: int) -> bool:
    """End a session of the tenant at `now` (ms), also one whose code was not exchanged; False where there is none."""
    answer = update_item(
        settings().tokens_table,
        {"id": session_id},
        {},
        condition="#tenant = :tenant AND attribute_exists(#capabilities)",
        values={":now": now, ":tenant": _listed_under(tenant)},
        expressions={"revokedAt": "if_not_exists(#revokedAt, :now)"},
    )
    return not isinstance(answer, Lost)


def end_all(tenant: str, name: str, now: int) -> None:
    """End every session of a name that was made before, at `now` (ms)."""
    item: dict[str, Any] = {
        "id": group_of(tenant, name),
        "tenant": _listed_under(tenant),
        "generation": os.urandom(8).hex(),
        "endedAt": now,
        "removeAt": now // 1000 + _KEEP_GROUP_SECONDS,
    }
    aws.dynamodb().put_item(TableName=settings().tokens_table, Item=marshal_item(item))


def _listed_under(tenant: str) -> str:
    return f"{tenant}#portal"


def _key(an_id: str) -> Any:
    return marshal_item({"id": an_id})

"""Sessions of the portal: made by a program for a person, whose browser exchanges a code for the session's token.

The code stands in the fragment of a URL, so no server, proxy or log sees it. It works once, and for two minutes.
"""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from jobsprint.core.errors import Detail, Forbidden, NotFound, Unauthenticated, wrong_fields
from jobsprint.core.ids import is_id, new_id, unique_part
from jobsprint.domain import portal
from jobsprint.domain.callers import SESSION_PREFIX, Caller, Limits
from jobsprint.domain.portal import SCOPES_OF, Capability, Page
from jobsprint.repositories import api_tokens, portal_sessions
from jobsprint.repositories.api_tokens import TokenRow
from jobsprint.repositories.integrations import IntegrationStore
from jobsprint.security.api_tokens import SESSION_TOKEN, digest_of

MIN_LIFE_SECONDS = 300
LIFE_SECONDS = 3600
MAX_LIFE_SECONDS = 7 * 86400
CODE_SECONDS = 120
_CODE = re.compile(r"jpc_([0-9a-hjkmnp-tv-z]{26})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True)
class NewSession:
    """What a session is to be. `webhooks` and `integrations` (ids or slugs) are all that it may know of; None for all.

    `name` is what the caller calls a person or a session of its own, to end all sessions of that name.
    """

    capabilities: tuple[Capability, ...]
    page: Page
    name: str | None = None
    webhooks: tuple[str, ...] | None = None
    integrations: tuple[str, ...] | None = None
    seconds: int | None = None


@dataclass(frozen=True)
class Session:
    """A session, and how its page behaves."""

    row: TokenRow
    page: Page


def create(caller: Caller, wanted: NewSession, *, now: int) -> tuple[TokenRow, str]:
    """Make a session that is no wider than the caller's token and ends with it, and its code. `now` in ms.

    Its default life is an hour. Raises InvalidFields for capabilities that the caller's token cannot give, a longer
    life, and webhooks and integrations that the tenant does not have; Unauthenticated for a token that has ended.
    """
    own_end = MAX_LIFE_SECONDS if caller.expires_at is None else (caller.expires_at - now) // 1000
    if own_end <= 0:
        raise Unauthenticated("This token has expired")
    wrong = list(_wider(caller, wanted.capabilities))
    if wanted.seconds is not None and wanted.seconds > own_end:
        wrong.append(Detail("body.expiresIn", f"at most {own_end}: this token itself ends then"))
    webhooks, unknown = _webhooks(caller, wanted.webhooks)
    integrations, also_unknown = _integrations(caller, wanted.integrations)
    if wrong := [*wrong, *unknown, *also_unknown]:
        raise wrong_fields(wrong)
    group = None if wanted.name is None else portal_sessions.group_of(caller.tenant, wanted.name)
    session_id = new_id(SESSION_PREFIX, now)
    row = TokenRow(
        id=session_id,
        tenant=caller.tenant,
        digest="",
        scopes=_scopes(caller, wanted),
        created_at=now,
        expires_at=now + min(wanted.seconds or LIFE_SECONDS, own_end) * 1000,
        limits=Limits(webhooks=webhooks, integrations=integrations),
        parent=caller.token_id,
        capabilities=tuple(dict.fromkeys(wanted.capabilities)),
        group=group,
        generation=portal_sessions.generation(group) if group else None,
    )
    code = f"jpc_{unique_part(session_id)}_{secrets.token_urlsafe(32)}"
    portal_sessions.add(row, wanted.page, code_digest=digest_of(code), code_until=now + CODE_SECONDS * 1000)
    return row, code


def exchange(code: str, *, now: int) -> tuple[Session, str]:
    """The session of a code and its token, which exists from then on; `now` in ms.

    Raises Unauthenticated `portal_code_invalid` for a code that is wrong, used or lapsed, or whose session has ended.
    """
    form = _CODE.fullmatch(code)
    if form is None:
        raise _invalid_code()
    session_id = f"{SESSION_PREFIX}_{form.group(1)}"
    token = f"{SESSION_TOKEN}_{form.group(1)}_{secrets.token_urlsafe(32)}"
    if not portal_sessions.take_code(session_id, code_digest=digest_of(code), digest=digest_of(token), now=now):
        raise _invalid_code()
    row = api_tokens.find(session_id)
    if row is None or not row.valid_at(now):
        raise _invalid_code()
    return Session(row, portal_sessions.page_of(session_id)), token


def current(caller: Caller) -> Session:
    """The session that calls. Raises Forbidden for another token, and Unauthenticated where the session has ended."""
    if not caller.is_session:
        raise Forbidden("This is no session of the portal", code="not_a_session")
    row = api_tokens.find(caller.token_id)
    if row is None or row.revoked_at is not None:
        raise Unauthenticated("This session has ended")
    return Session(row, portal_sessions.page_of(row.id))


def end(caller: Caller, session_id: str, now: int) -> None:
    """End a session of the caller's tenant, and the tokens that it made; a session ends itself alone.

    The authorizer's cache lets them live up to 60 s. A second time is the same. Raises NotFound.
    """
    hidden = caller.is_session and session_id != caller.token_id
    if hidden or not is_id(session_id, SESSION_PREFIX) or not portal_sessions.end(caller.tenant, session_id, now):
        raise NotFound(f"There is no session {session_id[:100]!r}", code="portal_session_not_found")


def end_all(caller: Caller, name: str, now: int) -> None:
    """End every session that the tenant made under a name; those that it makes from now on live."""
    portal_sessions.end_all(caller.tenant, name, now)


def _wider(caller: Caller, capabilities: Iterable[Capability]) -> Iterable[Detail]:
    for index, capability in enumerate(capabilities):
        if lacking := [scope for scope in SCOPES_OF[capability] if not caller.may(scope)]:
            plural = "scopes" if len(lacking) > 1 else "scope"
            yield Detail(
                f"body.capabilities[{index}]",
                f"{capability} needs the {plural} {', '.join(lacking)}, which this token lacks",
            )


def _scopes(caller: Caller, wanted: NewSession) -> tuple[str, ...]:
    agents = portal.handed_on(wanted.capabilities, all_webhooks=wanted.webhooks is None)
    return tuple(sorted(portal.scopes_of(wanted.capabilities) | {scope for scope in agents if caller.may(scope)}))


def _webhooks(caller: Caller, asked: tuple[str, ...] | None) -> tuple[tuple[str, ...] | None, list[Detail]]:
    if not asked:
        return asked, []
    known = {webhook.id for webhook in IntegrationStore(caller.tenant).webhooks()}
    return tuple(dict.fromkeys(asked)), [
        Detail(f"body.webhooks[{index}]", "there is no such webhook")
        for index, name in enumerate(asked)
        if name not in known
    ]


def _integrations(caller: Caller, asked: tuple[str, ...] | None) -> tuple[tuple[str, ...] | None, list[Detail]]:
    if not asked:
        return asked, []
    ids: dict[str, str] = {}
    for integration in IntegrationStore(caller.tenant).connections():
        ids |= {integration.id: integration.id, **({integration.slug: integration.id} if integration.slug else {})}
    unknown = [
        Detail(f"body.integrations[{index}]", "there is no such integration")
        for index, name in enumerate(asked)
        if name not in ids
    ]
    return tuple(dict.fromkeys(ids[name] for name in asked if name in ids)), unknown


def _invalid_code() -> Unauthenticated:
    return Unauthenticated(
        "This link was used, or is older than two minutes: ask for a new one", code="portal_code_invalid"
    )

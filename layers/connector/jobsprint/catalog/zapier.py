"""Zapier's list of its applications, page by page: `GET /v2/apps?client_id=&limit=&offset=`.

It is sorted by popularity and allows 60 requests a minute for each address; over that it answers 429 and wants a minute
of quiet. Names and categories are taken; pictures are not.
"""

import math
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from jobsprint.catalog.builtin import App, Builtin
from jobsprint.catalog.text import joined, slug
from jobsprint.core.clock import now_ms
from jobsprint.core.errors import UpstreamFailed
from jobsprint.core.observability import logger
from jobsprint.core.retry_after import retry_after_seconds
from jobsprint.core.upstream_json import object_in
from jobsprint.outbound import client as outbound

PAGE = 100
PACE_SECONDS = 1.1  # between two requests: 55 a minute
PATIENCE_SECONDS = 840.0  # for the whole list; the function may take 900
_MAX_APPS = 60_000
_TRIES = 4  # of one page
_REQUEST_SECONDS, _MAX_BODY = 30.0, 8 * 1024 * 1024
_QUIET_SECONDS = 60  # asked for by a 429 without Retry-After, and the most that is waited after a 5xx
_MAX_WAIT_SECONDS = 180
_MAX_NAME, _MAX_DESCRIPTION = 100, 500
_KNOWN_PLACES, _KNOWN_TO = 800, 10  # the built-in list ends at about this popularity after as many applications

# How Zapier calls the categories that are built in under another name.
_CATEGORIES = {
    "accounting": "Accounting",
    "ads-conversion": "Advertising",
    "artificial-intelligence": "AI",
    "bookmark-managers": "News & Reading",
    "contact-management": "CRM",
    "crm": "CRM",
    "customer-support": "Support",
    "drip-emails": "Marketing",
    "ecommerce": "Commerce",
    "email-newsletters": "Marketing",
    "event-management": "Events",
    "file-management-storage": "File Storage",
    "forms-surveys": "Forms",
    "fundraising": "Nonprofit",
    "hr-talent-recruitment": "Recruiting",
    "human-resources": "HR",
    "marketing-automation": "Marketing",
    "online-courses": "Education",
    "payment-processing": "Payments",
    "phone-sms": "Phone & SMS",
    "scheduling-booking": "Scheduling",
    "signatures": "eSignatures",
    "social-media-accounts": "Social Media",
    "social-media-marketing": "Social Media Management",
    "task-management": "Project Management",
    "team-chat": "Communication",
    "team-collaboration": "Communication",
    "time-tracking-software": "Time Tracking",
    "transactional-email": "Transactional Email",
    "video-conferencing": "Meetings",
    "website-app-building": "Websites",
    "website-builders": "Websites",
}


def fetched(client: outbound.Client, url: str, client_id: str) -> list[dict[str, Any]]:
    """Zapier's whole list, most popular first. Takes a minute per 5,500 applications.

    Raises UpstreamFailed when a page cannot be had, or when the list turns out shorter than it says it is: half a list
    must not replace a whole one.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    found: list[dict[str, Any]] = []
    announced = 0
    while len(found) < _MAX_APPS:
        if found:
            time.sleep(PACE_SECONDS)
        query = urlencode({"client_id": client_id, "limit": PAGE, "offset": len(found)})
        page = _page(client, f"{url}?{query}", until)
        announced = max(announced, _count(page))
        if not page["data"]:
            break
        found += page["data"]
        if len(found) >= announced > 0:
            break
    if not found or len(found) < announced * 0.98:
        raise UpstreamFailed(f"The list has {announced} applications and gave {len(found)}", code="list_incomplete")
    return found


def _page(client: outbound.Client, url: str, until: float) -> dict[str, Any]:
    for tried in range(1, _TRIES + 1):
        outcome = client.send(
            outbound.Request("GET", url, {"Accept": "application/json"}), timeout=_REQUEST_SECONDS, max_body=_MAX_BODY
        )
        page = _parsed(outcome)
        if page is not None:
            return page
        wait = _wait(outcome, tried)
        said = outcome.kind if isinstance(outcome, outbound.TransferFailure) else outcome.status
        if wait is None or tried == _TRIES or time.monotonic() + wait > until:
            raise UpstreamFailed(f"The list of applications cannot be had: {said}", code="list_unavailable")
        logger.warning("A page of the application list failed", extra={"said": said, "wait": wait, "tried": tried})
        time.sleep(wait)
    raise AssertionError("unreachable: the last try returns or raises")


def _parsed(outcome: outbound.TransferResult) -> dict[str, Any] | None:
    """The page in a good answer, None in any other."""
    if isinstance(outcome, outbound.TransferFailure) or outcome.status != 200 or outcome.truncated:
        return None
    page = object_in(outcome.body)
    return page if page is not None and isinstance(page.get("data"), list) else None


def _wait(outcome: outbound.TransferResult, tried: int) -> float | None:
    """Seconds to wait before trying again; None if that is no use."""
    if isinstance(outcome, outbound.Response):
        if outcome.status == 429:
            asked = retry_after_seconds(outcome.headers.get("retry-after"), now_ms())
            return min(_QUIET_SECONDS if asked is None else asked, _MAX_WAIT_SECONDS)
        if 400 <= outcome.status < 500:
            return None
    return min(2.0**tried, _QUIET_SECONDS)


def _count(page: Mapping[str, Any]) -> int:
    meta = page.get("meta")
    count = meta.get("count") if isinstance(meta, dict) else None
    return count if isinstance(count, int) and count > 0 else 0


# --- what is made of it -----------------------------------------------------------------------------------------------


def merged(built_in: Builtin, listed: list[dict[str, Any]]) -> list[App]:
    """The built-in applications as they are, and those of the list that are not among them. Malformed ones are dropped.

    A name that two applications of the list share makes `zapier_<name>` of the more popular one; the other gets the
    beginning of Zapier's own id behind it, so that both keep their ids from one refresh to the next.
    """
    apps = dict(built_in.apps)
    # An alias counts too: `microsoft outlook` is what Zapier calls the built-in Outlook.
    known = {joined(name) for app in apps.values() if app.type == "zapier" for name in (app.name, *app.aliases)}
    for place, entry in enumerate(listed, start=1):
        name = _text(entry, "title", _MAX_NAME) if isinstance(entry, dict) else ""
        if not slug(name) or joined(name) in known:
            continue
        for app_id in _ids(name, entry):
            if app_id not in apps:
                apps[app_id] = _app(app_id, name, entry, popularity_of(place, len(listed)))
                break
    return list(apps.values())


def _ids(name: str, entry: Mapping[str, Any]) -> Iterator[str]:
    yield f"zapier_{slug(name)}"
    own = slug(str(entry.get("id", "")))[:8]
    if own:
        yield f"zapier_{slug(name)}_{own}"


def _app(app_id: str, name: str, entry: Mapping[str, Any], popularity: int) -> App:
    description = _text(entry, "description", _MAX_DESCRIPTION) or f"Use {name} through Zapier"
    return App(app_id, "zapier", name, description, _category(entry), popularity)


def _text(entry: Mapping[str, Any], field: str, length: int) -> str:
    value = entry.get(field)
    return " ".join(value.split())[:length].strip() if isinstance(value, str) else ""


def _category(entry: Mapping[str, Any]) -> str:
    categories = entry.get("categories")
    slugs = [category.get("slug") for category in categories or () if isinstance(category, dict)]
    first = next((text for text in slugs if isinstance(text, str) and text), "")
    return _CATEGORIES.get(first) or first.replace("-", " ").title()[:_MAX_NAME] or "Other"


def popularity_of(place: int, of: int) -> int:
    """From 100 for the first application of a list, by the logarithm of its place, to 1 for the last.

    The 800th gets 10, as in the built-in list, so that both can stand in one order.
    """
    if place <= _KNOWN_PLACES:
        return round(100 - (100 - _KNOWN_TO) * math.log(place) / math.log(_KNOWN_PLACES))
    beyond = math.log(place / _KNOWN_PLACES) / math.log(of / _KNOWN_PLACES)
    return max(1, round(_KNOWN_TO - (_KNOWN_TO - 1) * beyond))

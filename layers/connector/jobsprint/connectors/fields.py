"""Field types that every request body shares, with the contract's limits (section 6)."""

import unicodedata
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from jobsprint.domain import rules
from jobsprint.domain.event_names import is_subscription
from jobsprint.security.signing import check_secret

_MAX_EVENTS = 100


def _one_line(text: str) -> str:
    # Joiners (Cf) stay: emoji and several scripts are written with them.
    if not text.strip() or any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError("one line without control characters, and not blank")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    seen = {name.lower() for name in headers}
    if len(seen) != len(headers):
        raise ValueError("two headers have the same name")
    for name, value in headers.items():
        try:
            rules.check_header(name, value)
        except ValueError as error:
            raise ValueError(f"{name[:40]!r}: {error}") from error
    return headers


def _subscription(name: str) -> str:
    if len(name) > 200 or not is_subscription(name):
        raise ValueError("an event name such as workflow.executed, a family such as workflow.*, or *")
    return name


def _secret(secret: str) -> str:
    check_secret(secret)
    return secret


Name = Annotated[str, Field(min_length=1, max_length=rules.MAX_NAME), AfterValidator(_one_line)]
Description = Annotated[str, Field(max_length=rules.MAX_DESCRIPTION)]
Url = Annotated[str, Field(min_length=1, max_length=rules.MAX_URL)]
Headers = Annotated[dict[str, str], Field(max_length=rules.MAX_HEADERS), AfterValidator(_headers)]
Secret = Annotated[str, AfterValidator(_secret)]
Events = Annotated[list[Annotated[str, AfterValidator(_subscription)]], Field(min_length=1, max_length=_MAX_EVENTS)]
Configuration = Annotated[dict[str, Any], Field(max_length=rules.MAX_CONFIGURATION)]

"""Field types that every request body shares, with the contract's limits (section 6)."""

import unicodedata
from typing import Annotated, Any

from jobsprint.domain import rules
from jobsprint.domain.event_names import is_subscription
from jobsprint.domain.inputs import Check, Length
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


Name = Annotated[str, Length(1, rules.MAX_NAME), Check(_one_line)]
Description = Annotated[str, Length(most=rules.MAX_DESCRIPTION)]
Url = Annotated[str, Length(1, rules.MAX_URL)]
Headers = Annotated[dict[str, str], Length(most=rules.MAX_HEADERS), Check(_headers)]
Secret = Annotated[str, Check(_secret)]
Events = Annotated[list[Annotated[str, Check(_subscription)]], Length(1, _MAX_EVENTS)]
Configuration = Annotated[dict[str, Any], Length(most=rules.MAX_CONFIGURATION)]

"""Field types that every request body shares, with the contract's limits (section 6)."""

import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from msgspec import field

from jobsprint.core.errors import InvalidFields
from jobsprint.domain import integrations
from jobsprint.domain.events import is_subscription
from jobsprint.domain.inputs import Check, Input, Length
from jobsprint.domain.validation import validate
from jobsprint.outbound import address_policy, pinning
from jobsprint.security.credentials import Credentials
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
            integrations.check_header(name, value)
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


Name = Annotated[str, Length(1, integrations.MAX_NAME), Check(_one_line)]
Description = Annotated[str, Length(most=integrations.MAX_DESCRIPTION)]
Url = Annotated[str, Length(1, integrations.MAX_URL)]
Headers = Annotated[dict[str, str], Length(most=integrations.MAX_HEADERS), Check(_headers)]
Secret = Annotated[str, Check(_secret)]
Events = Annotated[list[Annotated[str, Check(_subscription)]], Length(1, _MAX_EVENTS)]
Configuration = Annotated[dict[str, Any], Length(most=integrations.MAX_CONFIGURATION)]


def check_target(url: str, field: str = "body.url") -> None:
    """Raises InvalidFields unless this deployment may call `url`; a host that does not resolve passes."""
    try:
        pinning.check_destination(url, address_policy.deployment_policy())
    except address_policy.ForbiddenUrl as error:
        raise InvalidFields.one(field, str(error), code="forbidden_url") from error


class Target(Input, frozen=True):
    """Where to POST, with which headers; with a `secret`, every request is signed."""

    url: Url
    headers: Headers = field(default_factory=dict)
    secret: Secret | None = None


_Target = TypeVar("_Target", bound=Target)


def completed(model: type[_Target], body: Mapping[str, object], current: Credentials, **kept: object) -> _Target:
    """The target that `body` describes; what it leaves out is as in `current` and `kept`.

    Raises InvalidFields, also for a new URL that may not be called.
    """
    before = {"url": current.url, "headers": dict(current.headers)} if current.url else {}
    given = validate(model, {**before, **kept, **body})
    if given.url != current.url:
        check_target(given.url)
    return given

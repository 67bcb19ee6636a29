"""Field types that request bodies share, and how the body of a connect or change is read."""

import unicodedata
from collections.abc import Collection, Mapping
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from jobsprint.core.errors import Detail, InvalidFields, wrong_fields
from jobsprint.core.models import RequestModel, validate
from jobsprint.domain import integrations
from jobsprint.domain.events import is_subscription
from jobsprint.domain.integrations import ApprovalRule
from jobsprint.outbound import address_policy, pinning
from jobsprint.security.credentials import Credentials
from jobsprint.security.signing import check_secret

_MAX_EVENTS = 100
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_AGAIN = "is required again with another scheme, host or port: what is stored goes to no other origin"


def _one_line(text: str) -> str:
    # They show a name as another one (Unicode, UAX #9, Bidi_Control). Joiners stay: emoji and scripts are written so.
    if _BIDI_CONTROLS.intersection(text):
        raise ValueError("without characters that control the direction of text")
    if not text.strip() or any(unicodedata.category(character) in {"Cc", "Zl", "Zp"} for character in text):
        raise ValueError("one line without control characters, and not blank")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    if len({name.lower() for name in headers}) != len(headers):
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


def _url(url: str) -> str:
    try:
        address_policy.check_url(url, address_policy.deployment_policy())
    except address_policy.ForbiddenUrl as error:
        raise PydanticCustomError("forbidden_url", "{reason}", {"reason": str(error)}) from error
    return url


Name = Annotated[str, Field(min_length=1, max_length=integrations.MAX_NAME), AfterValidator(_one_line)]
Description = Annotated[str, Field(max_length=integrations.MAX_DESCRIPTION)]
Url = Annotated[str, Field(min_length=1, max_length=integrations.MAX_URL), AfterValidator(_url)]
"""An address that the service calls; whether its host may be called is checked by `check_target`."""

Headers = Annotated[dict[str, str], Field(max_length=integrations.MAX_HEADERS), AfterValidator(_headers)]
Secret = Annotated[str, AfterValidator(_secret)]
Events = Annotated[list[Annotated[str, AfterValidator(_subscription)]], Field(min_length=1, max_length=_MAX_EVENTS)]
Configuration = Annotated[dict[str, Any], Field(max_length=integrations.MAX_CONFIGURATION)]


def check_target(url: str, field: str = "body.url") -> None:
    """Resolve the host of `url`; raise InvalidFields unless this deployment may call it.

    A host that does not resolve passes.
    """
    try:
        pinning.check_destination(url, address_policy.deployment_policy())
    except address_policy.ForbiddenUrl as error:
        raise InvalidFields.one(field, str(error), code="forbidden_url") from error


def target_details(url: object, field: str = "body.url") -> tuple[Detail, ...]:
    """What `check_target` has against `url`, for a list of wrong fields; nothing for what is no text."""
    try:
        if isinstance(url, str):
            check_target(url, field)
    except InvalidFields as error:
        return error.details
    return ()


class Approvals(RequestModel):
    """Which actions a person has to approve before each call."""

    destructive: Annotated[bool, Field(description="Each that destroys something, or whose effect is not known")] = (
        False
    )
    actions: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default=[], max_length=integrations.MAX_ACTIONS, description="Names of actions; `*` stands for any characters"
    )
    expires_in: Annotated[int, Field(ge=60, le=86400, description="Seconds until an approval expires")] = 3600

    def rule(self) -> ApprovalRule:
        """The rule of the integration."""
        return ApprovalRule(self.destructive, tuple(self.actions), self.expires_in)


class ConnectBody(RequestModel):
    """What every connection may be given beside the fields of its type; a null in `configuration` removes a name."""

    name: Annotated[
        Name | None, Field(description="What people call it; the application's name where it is left out")
    ] = None
    description: Annotated[Description | None, Field(description="What it is for")] = None
    configuration: Configuration = Field(
        default_factory=dict, description="Facts about the connection that are no secrets"
    )
    approval: Annotated[
        Approvals | None, Field(description="Which actions a person has to approve before each call; none of its own")
    ] = None


class Reconnect(ConnectBody):
    """The fields of the integration's type, each optional: what is left out stays as it was."""

    model_config = ConfigDict(extra="allow")


class Target(RequestModel):
    """Where to POST, with which headers; with a `secret`, every request is signed."""

    url: Annotated[Url, Field(description="Where requests are sent: HTTPS, and no private address")]
    headers: Headers = Field(default_factory=dict, description="Sent with every request")
    secret: Secret | None = Field(default=None, description="Signs every request")


_Body = TypeVar("_Body", bound=RequestModel)


def read_body(
    model: type[_Body],
    body: Mapping[str, object],
    *,
    current_url: str,
    address: str = "url",
    kept: Collection[str] = (),
) -> _Body:
    """Validate a body and the address in its field `address`, whose host is resolved unless it is the current one.

    `kept` names the fields whose values in `body` are stored credentials: none of them goes to another origin than it
    was given for. Raises InvalidFields with every wrong field, `forbidden_url` where that is the only one.
    """
    url, field = body.get(address), f"body.{address}"
    is_new = url != current_url
    missing = [Detail(f"body.{name}", _AGAIN) for name in kept] if not is_same_origin(url, current_url) else []

    def more() -> tuple[Detail, ...]:
        return (*(target_details(url, field) if is_new else ()), *missing)

    given = validate(model, body, also=more)
    if missing:
        raise wrong_fields(more())
    if is_new and isinstance(url, str):
        check_target(url, field)
    return given


def is_same_origin(url: object, current_url: str) -> bool:
    """Whether two addresses have the same scheme, host (in Punycode) and effective port.

    One that cannot be read, or may not be called, has no origin.
    """
    if url == current_url:
        return True
    try:
        one, other = (
            address_policy.check_url(str(text), address_policy.deployment_policy()) for text in (url, current_url)
        )
    except address_policy.ForbiddenUrl:
        return False
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def kept_headers(body: Mapping[str, object], current: Credentials) -> tuple[str, ...]:
    """The `kept` of `read_body` for a connection whose credentials are headers; `headers: {}` drops them."""
    return ("headers",) if current.headers and "headers" not in body else ()

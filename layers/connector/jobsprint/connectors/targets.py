"""Endpoints of a tenant's own that are sent signed POSTs: what a body says of one, over what is kept of it."""

from collections.abc import Mapping
from typing import TypeVar

from msgspec import field

from jobsprint.connectors.fields import Headers, Secret, Url
from jobsprint.domain.errors import InvalidFields
from jobsprint.domain.inputs import Input
from jobsprint.domain.validation import validate
from jobsprint.security import addresses
from jobsprint.security.credentials import Credentials


def check_target(url: str, field: str = "body.url") -> None:
    """Raises InvalidFields unless this deployment may call `url`; a host that does not resolve passes."""
    try:
        addresses.vet(url, addresses.deployment_policy())
    except addresses.ForbiddenUrl as error:
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

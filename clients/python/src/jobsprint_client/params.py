"""Objects within what calls take, with the names of the API.

Generated from docs/openapi.json by tools/clients; `make clients` writes it again.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, NotRequired, TypedDict


class Approvals(TypedDict):
    """Which actions a person has to approve before each call."""

    destructive: NotRequired[bool]
    """Each that destroys something, or whose effect is not known"""

    actions: NotRequired[Sequence[str]]
    """Names of actions; `*` stands for any characters"""

    expiresIn: NotRequired[int]
    """Seconds until an approval expires"""


class BasicAuth(TypedDict):
    """A name and a password (RFC 7617)."""

    type: Literal["basic"]
    """A name and a password"""

    username: str
    """The user's name, without a colon"""

    password: str
    """The password, which is never shown"""


class CustomAction(TypedDict):
    """An action that the endpoint understands; `parameters` is the JSON Schema of an object."""

    name: str
    """The action's name in the path that runs it"""

    title: NotRequired[str | None]
    """What people call it"""

    description: NotRequired[str | None]
    """What it does"""

    effect: NotRequired[Literal["read", "write", "destructive"]]
    """What a call does to the endpoint's data: `read` changes nothing, `write` can be undone, `destructive`
    cannot
    """

    approval: NotRequired[Literal["required"]]
    """A person has to approve each call before it is made"""

    parameters: NotRequired[Mapping[str, Any]]
    """JSON Schema of an object"""


class HeaderAuth(TypedDict):
    """A header that the webhook asks for."""

    type: Literal["header"]
    """A header"""

    name: str
    """The header's name"""

    value: str
    """Its value, which is never shown"""


class JwtAuth(TypedDict):
    """A signed token, which n8n checks with the key it knows."""

    type: Literal["jwt"]
    """A signed token"""

    token: str
    """The signed token, which is never shown"""


class MessageReport(TypedDict):
    """How one message was handled; as an attempt it joins those of its delivery."""

    deliveryId: str
    """The message's `deliveryId`"""

    leaseToken: str
    """The message's `leaseToken`"""

    status: Literal["success", "error"]
    """`error`: it is handed out again by the webhook's retry schedule"""

    statusCode: NotRequired[int | None]
    """The HTTP status that a receiver answered with, where the message was forwarded to one"""

    message: NotRequired[str | None]
    """A few words on the outcome, kept with the attempt"""


class PublishEvent(TypedDict):
    """One event to publish."""

    event: str
    """Such as `workflow.executed`"""

    data: Mapping[str, Any]
    """Up to 200 KB as JSON"""

    id: NotRequired[str | None]
    """Your own id of the event: the same id and body are one event, another body is a 409"""

    timestamp: NotRequired[datetime | str | None]
    """When it happened, ISO 8601; kept in UTC to the second. Now, if it is left out"""

"""The envelopes of a success, and the parameters that several operations share.

Class names are unique: they name OpenAPI components.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, TypeVar, cast

from jobsprint.api.parameters import Path, Query
from jobsprint.core.clock import parse_iso
from jobsprint.core.models import ResponseModel
from jobsprint.domain.integrations import IntegrationType

_Item = TypeVar("_Item")


class _Envelope(ResponseModel):
    # No docstring here and below: it would describe each filled-in envelope in the document.

    @classmethod
    def model_parametrized_name(cls, params: tuple[type[Any], ...]) -> str:
        """`LogViewPage`: what is inside, then the envelope."""
        return f"{params[0].__name__}{cls.__name__}"


class Data(_Envelope, Generic[_Item]):
    # The envelope of a success.

    success: Literal[True] = True
    data: _Item


class Pagination(ResponseModel):
    """Whether there is more, and the cursor that gives it."""

    has_more: bool
    next_cursor: str | None = None


class Page(_Envelope, Generic[_Item]):
    # The envelope of a list.

    success: Literal[True] = True
    data: list[_Item]
    pagination: Pagination


class Deleted(ResponseModel):
    """The id of what was deleted."""

    id: str
    deleted: Literal[True] = True


def success(view: _Item) -> Data[_Item]:
    """An answer with what was asked for."""
    return Data(data=view)


def page(items: list[_Item], next_cursor: str | None) -> Page[_Item]:
    """A page with `hasMore` as the cursor says."""
    return Page(data=items, pagination=Pagination(has_more=next_cursor is not None, next_cursor=next_cursor))


def deleted(id_: str) -> Data[Deleted]:
    """The answer to a deletion."""
    return success(Deleted(id=id_))


_View = TypeVar("_View", bound=Mapping[str, Any])


def without_absent(view: _View) -> _View:
    """The view without its fields that are None: an optional value that is absent is omitted, never null."""
    return cast(_View, {name: value for name, value in view.items() if value is not None})


IntegrationId = Annotated[str, Path("Integration ID: `int_…` or `wh_…`")]
WebhookId = Annotated[str, Path("Webhook ID")]
DeliveryId = Annotated[str, Path("Delivery ID: `dlv_…`")]
JobId = Annotated[str, Path("Recovery ID: `job_…`")]
TypeFilter = Annotated[IntegrationType | None, Query("Filter by type")]


def moment(text: str) -> str:
    """The text, which is a date or time in ISO 8601. Raises ValueError otherwise."""
    try:
        parse_iso(text)
    except ValueError as error:
        raise ValueError("an ISO 8601 date or time such as 2025-01-06T12:00:00Z") from error
    return text

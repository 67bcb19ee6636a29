"""The envelopes of a success (contract, section 2), and how an answer's shape is declared.

Answers are TypedDicts: mypy checks how they are made, OpenAPI describes them, and a cold start builds no model for
them. Class names are unique: they name OpenAPI components.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Generic, Literal, NotRequired, TypeVar, cast

from typing_extensions import TypedDict

from jobsprint.api.parameters import Path, Query
from jobsprint.core.clock import parse_iso
from jobsprint.domain.integrations import IntegrationType

_Item = TypeVar("_Item")
_View = TypeVar("_View", bound=Mapping[str, Any])


# Comments, as a docstring would describe each filled-in envelope in the document.
class Data(TypedDict, Generic[_Item]):
    # The envelope of a success.

    success: Literal[True]
    data: _Item


class Pagination(TypedDict):
    """Whether there is more, and the cursor that gives it."""

    hasMore: bool
    nextCursor: NotRequired[str | None]


class Page(TypedDict, Generic[_Item]):
    # The envelope of a list.

    success: Literal[True]
    data: list[_Item]
    pagination: Pagination


class Deleted(TypedDict):
    """The id of what was deleted."""

    id: str
    deleted: Literal[True]


def success(view: _Item) -> Data[_Item]:
    """An answer with what was asked for."""
    return {"success": True, "data": view}


def page(items: list[_Item], next_cursor: str | None) -> Page[_Item]:
    """A page with `hasMore` as the cursor says."""
    pagination = without_absent(Pagination(hasMore=next_cursor is not None, nextCursor=next_cursor))
    return {"success": True, "data": items, "pagination": pagination}


def deleted(id_: str) -> Data[Deleted]:
    """The answer to a deletion."""
    return success(Deleted(id=id_, deleted=True))


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

"""The envelopes of a success (contract, section 2). An optional value that is absent is omitted, never null."""

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

_Item = TypeVar("_Item")


def absent() -> Any:
    """The default of an answer's field that is left out when it has no value."""
    return Field(default=None, exclude_if=lambda value: value is None)


class Data(BaseModel, Generic[_Item]):
    """The envelope of a success."""

    success: Literal[True] = True
    data: _Item


class Pagination(BaseModel):
    """Whether there is more, and the cursor that gives it."""

    has_more: Annotated[bool, Field(alias="hasMore")]
    next_cursor: Annotated[str | None, Field(alias="nextCursor")] = absent()
    model_config = ConfigDict(populate_by_name=True)


class Page(BaseModel, Generic[_Item]):
    """The envelope of a list."""

    success: Literal[True] = True
    data: list[_Item]
    pagination: Pagination


def page(items: list[_Item], next_cursor: str | None) -> Page[_Item]:
    """A page with `hasMore` as the cursor says."""
    return Page(data=items, pagination=Pagination(has_more=next_cursor is not None, next_cursor=next_cursor))

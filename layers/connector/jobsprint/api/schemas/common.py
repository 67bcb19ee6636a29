"""The envelopes of a success, and the parameters that several operations share.

Class names are unique: they name OpenAPI components.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Generic, Literal, TypeVar

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse
from pydantic import AfterValidator, Field

from jobsprint.core.clock import parse_iso, parse_until
from jobsprint.core.errors import Detail, JobsprintError
from jobsprint.core.models import PAYLOAD, ResponseModel, is_withheld
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

    success: Annotated[Literal[True], Field(description="Always true")] = True
    data: Annotated[_Item, Field(description="What was asked for")]


class Pagination(ResponseModel):
    """Whether there is more, and the cursor that gives it."""

    has_more: Annotated[bool, Field(description="Whether there is another page")]
    next_cursor: Annotated[str | None, Field(description="Send it as `cursor` for the next page")] = None


class Page(_Envelope, Generic[_Item]):
    # The envelope of a list.

    success: Annotated[Literal[True], Field(description="Always true")] = True
    data: Annotated[list[_Item], Field(description="What was found")]
    pagination: Annotated[Pagination, Field(description="How to get the rest")]


class Deleted(ResponseModel):
    """The id of what was deleted."""

    id: Annotated[str, Field(description="The id of what was deleted")]
    deleted: Annotated[Literal[True], Field(description="Always true")] = True


class WrongField(ResponseModel):
    """One wrong field and what to do."""

    field: Annotated[str, Field(description="The field's path, such as `body.url`")]
    message: Annotated[str, Field(description="What is wrong with it")]

    @classmethod
    def listed(cls, details: Sequence[Detail]) -> "list[WrongField] | None":
        """Wrong fields as they are answered; None for none."""
        return [cls(field=detail.field, message=detail.message) for detail in details] or None


class UpstreamView(ResponseModel):
    """What an upstream answered when it failed; secrets are masked, and the body is cut at 8 KB."""

    status: Annotated[int, Field(description="The HTTP status of its answer")]
    body: Annotated[Any, Field(description="Its body, as JSON where it is JSON, else as text")] = None

    @classmethod
    def of(cls, error: JobsprintError) -> "UpstreamView | None":
        """What the upstream behind a failure answered; None where none did."""
        return cls(status=error.upstream.status, body=error.upstream.body) if error.upstream else None


_WITHHELD = "The action failed; what the upstream said needs the capability payloads"


class Problem(ResponseModel):
    """Why something was refused, or why an upstream failed."""

    code: Annotated[str, Field(description="What went wrong, for programs")]
    message: Annotated[str, Field(description="What went wrong, and what to do, for people")]
    details: Annotated[list[WrongField] | None, Field(description="Every wrong field")] = None
    upstream: Annotated[UpstreamView | None, Field(description="What an upstream answered"), PAYLOAD] = None
    log_id: Annotated[str | None, Field(description="The log entry of the call that failed")] = None

    @classmethod
    def of(cls, error: JobsprintError) -> "Problem":
        """A failure as it is answered. That of an action that was sent may have the upstream's own words."""
        return cls(
            code=error.code,
            message=_WITHHELD if error.log_id and is_withheld(PAYLOAD) else error.message,
            details=WrongField.listed(error.details),
            upstream=UpstreamView.of(error),
            log_id=error.log_id,
        )


class Error(ResponseModel):
    """What every failure is answered with."""

    success: Annotated[Literal[False], Field(description="Always false")] = False
    error: Annotated[Problem, Field(description="What went wrong")]
    request_id: Annotated[str, Field(description="Names the request in the logs")]


def shown(model: Any = None, description: str = "Successful Response") -> OpenAPIResponse:
    """One of several answers of an operation, for its `responses`; of what it returns, unless a `model` is named."""
    if model is None:
        return {"description": description}
    return {"description": description, "content": {"application/json": {"model": model}}}


def success(view: _Item) -> Data[_Item]:
    """An answer with what was asked for."""
    return Data(data=view)


def page(items: list[_Item], next_cursor: str | None) -> Page[_Item]:
    """A page with `hasMore` as the cursor says."""
    return Page(data=items, pagination=Pagination(has_more=next_cursor is not None, next_cursor=next_cursor))


def deleted(id_: str) -> Data[Deleted]:
    """The answer to a deletion."""
    return success(Deleted(id=id_))


IntegrationId = Annotated[str, Path(description="Integration ID: `int_…` or `wh_…`")]
WebhookId = Annotated[str, Path(description="Webhook ID")]
DeliveryId = Annotated[str, Path(description="Delivery ID: `dlv_…`")]
JobId = Annotated[str, Path(description="Recovery ID: `job_…`")]
TypeFilter = Annotated[IntegrationType | None, Query(description="Filter by type")]


def _moment(text: str) -> str:
    """The text, which is a date or time in ISO 8601. Raises ValueError otherwise."""
    try:
        parse_iso(text)
    except ValueError as error:
        raise ValueError("an ISO 8601 date or time such as 2025-01-06T12:00:00Z") from error
    return text


Moment = Annotated[str, AfterValidator(_moment)]


def period(from_date: str | None, to_date: str | None) -> tuple[int | None, int | None]:
    """The first and the last moment of a range of `Moment`s, in Unix ms; None where it is open."""
    return (
        None if from_date is None else parse_iso(from_date),
        None if to_date is None else parse_until(to_date),
    )

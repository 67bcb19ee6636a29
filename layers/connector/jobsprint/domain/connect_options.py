"""What connecting an application takes, in the form in which the catalogue shows it."""

from typing import Annotated

from pydantic import Field

from jobsprint.core.models import ResponseModel


class ConnectField(ResponseModel):
    """A field of the body that connects. A form should hide the value of a `secret` one."""

    name: str
    required: bool
    secret: bool
    description: str | None = None


class ConnectOption(ResponseModel):
    """One way to connect an application: its `authType`, if there are several, and what else the body takes."""

    auth_type: str | None = None
    schema_name: Annotated[str, Field(alias="schema", description="The name of the body's schema in this document")]
    fields: tuple[ConnectField, ...]

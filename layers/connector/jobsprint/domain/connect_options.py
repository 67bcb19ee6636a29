"""What connecting an application takes, in the form in which the catalogue shows it."""

from typing import Annotated

from pydantic import Field

from jobsprint.core.models import ResponseModel


class ConnectField(ResponseModel):
    """A field of the body that connects. A form should hide the value of a `secret` one."""

    name: Annotated[str, Field(description="The field's name in the body")]
    required: Annotated[bool, Field(description="Whether connecting needs it")]
    secret: Annotated[bool, Field(description="Whether a form should hide its value")]
    description: Annotated[str | None, Field(description="What to enter")] = None


class ConnectOption(ResponseModel):
    """One way to connect an application: its `authType`, if there are several, and what else the body takes."""

    auth_type: Annotated[
        str | None, Field(description="What to send as `authType`; left out where there is only one way")
    ] = None
    schema_name: Annotated[str, Field(alias="schema", description="The name of the body's schema in this document")]
    fields: Annotated[tuple[ConnectField, ...], Field(description="What the body takes besides `authType`")]

"""The body that connects a custom integration."""

import json
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from jobsprint.connectors.fields import ConnectBody, Description, Name, Target
from jobsprint.core.json_schema import check_schema
from jobsprint.core.models import RequestModel
from jobsprint.core.schema_patterns import Budget
from jobsprint.domain import integrations
from jobsprint.domain.integrations import Effect

PING = "jobsprint.ping"


def _not_ping(name: str) -> str:
    if name == PING:
        raise ValueError("this name is what the test calls; choose another")
    return name


def _schema(schema: dict[str, Any]) -> dict[str, Any]:
    check_schema(schema)
    return schema


class CustomAction(RequestModel):
    """An action that the endpoint understands; `parameters` is the JSON Schema of an object."""

    name: Annotated[
        Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_\-.]+$"), AfterValidator(_not_ping)],
        Field(description="The action's name in the path that runs it"),
    ]
    title: Annotated[Name | None, Field(description="What people call it")] = None
    description: Annotated[Description | None, Field(description="What it does")] = None
    effect: Annotated[
        Effect | None,
        Field(
            description="What a call does to the endpoint's data: `read` changes nothing, `write` can be undone, "
            "`destructive` cannot"
        ),
    ] = None
    approval: Annotated[
        Literal["required"] | None, Field(description="A person has to approve each call before it is made")
    ] = None
    parameters: Annotated[dict[str, Any], AfterValidator(_schema)] = Field(
        default_factory=lambda: {"type": "object"}, description="JSON Schema of an object"
    )


def _few_patterns(actions: Any) -> Any:
    # Before each schema is compiled: together they may need what one may.
    Budget().take(actions)
    return actions


def _unique(actions: list[CustomAction]) -> list[CustomAction]:
    if len({action.name for action in actions}) != len(actions):
        raise ValueError("two actions have the same name")
    if len(json.dumps([action.parameters for action in actions])) > integrations.MAX_ACTIONS_BYTES:
        raise ValueError(f"the schemas together may have up to {integrations.MAX_ACTIONS_BYTES // 1024} KB")
    return actions


class CustomConnect(Target, ConnectBody):
    """An HTTP endpoint of the tenant's own."""

    name: Annotated[Name, Field(description="What people call it")]
    actions: Annotated[
        list[CustomAction],
        Field(max_length=integrations.MAX_ACTIONS),
        AfterValidator(_unique),
        BeforeValidator(_few_patterns),
    ] = Field(default_factory=list, description="What the endpoint can do")

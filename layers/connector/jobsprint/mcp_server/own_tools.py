"""Tools of the service's own: their arguments as a pydantic model, from which their schema is made."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jobsprint.audit import trail
from jobsprint.core.canonical_json import JsonObject
from jobsprint.core.errors import JobsprintError
from jobsprint.core.models import RequestModel, validate
from jobsprint.mcp_server import results
from jobsprint.mcp_server.tool import Given, Tool

READS = {"readOnlyHint": True, "openWorldHint": False}
WRITES = {"readOnlyHint": False, "destructiveHint": False, "openWorldHint": True}

_Arguments = TypeVar("_Arguments", bound=RequestModel)


class NoArguments(RequestModel):
    """Nothing is asked for."""


def own_tool(
    name: str,
    description: str,
    model: type[_Arguments],
    run: Callable[[Given, _Arguments], JsonObject],
    *,
    scope: str = "",
    audited: str = "",
    annotations: Mapping[str, bool] = READS,
) -> Tool:
    """A tool that gives the result of `run`, or an error that names each wrong argument.

    `audited` is the kind under which its calls, each of them about a webhook, stand in the audit trail.
    """

    def checked(given: Given) -> JsonObject:
        try:
            arguments = validate(model, given.arguments, "arguments")
            if not audited:
                return run(given, arguments)
            subject = str(given.arguments["webhookId"])
            with trail.recorded(
                given.caller,
                audited,
                subject=subject,
                arguments=given.arguments,
                client=given.client,
                request_id=given.request_id,
            ):
                return run(given, arguments)
        except JobsprintError as error:
            return results.failed(error)

    schema = _without_titles(model.model_json_schema())
    schema.pop("description", None)
    return Tool(name, description, checked, input_schema=schema, annotations=annotations, scope=scope)


def _without_titles(schema: Any) -> Any:
    """A schema without the titles that pydantic makes from names: they cost a model tokens and say nothing."""
    if isinstance(schema, dict):
        kept = {key: value for key, value in schema.items() if key != "title" or not isinstance(value, str)}
        return {key: _without_titles(value) for key, value in kept.items()}
    return [_without_titles(item) for item in schema] if isinstance(schema, list) else schema

"""The answers to failed requests in docs/openapi.json, with the codes that each operation may give.

`failures.toml` lists them. Each is a response and a schema of its own, so that generated clients know the codes
of every operation; operations with the same codes share them.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

_LIST = Path(__file__).with_name("failures.toml")
_SCHEMAS = "#/components/schemas/"
_REQUEST_ID = "8f6e2c1a-4b7d-4f0e-9c3a-1d5b6a7e8f90"
_RATE_HEADERS: Json = {
    "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}},
    "RateLimit": {"description": 'What is left, such as `"tenant";r=0;t=2`', "schema": {"type": "string"}},
    "RateLimit-Policy": {"description": 'The limit, such as `"tenant";q=200;w=2`', "schema": {"type": "string"}},
}
# The answer that its handler declares: `Error`, or a refused batch.
_OWN = "InvalidEvents"
_REFUSED_BATCH = "BatchRefusal"


class NotListed(Exception):
    """The list has no answer, or two, for an operation and a status."""


@cache
def listed() -> dict[str, Json]:
    """Every answer by its name."""
    return tomllib.loads(_LIST.read_text(encoding="utf-8"))


def name_of(operation_id: str, status: int) -> str:
    """The name of what an operation answers with a status. Raises NotListed."""
    of_status = {name: answer for name, answer in listed().items() if answer["status"] == status}
    own = [name for name, answer in of_status.items() if operation_id in answer.get("of", ())]
    names = own or [name for name, answer in of_status.items() if "of" not in answer]
    if len(names) != 1:
        raise NotListed(f"{operation_id} {status}: {names}")
    return names[0]


def responses() -> Json:
    """The `components.responses`, without those that a handler declares itself."""
    return {name: _response(name, answer) for name, answer in sorted(listed().items()) if name != _OWN}


def schemas(shared: Json) -> Json:
    """`components.schemas` with those of the failures: `Problem`, and in place of `Error`, with the codes of each."""
    made: Json = {}
    for name, answer in listed().items():
        problem, error = shared["Problem"], shared["Error"]
        code = {**problem["properties"]["code"], "enum": answer["codes"]}
        made[f"{name}Problem"] = {**problem, "properties": {**problem["properties"], "code": code}}
        made[f"{name}Error"] = _with_problem(error, name)
    rest = {name: schema for name, schema in shared.items() if name != "Error"}
    return {**rest, **made, _REFUSED_BATCH: _with_problem(shared[_REFUSED_BATCH], _OWN)}


def declared(operation_id: str, status: str, answer: Json) -> Json:
    """An answer that a handler declares itself: of a failure, with the codes of the operation instead of any."""
    if status < "4":
        return answer
    name = name_of(operation_id, int(status))
    schema = answer["content"]["application/json"]["schema"]
    options = [
        {"$ref": f"{_SCHEMAS}{name}Error"} if option == {"$ref": f"{_SCHEMAS}Error"} else option
        for option in schema["anyOf"]
    ]
    return {**answer, "content": {"application/json": {"schema": {"anyOf": options}, "examples": _examples(name)}}}


def _with_problem(schema: Json, name: str) -> Json:
    error = {**schema["properties"]["error"], "$ref": f"{_SCHEMAS}{name}Problem"}
    return {**schema, "properties": {**schema["properties"], "error": error}}


def _response(name: str, answer: Json) -> Json:
    content = {"schema": {"$ref": f"{_SCHEMAS}{name}Error"}, "examples": _examples(name)}
    response = {"description": answer["description"], "content": {"application/json": content}}
    return {**response, "headers": _RATE_HEADERS} if answer["status"] == 429 else response


def _examples(name: str) -> Json:
    answer = listed()[name]
    code = answer["codes"][0]
    more: Json = {key: answer[key] for key in ("details", "upstream", "logId") if key in answer}
    problem = {"code": code, "message": answer["message"], **more}
    return {code: {"value": {"success": False, "error": problem, "requestId": _REQUEST_ID}}}

"""docs/api-contract.md against the code: its operations, their scopes and statuses, its error codes, its examples."""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.support.template import ROOT, resources, routes

CONTRACT = ROOT / "docs" / "api-contract.md"
OPENAPI = ROOT / "docs" / "openapi.json"
EXAMPLES = ROOT / "tests" / "contract" / "api_examples.json"

PUBLIC = "none"
ANY_SESSION = "session"
# What the two tables of operations leave out: every operation with a token, or with a body, may answer these.
EVERYWHERE = {"400", "401", "403", "415", "422", "429", "500"}
# Errors of functions behind no route: the catalogue's refresh, the bus.
NOT_ANSWERED = {"list_incomplete", "list_unavailable", "tenant_not_found"}
# Codes that are composed: `upstream_` and the kind of a failure, and a kind of resource and `_not_found`.
COMPOSED = re.compile(r"upstream_\w+|\w+_not_found")
# Only the OAuth callback says these, which the file does not describe; the last is said of one message of several.
OUTSIDE = {("invalid_state", "400"), ("not_pending", "302"), ("token_endpoint_failed", "302"), ("lease_ended", "409")}
# The MCP endpoint's, which the file does not describe either.
OUTSIDE |= {("wrong_tenant", "403"), ("not_a_read", "403"), ("execution_cancelled", "409")}

_OPERATION = re.compile(r"^\| `(GET|POST|PUT|PATCH|DELETE) (/\S*)` \| (?:`(\S+)`|(\w+)) \|([^|]+)\|([^|]*)\|")
_ERRORS = re.compile(r"^\| (`[a-z0-9_]+`(?:, `[a-z0-9_]+`)*) \| ([0-9]{3}(?:, [0-9]{3})*) \|")
_MENTION = re.compile(r"\b(GET|POST|PUT|PATCH|DELETE) (/[\w/{}.+-]*)")
_CODE = re.compile(r"[a-z][a-z0-9_]*")


@cache
def contract() -> str:
    return CONTRACT.read_text(encoding="utf-8")


@cache
def documented() -> dict[tuple[str, str], tuple[str, set[str]]]:
    """Scope and statuses of each (METHOD, path) in the tables of operations."""
    found: dict[tuple[str, str], tuple[str, set[str]]] = {}
    for line in contract().splitlines():
        if match := _OPERATION.match(line):
            method, path, scope, public, success, failures = match.groups()
            assert (method, path) not in found, f"{method} {path} stands there twice"
            found[method, path] = scope or public, set(re.findall(r"\d{3}", f"{success} {failures}"))
    return found


@cache
def described() -> dict[tuple[str, str], dict[str, Any]]:
    """The operations of docs/openapi.json by (METHOD, path)."""
    paths = json.loads(OPENAPI.read_text(encoding="utf-8"))["paths"]
    return {(verb.upper(), path): operation for path, item in paths.items() for verb, operation in item.items()}


def error_codes() -> set[str]:
    """The codes in the table of error codes."""
    cells = [match[1] for line in contract().splitlines() if (match := _ERRORS.match(line))]
    return {code for cell in cells for code in re.findall(r"\w+", cell)}


# --- operations -------------------------------------------------------------------------------------------------------


def test_it_names_every_operation_and_no_other() -> None:
    assert documented().keys() == routes().keys()
    assert documented().keys() >= described().keys()


@pytest.mark.parametrize("operation", sorted(described()), ids=" ".join)
def test_operations_have_their_scope_and_statuses(operation: tuple[str, str]) -> None:
    scope, statuses = documented()[operation]
    security = described()[operation]["security"]
    scopes = [name for requirement in security for names in requirement.values() for name in names]
    assert [scope] == (scopes or [ANY_SESSION if security else PUBLIC])
    assert statuses == set(described()[operation]["responses"]) - (EVERYWHERE if security else {"429", "500"})


def test_operations_outside_the_openapi_file_are_public() -> None:
    assert {scope for operation, (scope, _) in documented().items() if operation not in described()} == {PUBLIC}


def test_operations_in_its_text_exist() -> None:
    mentioned = {(method, path.rstrip(".")) for method, path in _MENTION.findall(contract())}
    assert mentioned
    assert mentioned <= routes().keys()


# --- error codes ------------------------------------------------------------------------------------------------------


def test_every_code_that_is_raised_is_in_its_table() -> None:
    raised = set(_raised()) - NOT_ANSWERED
    assert len(raised) > 50, "the codes in the source are no longer found"
    assert raised - error_codes() == set()


def test_every_code_of_its_table_is_in_the_source() -> None:
    written = set(_texts()) | _gateway_codes()
    assert {code for code in error_codes() if code not in written and not COMPOSED.fullmatch(code)} == set()


def test_operations_list_the_codes_of_its_table() -> None:
    documented = {
        (code, status)
        for line in contract().splitlines()
        if (match := _ERRORS.match(line))
        for code in re.findall(r"\w+", match[1])
        for status in match[2].split(", ")
    }
    shared = json.loads(OPENAPI.read_text(encoding="utf-8"))["components"]
    listed = {
        (code, status)
        for operation in described().values()
        for status, answer in operation["responses"].items()
        for code in _listed_codes(shared, answer)
    }
    assert listed == documented - OUTSIDE


def test_reasons_of_n8n_are_in_its_text() -> None:
    """n8n's refusals become codes by themselves or behind `upstream_`, and reasons of failed tests."""
    reasons = {code for call in _calls("Refused") for argument in call.args[:1] for code in _codes(argument)}
    assert reasons
    named = set(re.findall(r"`(?:upstream_)?(\w+)`", contract()))
    assert reasons - named == set()


def test_codes_of_api_gateway_are_in_its_table() -> None:
    assert _gateway_codes() - error_codes() == set()


@cache
def _trees() -> tuple[ast.Module, ...]:
    files = [path for folder in ("layers", "functions") for path in sorted((ROOT / folder).rglob("*.py"))]
    return tuple(ast.parse(path.read_text(encoding="utf-8"), str(path)) for path in files)


def _raised() -> Iterator[str]:
    """Every code that an error is given: by `code=`, by `default_code`, or by an assignment to `code`."""
    for tree in _trees():
        for node in ast.walk(tree):
            match node:
                case ast.Call():
                    yield from (
                        code for keyword in node.keywords if keyword.arg == "code" for code in _codes(keyword.value)
                    )
                case ast.AnnAssign(target=ast.Name(id="default_code"), value=ast.expr() as value):
                    yield from _codes(value)
                case ast.Assign(
                    targets=[ast.Name(id="code" | "default_code") | ast.Attribute(attr="code")], value=value
                ):
                    yield from _codes(value)


def _calls(name: str) -> Iterator[ast.Call]:
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
                yield node


def _codes(value: ast.expr) -> Iterator[str]:
    """The codes that an expression may give; nothing for one that is composed or handed on."""
    match value:
        case ast.Constant(value=str(text)) if _CODE.fullmatch(text):
            yield text
        case ast.IfExp(body=body, orelse=orelse):
            yield from (*_codes(body), *_codes(orelse))
        case ast.Call(func=ast.Attribute(value=ast.Dict(values=values))):
            yield from (code for one in values for code in _codes(one))


def _texts() -> Iterator[str]:
    for tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def _listed_codes(shared: dict[str, Any], answer: dict[str, Any]) -> Iterator[str]:
    """The codes of the schemas that an answer to a failed request has."""
    name = answer.get("$ref", "").rpartition("/")[2]
    schema = (shared["responses"][name] if name else answer)["content"]["application/json"]["schema"]
    for option in schema.get("anyOf", [schema]):
        error = shared["schemas"][option["$ref"].rpartition("/")[2]]["properties"].get("error")
        if error:
            yield from shared["schemas"][error["$ref"].rpartition("/")[2]]["properties"]["code"]["enum"]


def _gateway_codes() -> set[str]:
    """What API Gateway answers by itself, as the template says."""
    responses = resources("AWS::Serverless::Api")["Api"]["GatewayResponses"]
    return set(re.findall(r'"code":"(\w+)"', json.dumps(responses).replace('\\"', '"')))


# --- examples ---------------------------------------------------------------------------------------------------------


def test_every_example_is_listed() -> None:
    listed = re.findall(r"`(\w+)`", contract().partition("Published examples\n")[2])
    assert set(json.loads(EXAMPLES.read_text(encoding="utf-8"))) <= set(listed)


def test_its_json_is_json() -> None:
    blocks = re.findall(r"```json\n(.*?)```", contract(), re.DOTALL)
    assert blocks
    for block in blocks:
        json.loads(block)


def test_it_stands_alone() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", contract())
    missing = [link for link in links if "://" not in link and not (Path(CONTRACT).parent / link).exists()]
    assert missing == []

"""What SAM makes of template.yaml: CloudFormation's and Lambda's limits, and the preflights of every path."""

import json
from collections import Counter
from typing import Any

import pytest

from tests.architecture.test_template import PUBLIC
from tests.support.expanded import expanded
from tests.support.template import routes

MAX_RESOURCES = 450  # of CloudFormation's 500: routes are still to come
MAX_POLICY_BYTES = 15_000  # of Lambda's 20 KB for a function's resource policy
ORIGIN = {"Fn::Sub": "'${CorsOrigin}'"}


def api() -> Any:
    return expanded()["Api"]["Properties"]["Body"]


def preflight(path: str) -> Any:
    return api()["paths"][path]["options"]


def statement(name: str, permission: dict[str, Any]) -> dict[str, Any]:
    """A permission as it stands in a function's resource policy, with names as long as deployed ones may be."""
    function = f"arn:aws-us-gov:lambda:us-gov-east-1:123456789012:function:{'x' * 64}:live"
    return {
        "Sid": f"jobsprint-prod-{name}-{'X' * 12}",
        "Effect": "Allow",
        "Principal": {"Service": permission["Principal"]},
        "Action": permission["Action"],
        "Resource": function,
        "Condition": {"ArnLike": {"AWS:SourceArn": json.dumps(permission["SourceArn"])}},
    }


def test_the_stack_leaves_room_for_more_routes() -> None:
    kinds = Counter(resource["Type"] for resource in expanded().values())
    assert kinds.total() < MAX_RESOURCES, kinds


def test_no_function_has_too_many_permissions() -> None:
    policies: dict[str, list[dict[str, Any]]] = {}
    for name, resource in expanded().items():
        if resource["Type"] == "AWS::Lambda::Permission":
            properties = resource["Properties"]
            policies.setdefault(json.dumps(properties["FunctionName"]), []).append(statement(name, properties))
    sizes = {function: len(json.dumps(statements)) for function, statements in policies.items()}
    assert sizes
    assert max(sizes.values()) < MAX_POLICY_BYTES, sizes


@pytest.mark.parametrize("path", sorted({path for _, path in routes()}))
def test_a_preflight_needs_no_token_and_no_function(path: str) -> None:
    options = preflight(path)
    assert options["x-amazon-apigateway-integration"]["type"] == "mock"
    assert not options.get("security")
    [answer] = options["x-amazon-apigateway-integration"]["responses"].values()
    assert answer["responseParameters"] == {
        "method.response.header.Access-Control-Allow-Origin": ORIGIN,
        "method.response.header.Access-Control-Allow-Methods": "'GET,POST,PUT,PATCH,DELETE'",
        "method.response.header.Access-Control-Allow-Headers": (
            "'Authorization,Content-Type,Idempotency-Key,Prefer,traceparent,MCP-Protocol-Version,Mcp-Method,Mcp-Name'"
        ),
        "method.response.header.Access-Control-Max-Age": "'7200'",
    }


def test_other_methods_need_a_token() -> None:
    by_security: dict[str, set[str]] = {}
    for path, methods in api()["paths"].items():
        for method in set(methods) - {"options"}:
            by_security.setdefault(json.dumps(methods[method]["security"]), set()).add(path)
    assert by_security.pop('[{"NONE": []}]') == PUBLIC
    assert by_security.keys() == {'[{"TokenAuthorizer": []}]'}


def test_what_the_gateway_answers_by_itself_has_the_same_origin() -> None:
    header = "gatewayresponse.header.Access-Control-Allow-Origin"
    responses = api()["x-amazon-apigateway-gateway-responses"]
    assert {json.dumps(response["responseParameters"][header]) for response in responses.values()} == {
        json.dumps(ORIGIN)
    }


def test_what_the_gateway_answers_by_itself_is_not_to_be_sniffed() -> None:
    responses = api()["x-amazon-apigateway-gateway-responses"]
    found = {
        json.dumps(response["responseParameters"].get("gatewayresponse.header.X-Content-Type-Options"))
        for response in responses.values()
    }
    assert found == {json.dumps("'nosniff'")}

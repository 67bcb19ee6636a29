"""Calls a function's real handler with a real API Gateway event."""

import importlib
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.support.described import check
from tests.support.template import routes


@dataclass
class Context:
    """What Lambda passes beside the event."""

    function_name: str = "test"
    memory_limit_in_mb: int = 512
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:test"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"

    def get_remaining_time_in_millis(self) -> int:
        return 29_000


class Died(BaseException):
    """The end of a container: nothing of ours catches it."""


@dataclass
class Answer:
    """A handler's answer with its body parsed."""

    status: int
    body: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Any:
        assert self.body["success"] is True, self.body
        return self.body["data"]

    @property
    def error(self) -> Any:
        assert self.body["success"] is False, self.body
        return self.body["error"]


def handler(folder: str) -> Any:
    """The handler of functions/<folder>/app.py."""
    return importlib.import_module(f"functions.{folder}.app").handler


def event(
    method: str,
    target: str,
    *,
    tenant: str | None = "acme",
    scopes: str = "*",
    body: Any = None,
    headers: dict[str, str] | None = None,
    token: str | None = None,
    token_id: str = "tok_test",  # noqa: S107 - an id is no secret
    context: dict[str, str] | None = None,
) -> tuple[str, dict[str, Any]]:
    """The folder that serves `target` (path and query) and the API Gateway event for it.

    A `body` that is a string is sent as it is; anything else as JSON. With a `token`, the authorizer says who calls;
    `context` is what it said before.
    """
    path, _, query = target.partition("?")
    folder, resource, parameters = _route(method, path)
    pairs = parse_qsl(query, keep_blank_values=True)
    multi: dict[str, list[str]] = {}
    for name, value in pairs:
        multi.setdefault(name, []).append(value)
    sent = {"Content-Type": "application/json"} if body is not None else {}
    sent |= headers or {}
    return folder, {
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": sent,
        "multiValueHeaders": {name: [value] for name, value in sent.items()},
        "queryStringParameters": dict(pairs) or None,
        "multiValueQueryStringParameters": multi or None,
        "pathParameters": parameters or None,
        "stageVariables": None,
        "requestContext": {
            "stage": "v1",
            "domainName": "api.jobsprint.test",
            "path": f"/v1{path}",
            "httpMethod": method,
            "requestId": "req-1",
            "identity": {"sourceIp": "127.0.0.1"},
            "authorizer": context or (authorized(token) if token is not None else _context(tenant, scopes, token_id)),
        },
        "body": body if body is None or isinstance(body, str) else json.dumps(body),
        "isBase64Encoded": False,
    }


def authorized(token: str) -> dict[str, str] | None:
    """What the authorizer hands on for a token; None where it denies it, which API Gateway answers with 401."""
    arn = "arn:aws:execute-api:us-east-1:000000000000:api123/v1/GET/integrations"
    request = {"type": "TOKEN", "methodArn": arn, "authorizationToken": f"Bearer {token}"}
    answer = handler("authorize")(request, Context())
    context: dict[str, str] | None = answer.get("context")
    return context


def _context(tenant: str | None, scopes: str, token_id: str) -> dict[str, str] | None:
    return {"tenant": tenant, "scopes": scopes, "tokenId": token_id} if tenant else None


def call(method: str, target: str, **options: Any) -> Answer:
    """The answer of the operation behind `target`, as docs/openapi.json describes it; options as for `event`."""
    folder, request = event(method, target, **options)
    answer = handler(folder)(request, Context())
    headers = answer.get("headers", {})
    is_json = headers.get("Content-Type", "").startswith("application/json")
    body = json.loads(answer["body"]) if is_json else answer["body"]
    check(method, request["resource"], answer["statusCode"], body)
    return Answer(answer["statusCode"], body, headers)


def _route(method: str, path: str) -> tuple[str, str, dict[str, str]]:
    # A literal segment beats a parameter, as in API Gateway.
    for (verb, resource), folder in sorted(routes().items(), key=lambda route: route[0][1].count("{")):
        names = re.findall(r"\{(\w+)\+?\}", resource)
        # A greedy parameter, `{proxy+}`, takes the rest of the path.
        pattern = re.sub(r"\\\{\w+\\\+\\\}", "(.+)", re.escape(resource))
        match = re.fullmatch(re.sub(r"\\\{\w+\\\}", "([^/]+)", pattern), path)
        if verb == method and match:
            return folder, resource, dict(zip(names, match.groups(), strict=True))
    raise AssertionError(f"template.yaml has no route {method} {path}")

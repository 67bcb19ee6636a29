"""Who may call: the tenant and scopes in the request's context, and nothing else."""

import json
from typing import Any

import pytest

from jobsprint.api.app import Endpoint, error_answer
from jobsprint.api.auth import caller_of
from jobsprint.api.schemas.common import Data, Deleted
from jobsprint.core.errors import Forbidden, JobsprintError, RateLimited, Unauthenticated
from jobsprint.domain.callers import ANY_TOKEN
from tests.support import call as calls
from tests.support.call import Context, call


@pytest.mark.parametrize(
    "context",
    [
        {},
        {"authorizer": None},
        {"authorizer": {}},
        {"authorizer": {"tenant": ""}},
        {"authorizer": {"tenant": None}},
        {"authorizer": {"tenant": 5, "scopes": "*"}},
        {"tenant": "acme"},
    ],
)
def test_without_a_tenant_nobody_calls(context: dict[str, Any]) -> None:
    for event in ({"requestContext": context}, {"requestContext": None}, {}, {"headers": {"X-Tenant": "acme"}}):
        with pytest.raises(Unauthenticated):
            caller_of(event)


@pytest.mark.parametrize(
    ("scopes", "allowed"),
    [
        ("*", True),
        ("integrations:read", True),
        ("webhooks:read integrations:read", True),
        ("", False),
        ("integrations:write", False),
        ("integrations:reads", False),
        ("integrations", False),
        ("integrations:*", False),
        ("xintegrations:read", False),
    ],
)
def test_scopes(scopes: str, allowed: bool) -> None:
    event = {"requestContext": {"authorizer": {"tenant": "acme", "scopes": scopes}}}

    caller = caller_of(event)
    assert caller.tenant == "acme"
    caller.require(ANY_TOKEN)
    if allowed:
        caller.require("integrations:read")
    else:
        with pytest.raises(Forbidden):
            caller.require("integrations:read")


def test_an_unforeseen_failure_tells_nothing() -> None:
    answer = error_answer(RuntimeError("password=hunter2"), "req-1")

    assert answer["statusCode"] == 500
    assert "hunter2" not in answer["body"]


@pytest.mark.parametrize("error", [RateLimited("m", retry_after=7), JobsprintError("m", headers={"Retry-After": "7"})])
def test_headers_of_an_error_are_sent(error: JobsprintError) -> None:
    assert error_answer(error, "req-1")["headers"]["Retry-After"] == "7"


@pytest.mark.usefixtures("aws")
def test_an_answer_that_breaks_its_model_is_our_failure_and_not_the_callers() -> None:
    app = Endpoint(scope=None)

    @app.get("/health")
    def wrong() -> Data[Deleted]:
        return {"data": {"id": 5, "password": "hunter2"}}  # type: ignore[return-value]

    _, request = calls.event("GET", "/health")
    answer = app.resolve(request, Context())

    assert answer["statusCode"] == 500
    assert json.loads(answer["body"])["error"]["code"] == "internal_error"
    assert "hunter2" not in answer["body"]


@pytest.mark.usefixtures("aws")
def test_the_raw_request_is_checked_in_this_order() -> None:
    form, json_type = {"Content-Type": "text/plain"}, {"Content-Type": "application/json"}
    big = "{" + "x" * 256 * 1024
    for scopes, headers, body, status, field in (
        ("webhooks:read", form, big, 403, None),
        ("*", form, big, 415, None),
        ("*", json_type, big, 413, None),
        ("*", json_type | {"Idempotency-Key": ""}, "{", 400, None),
        ("*", json_type | {"Idempotency-Key": ""}, "{}", 422, "header.Idempotency-Key"),
        ("*", json_type, "{}", 422, "body.name"),
    ):
        answer = call("POST", "/integrations/webhooks", scopes=scopes, headers=headers, body=body)
        assert answer.status == status, answer.body
        assert answer.error.get("details", [{"field": None}])[0]["field"] == field

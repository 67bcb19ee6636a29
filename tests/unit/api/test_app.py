"""Who may call: the tenant and scopes in the request's context, and nothing else."""

from typing import Any

import pytest

from jobsprint.api.app import error_answer
from jobsprint.api.auth import ANY_TOKEN, caller_of
from jobsprint.core.errors import Forbidden, JobsprintError, RateLimited, Unauthenticated


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
            caller_of(event, ANY_TOKEN)


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

    assert caller_of(event, ANY_TOKEN).tenant == "acme"
    if allowed:
        assert caller_of(event, "integrations:read").tenant == "acme"
    else:
        with pytest.raises(Forbidden):
            caller_of(event, "integrations:read")


def test_an_unforeseen_failure_tells_nothing() -> None:
    answer = error_answer(RuntimeError("password=hunter2"), "req-1")

    assert answer["statusCode"] == 500
    assert "hunter2" not in answer["body"]


@pytest.mark.parametrize("error", [RateLimited("m", retry_after=7), JobsprintError("m", headers={"Retry-After": "7"})])
def test_headers_of_an_error_are_sent(error: JobsprintError) -> None:
    assert error_answer(error, "req-1")["headers"]["Retry-After"] == "7"

"""The authorizer: who stands behind a token. API Gateway keeps each answer for 60 seconds."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from jobsprint.api.auth import context_of
from jobsprint.core.clock import now_ms
from jobsprint.domain.callers import Caller
from jobsprint.security.api_tokens import principal_of


def handler(event: dict[str, Any], _: LambdaContext) -> dict[str, Any]:
    """Allows what a valid token may call and hands on who calls (`api.auth`); denies everything else."""
    scheme, _space, token = str(event.get("authorizationToken", "")).partition(" ")
    caller = principal_of(token.strip(), now_ms()) if scheme.lower() == "bearer" else None
    return _allow(caller, event["methodArn"]) if caller else _policy("unknown", "Deny", event["methodArn"])


def _allow(caller: Caller, method_arn: str) -> dict[str, Any]:
    answer = _policy(caller.token_id, "Allow", method_arn)
    answer["context"] = context_of(caller)
    return answer


def _policy(principal: str, effect: str, method_arn: str) -> dict[str, Any]:
    # The cached answer serves every method of this stage: scopes are judged by each operation itself.
    api, stage, *_ = method_arn.split("/")
    return {
        "principalId": principal,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": f"{api}/{stage}/*"}],
        },
    }

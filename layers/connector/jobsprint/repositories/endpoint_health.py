"""The health of webhook endpoints that are not healthy, and the rate limiters of those with a rate limit.

    pk <tenant>#endpoint-health   sk <webhook id>   state (JSON)   version
    pk <tenant>#rate-limiter      sk <webhook id>   state (JSON)   version

A change is decided on the state that was read, and written if nobody changed it since; else it is decided again on the
current state. Webhooks that are healthy and have no rate limit have no item here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.endpoint_health import EndpointHealth
from jobsprint.domain.rate_limiter import RateLimiter
from jobsprint.repositories.dynamodb import Lost, Value, marshal_item, try_write, unmarshal_item

_State = TypeVar("_State")
_Outcome = TypeVar("_Outcome")

_TRIES = 6


class Contended(Exception):
    """Others changed the state again and again; nothing was written."""


@dataclass(frozen=True)
class Versioned(Generic[_State]):
    """A stored state and its version (0: none is stored yet)."""

    state: _State
    version: int


@dataclass(frozen=True)
class _Kind(Generic[_State]):
    """How a kind of state is stored."""

    name: str
    json: TypeAdapter[_State]
    kept_seconds: int


_HEALTH = _Kind("endpoint-health", TypeAdapter(EndpointHealth), 90 * 86400)
_LIMITER = _Kind("rate-limiter", TypeAdapter(RateLimiter), 86400)


class EndpointHealthStore:
    """The endpoint health of one tenant's webhooks. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def get(self, webhook_id: str) -> Versioned[EndpointHealth]:
        """The health of a webhook."""
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=marshal_item({**self._key(_HEALTH.name, webhook_id)}), ConsistentRead=True
        )
        return _versioned(_HEALTH, unmarshal_item(answer.get("Item", {})))

    def change(
        self,
        webhook_id: str,
        decide: Callable[[EndpointHealth], tuple[EndpointHealth, _Outcome]],
        *,
        now: int,
        read: Versioned[EndpointHealth] | None = None,
    ) -> tuple[Versioned[EndpointHealth], _Outcome]:
        """Write the state that `decide` returns, which may be called several times; nothing if it is unchanged.

        `read` saves the read if it is still current. Raises Contended.
        """
        return self._change(_HEALTH, webhook_id, decide, read or self.get(webhook_id), now)

    def change_rate_limiter(
        self,
        webhook_id: str,
        decide: Callable[[RateLimiter], tuple[RateLimiter, _Outcome]],
        *,
        now: int,
        read: Versioned[RateLimiter],
    ) -> tuple[Versioned[RateLimiter], _Outcome]:
        """The same for the rate limiter of a webhook; `read` is what this container wrote last, or version 0."""
        return self._change(_LIMITER, webhook_id, decide, read, now)

    def _change(
        self,
        kind: _Kind[_State],
        webhook_id: str,
        decide: Callable[[_State], tuple[_State, _Outcome]],
        read: Versioned[_State],
        now: int,
    ) -> tuple[Versioned[_State], _Outcome]:
        for _ in range(_TRIES):
            state, outcome = decide(read.state)
            if state == read.state:
                return read, outcome
            current = self._write(kind, webhook_id, state, read.version, now)
            if current is None:
                return Versioned(state, read.version + 1), outcome
            read = _versioned(kind, current)
        raise Contended(f"{kind.name} of {webhook_id}")

    def _key(self, kind: str, webhook_id: str) -> dict[str, str]:
        return {"pk": f"{self._tenant}#{kind}", "sk": webhook_id}

    def _write(
        self, kind: _Kind[_State], webhook_id: str, state: _State, version: int, now: int
    ) -> dict[str, Any] | None:
        """Write a state over that version; None when it is written, else the current item."""
        item: dict[str, Value | None] = {
            **self._key(kind.name, webhook_id),
            "state": kind.json.dump_json(state).decode(),
            "version": version + 1,
            "expiresAt": now // 1000 + kind.kept_seconds,
        }
        unchanged: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
        if version:
            unchanged = {
                "ConditionExpression": "#version = :version",
                "ExpressionAttributeNames": {"#version": "version"},
                "ExpressionAttributeValues": marshal_item({":version": version}),
            }
        answer = try_write(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=marshal_item(item),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **unchanged,
            )
        )
        return answer.item if isinstance(answer, Lost) else None


def _versioned(kind: _Kind[_State], item: dict[str, Any]) -> Versioned[_State]:
    return Versioned(kind.json.validate_json(item.get("state", "{}")), item.get("version", 0))

"""What is known of webhooks that are not calm, and of those with a rate limit. Nothing stands here of any other.

    pk <tenant>#traffic   sk <webhook id>   state (JSON)   version
    pk <tenant>#pace      sk <webhook id>   state (JSON)   version

A change is decided on what was read and written if nobody changed it since; else it is decided anew on what stands.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.domain.endpoint_health import Traffic
from jobsprint.domain.rate_limiter import Pace
from jobsprint.repositories.dynamodb import Lost, Value, marshal_item, try_write, unmarshal_item

_State = TypeVar("_State", Traffic, Pace)
_Outcome = TypeVar("_Outcome")

_TRIES = 6
_TRAFFIC_SECONDS = 90 * 86400
_PACE_SECONDS = 86400


class Contended(Exception):
    """Others changed it again and again; nothing was written."""


@dataclass(frozen=True)
class Seen(Generic[_State]):
    """A state as it stands, and its version (0: there is none yet)."""

    state: _State
    version: int


class TrafficStore:
    """The traffic of one tenant's webhooks. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def traffic(self, webhook_id: str) -> Seen[Traffic]:
        """What is known of a webhook."""
        return _seen(self._read("traffic", webhook_id), Traffic)

    def change(
        self,
        webhook_id: str,
        decide: Callable[[Traffic], tuple[Traffic, _Outcome]],
        *,
        now: int,
        seen: Seen[Traffic] | None = None,
    ) -> tuple[Seen[Traffic], _Outcome]:
        """Writes what `decide` makes of the state, which may be called several times; nothing where it is the same.

        `seen` saves the read if it still stands. Raises Contended.
        """
        seen = seen or self.traffic(webhook_id)
        return self._change("traffic", webhook_id, decide, seen, now // 1000 + _TRAFFIC_SECONDS)

    def change_pace(
        self, webhook_id: str, decide: Callable[[Pace], tuple[Pace, _Outcome]], *, now: int, seen: Seen[Pace]
    ) -> tuple[Seen[Pace], _Outcome]:
        """The same for the pace of a webhook. Begin with `Seen(Pace(), 0)`: one write where that is how it stands."""
        return self._change("pace", webhook_id, decide, seen, now // 1000 + _PACE_SECONDS)

    def _change(
        self,
        kind: str,
        webhook_id: str,
        decide: Callable[[_State], tuple[_State, _Outcome]],
        seen: Seen[_State],
        expires: int,
    ) -> tuple[Seen[_State], _Outcome]:
        for _ in range(_TRIES):
            state, outcome = decide(seen.state)
            if state == seen.state:
                return seen, outcome
            stands = self._write(kind, webhook_id, state, seen.version, expires)
            if stands is None:
                return Seen(state, seen.version + 1), outcome
            seen = _seen(stands, type(state))
        raise Contended(f"{kind} of {webhook_id}")

    def _key(self, kind: str, webhook_id: str) -> dict[str, str]:
        return {"pk": f"{self._tenant}#{kind}", "sk": webhook_id}

    def _read(self, kind: str, webhook_id: str) -> dict[str, Any]:
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=marshal_item(self._key(kind, webhook_id)), ConsistentRead=True
        )
        return unmarshal_item(answer.get("Item", {}))

    def _write(
        self, kind: str, webhook_id: str, state: Traffic | Pace, version: int, expires: int
    ) -> dict[str, Any] | None:
        """None when it is written, else what stands instead."""
        item: dict[str, Value | None] = {
            **self._key(kind, webhook_id),
            "state": msgspec.json.encode(state).decode(),
            "version": version + 1,
            "expiresAt": expires,
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


def _seen(item: dict[str, Any], kind: type[_State]) -> Seen[_State]:
    return Seen(msgspec.json.decode(item.get("state", "{}"), type=kind), item.get("version", 0))

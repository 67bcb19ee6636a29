"""OAuth: flows under way, unconfirmed authorizations, registered clients and grants, each with its secrets encrypted.

    pk #oauth#<sha256 of the state>   sk 1                              an authorization flow, for ten minutes
    pk <tenant>#unconfirmed           sk <sha256 of its confirmation>   an authorization to confirm, for ten minutes
    pk <tenant>#oauth-client          sk <hash of issuer and redirect>  who we are at an authorization server
    pk <tenant>#grant                 sk <grant id>                     the tokens for one server
    pk <tenant>#grant                 sk <grant id>#<integration id>    an integration that uses them

Only the state leads to a flow's tenant when the browser comes back, so that one key begins with no tenant (and no
tenant's name begins with `#`). Its tenant is stored beside the encrypted text, which opens for that tenant alone.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import Item, Lost, live, marshal_item, try_write, unmarshal_item, written

FLOW_SECONDS = 600
CONFIRM_SECONDS = 600
_KEPT_UNCONFIRMED_SECONDS = 14 * 86_400  # as long as the message that revokes it may be a dead letter


# --- authorization flows ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredFlow:
    """An authorization flow under way: its tenant, and its encrypted particulars, bound to `id`."""

    id: str
    tenant: str
    encrypted: str


def flow_id(state: str) -> str:
    """The id under which a flow is stored; the state itself, which ends it, is stored nowhere."""
    return hashlib.sha256(state.encode(errors="replace")).hexdigest()


def _flow_key(id_: str) -> Any:
    return marshal_item({"pk": f"#oauth#{id_}", "sk": "1"})


def save_flow(flow: StoredFlow, now: int) -> None:
    """Store a flow for ten minutes from `now` (ms)."""
    aws.dynamodb().put_item(
        TableName=settings().tenants_table,
        Item=_flow_key(flow.id)
        | marshal_item({"tenant": flow.tenant, "encrypted": flow.encrypted, "expiresAt": now // 1000 + FLOW_SECONDS}),
        ConditionExpression="attribute_not_exists(pk)",
    )


def take_flow(id_: str, now: int) -> StoredFlow | None:
    """Delete a flow and give it, once: of several callers one gets it. None for one that is missing or too old."""
    answer = try_write(
        lambda: aws.dynamodb().delete_item(
            TableName=settings().tenants_table,
            Key=_flow_key(id_),
            ConditionExpression="attribute_exists(pk)",
            ReturnValues="ALL_OLD",
        )
    )
    if isinstance(answer, Lost):
        return None
    item = unmarshal_item(answer["Attributes"])
    return StoredFlow(id_, item["tenant"], item["encrypted"]) if live(item, now) else None


# --- unconfirmed authorizations ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Unconfirmed:
    """What an authorization gave, until the application confirms it: `id` is the hash of the confirmation.

    `integration_version` is that of the integration when it began to wait; times in ms.
    """

    id: str
    integration_id: str
    integration_version: int
    encrypted: str
    confirm_by: int


def confirmation_id(confirmation: str) -> str:
    """The id under which an authorization waits; the confirmation itself is stored nowhere."""
    return hashlib.sha256(confirmation.encode(errors="replace")).hexdigest()


class UnconfirmedStore:
    """The unconfirmed authorizations of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def _key(self, id_: str) -> Any:
        return marshal_item({"pk": f"{self._tenant}#unconfirmed", "sk": id_})

    def add(self, unconfirmed: Unconfirmed) -> None:
        """Store an authorization that waits."""
        item: dict[str, Any] = {
            "integrationId": unconfirmed.integration_id,
            "integrationVersion": unconfirmed.integration_version,
            "encrypted": unconfirmed.encrypted,
            "confirmBy": unconfirmed.confirm_by,
            "expiresAt": unconfirmed.confirm_by // 1000 + _KEPT_UNCONFIRMED_SECONDS,
        }
        aws.dynamodb().put_item(TableName=self._table, Item=self._key(unconfirmed.id) | marshal_item(item))

    def confirm(self, id_: str, integration_id: str, now: int) -> Unconfirmed | None:
        """Delete an authorization of that integration and give it, once; None for none, and after its time."""
        answer = try_write(
            lambda: aws.dynamodb().delete_item(
                TableName=self._table,
                Key=self._key(id_),
                ConditionExpression="integrationId = :integration AND confirmBy > :now",
                ExpressionAttributeValues=marshal_item({":integration": integration_id, ":now": now}),
                ReturnValues="ALL_OLD",
            )
        )
        return None if isinstance(answer, Lost) else _unconfirmed(unmarshal_item(answer["Attributes"]))

    def find(self, id_: str) -> Unconfirmed | None:
        """An authorization that waits, or has waited too long."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(id_), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return _unconfirmed(item) if item else None

    def delete(self, id_: str) -> None:
        """Delete an authorization that nobody confirmed."""
        aws.dynamodb().delete_item(TableName=self._table, Key=self._key(id_))


def _unconfirmed(item: Item) -> Unconfirmed:
    return Unconfirmed(
        item["sk"], item["integrationId"], item["integrationVersion"], item["encrypted"], item["confirmBy"]
    )


# --- clients ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StoredClient:
    """An encrypted registration, and the version it was encrypted under.

    `open_app` and `opened_at` (ms) are those of the last flow through it, while none has come back since.
    """

    encrypted: str
    version: int
    open_app: str = ""
    opened_at: int = 0


class ClientStore:
    """The registrations made for one tenant, one per issuer and redirect URI; what is kept is encrypted text."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def _key(self, client_key: str) -> Any:
        return marshal_item({"pk": f"{self._tenant}#oauth-client", "sk": client_key})

    def find(self, client_key: str) -> StoredClient | None:
        """The registration under that key."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(client_key), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        if not item:
            return None
        return StoredClient(item["encrypted"], item["version"], item.get("openApp", ""), item.get("openedAt", 0))

    def save(self, client_key: str, encrypted: str, version: int) -> None:
        """Store a registration in place of an older one."""
        aws.dynamodb().put_item(
            TableName=self._table,
            Item=self._key(client_key) | marshal_item({"encrypted": encrypted, "version": version}),
        )

    def open_flow(self, client_key: str, version: int, app: str, now: int) -> None:
        """Note that a flow of an application begins through this registration."""
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(client_key),
                UpdateExpression="SET openApp = :app, openedAt = :now",
                ConditionExpression="#version = :before",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=marshal_item({":app": app, ":now": now, ":before": version}),
            )
        )

    def close_flow(self, client_key: str, version: int) -> None:
        """Note that a flow came back: the authorization server knows this registration."""
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(client_key),
                UpdateExpression="REMOVE openApp, openedAt",
                ConditionExpression="#version = :before",
                **_versioned(version),
            )
        )

    def delete(self, client_key: str) -> None:
        """Delete a registration that its server no longer knows."""
        aws.dynamodb().delete_item(TableName=self._table, Key=self._key(client_key))


# --- grants -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grant:
    """The tokens for one server. `version` counts every change of them and fences writers off; times in ms.

    `refresh_at` is when to renew them ahead of `expires_at`; `invalid` says that only a new authorization helps.
    """

    id: str
    encrypted: str
    version: int
    expires_at: int | None = None
    refresh_at: int | None = None
    invalid: bool = False


class GrantStore:
    """The grants of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def _key(self, sort: str) -> Any:
        return marshal_item({"pk": f"{self._tenant}#grant", "sk": sort})

    def find(self, grant_id: str) -> Grant | None:
        """The current grant of that id."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(grant_id), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return _grant(item) if item else None

    def write(self, grant: Grant) -> bool:
        """Store new tokens, which ends a lock; False unless those before had the version just below."""
        before = grant.version - 1
        item = marshal_item(
            {
                "encrypted": grant.encrypted,
                "version": grant.version,
                "tokenExpires": grant.expires_at,
                "refreshAt": grant.refresh_at,
            }
        )
        condition = "#version = :before" if before else "attribute_not_exists(pk)"
        return written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table,
                Item=self._key(grant.id) | item,
                ConditionExpression=condition,
                **(_versioned(before) if before else {}),
            )
        )

    def lock(self, grant: Grant, owner: str, *, until: int, now: int) -> bool:
        """Take the right to renew these very tokens until a time; False while it is taken, and after a renewal."""
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(grant.id),
                UpdateExpression="SET lockedUntil = :until, lockOwner = :owner",
                ConditionExpression=(
                    "#version = :before AND attribute_not_exists(invalid)"
                    " AND (attribute_not_exists(lockedUntil) OR lockedUntil < :now)"
                ),
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=marshal_item(
                    {":until": until, ":owner": owner, ":before": grant.version, ":now": now}
                ),
            )
        )

    def unlock(self, grant: Grant, owner: str, *, refresh_at: int) -> None:
        """Give a lock back without new tokens; the next renewal is due at `refresh_at` (ms)."""
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(grant.id),
                UpdateExpression="SET refreshAt = :at REMOVE lockedUntil, lockOwner",
                ConditionExpression="lockOwner = :owner",
                ExpressionAttributeValues=marshal_item({":at": refresh_at, ":owner": owner}),
            )
        )

    def invalidate(self, grant: Grant) -> bool:
        """Mark a grant invalid; False when its tokens changed meanwhile, so that the refusal was about old ones."""
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(grant.id),
                UpdateExpression="SET invalid = :yes REMOVE lockedUntil, lockOwner",
                ConditionExpression="#version = :before AND attribute_not_exists(invalid)",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=marshal_item({":yes": True, ":before": grant.version}),
            )
        )

    def delete(self, grant_id: str) -> None:
        """Delete a grant and its tokens."""
        aws.dynamodb().delete_item(TableName=self._table, Key=self._key(grant_id))

    def join(self, grant_id: str, integration_id: str) -> None:
        """Note that an integration uses a grant."""
        aws.dynamodb().put_item(TableName=self._table, Item=self._key(f"{grant_id}#{integration_id}"))

    def leave(self, grant_id: str, integration_id: str) -> None:
        """Note that an integration no longer uses a grant."""
        aws.dynamodb().delete_item(TableName=self._table, Key=self._key(f"{grant_id}#{integration_id}"))

    def members(self, grant_id: str) -> list[str]:
        """The ids of the integrations that use a grant."""
        request: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": marshal_item({":pk": f"{self._tenant}#grant", ":prefix": f"{grant_id}#"}),
            "ConsistentRead": True,
        }
        found: list[str] = []
        while True:
            answer = aws.dynamodb().query(**request)
            found += [str(unmarshal_item(item)["sk"]).partition("#")[2] for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _versioned(before: int) -> dict[str, Any]:
    return {
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": marshal_item({":before": before}),
    }


def _grant(item: Item) -> Grant:
    return Grant(
        id=item["sk"],
        encrypted=item["encrypted"],
        version=item["version"],
        expires_at=item.get("tokenExpires"),
        refresh_at=item.get("refreshAt"),
        invalid=item.get("invalid", False),
    )

"""What OAuth leaves behind: consents under way, clients registered, and grants, each with what it is for encrypted.

    pk #oauth#<sha256 of the state>   sk 1                              a consent under way, for ten minutes
    pk <tenant>#oauth-client          sk <hash of issuer and redirect>  who we are at an authorization server
    pk <tenant>#grant                 sk <grant id>                     the tokens for one server
    pk <tenant>#grant                 sk <grant id>#<integration id>    an integration that uses them

Nobody but the state knows a consent's tenant when the browser comes back, so that one key begins with no tenant (and
no tenant's name begins with `#`). Its tenant stands beside the encrypted text, which opens for that tenant alone.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.repositories.dynamodb import Item, Lost, live, marshal_item, try_write, unmarshal_item, written

CONSENT_SECONDS = 600


# --- consents under way -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Consent:
    """A consent that was asked for: whose, and its encrypted particulars, bound to `id`."""

    id: str
    tenant: str
    encrypted: str


def consent_id(state: str) -> str:
    """What a consent is kept under; the state itself, which ends it, stands nowhere."""
    return hashlib.sha256(state.encode(errors="replace")).hexdigest()


def _consent_key(id_: str) -> Any:
    return marshal_item({"pk": f"#oauth#{id_}", "sk": "1"})


def keep_consent(consent: Consent, now: int) -> None:
    """Keeps a consent for ten minutes from `now` (ms)."""
    aws.dynamodb().put_item(
        TableName=settings().tenants_table,
        Item=_consent_key(consent.id)
        | marshal_item(
            {"tenant": consent.tenant, "encrypted": consent.encrypted, "expiresAt": now // 1000 + CONSENT_SECONDS}
        ),
        ConditionExpression="attribute_not_exists(pk)",
    )


def take_consent(id_: str, now: int) -> Consent | None:
    """Takes a consent away, once: of several callers one gets it. None for what is not there or too old."""
    answer = try_write(
        lambda: aws.dynamodb().delete_item(
            TableName=settings().tenants_table,
            Key=_consent_key(id_),
            ConditionExpression="attribute_exists(pk)",
            ReturnValues="ALL_OLD",
        )
    )
    if isinstance(answer, Lost):
        return None
    item = unmarshal_item(answer["Attributes"])
    return Consent(id_, item["tenant"], item["encrypted"]) if live(item, now) else None


# --- clients ----------------------------------------------------------------------------------------------------------


class ClientStore:
    """The registrations made for one tenant, one per issuer and redirect URI; what is kept is encrypted text."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def _key(self, client_key: str) -> Any:
        return marshal_item({"pk": f"{self._tenant}#oauth-client", "sk": client_key})

    def find(self, client_key: str) -> tuple[str, int] | None:
        """An encrypted registration and the version it was encrypted under."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(client_key), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return (item["encrypted"], item["version"]) if item else None

    def keep(self, client_key: str, encrypted: str, version: int) -> None:
        """Keeps a registration in place of an older one."""
        aws.dynamodb().put_item(
            TableName=self._table,
            Item=self._key(client_key) | marshal_item({"encrypted": encrypted, "version": version}),
        )

    def forget(self, client_key: str) -> None:
        """Drops a registration that its server no longer knows."""
        aws.dynamodb().delete_item(TableName=self._table, Key=self._key(client_key))


# --- grants -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Grant:
    """The tokens for one server. `version` counts every change of them and fences writers off; times in ms.

    `refresh_at` is when to renew them ahead of `expires_at`; `dead` says that only a new consent helps.
    """

    id: str
    encrypted: str
    version: int
    expires_at: int | None = None
    refresh_at: int | None = None
    dead: bool = False


class GrantStore:
    """The grants of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def _key(self, sort: str) -> Any:
        return marshal_item({"pk": f"{self._tenant}#grant", "sk": sort})

    def find(self, grant_id: str) -> Grant | None:
        """The grant as it stands now."""
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(grant_id), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        return _grant(item) if item else None

    def write(self, grant: Grant) -> bool:
        """Keeps new tokens, which ends a lock; False unless those before had the version just below."""
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
        """Takes the right to renew these very tokens until a time; False while somebody has it, or renewed them."""
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(grant.id),
                UpdateExpression="SET lockedUntil = :until, lockOwner = :owner",
                ConditionExpression=(
                    "#version = :before AND attribute_not_exists(dead)"
                    " AND (attribute_not_exists(lockedUntil) OR lockedUntil < :now)"
                ),
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=marshal_item(
                    {":until": until, ":owner": owner, ":before": grant.version, ":now": now}
                ),
            )
        )

    def unlock(self, grant: Grant, owner: str, *, refresh_at: int) -> None:
        """Gives a lock back without new tokens; nobody needs to try again before `refresh_at` (ms)."""
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(grant.id),
                UpdateExpression="SET refreshAt = :at REMOVE lockedUntil, lockOwner",
                ConditionExpression="lockOwner = :owner",
                ExpressionAttributeValues=marshal_item({":at": refresh_at, ":owner": owner}),
            )
        )

    def bury(self, grant: Grant) -> bool:
        """Marks a grant dead; False when its tokens changed meanwhile, so that the verdict is about old ones."""
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(grant.id),
                UpdateExpression="SET dead = :yes REMOVE lockedUntil, lockOwner",
                ConditionExpression="#version = :before AND attribute_not_exists(dead)",
                ExpressionAttributeNames={"#version": "version"},
                ExpressionAttributeValues=marshal_item({":yes": True, ":before": grant.version}),
            )
        )

    def delete(self, grant_id: str) -> None:
        """Drops a grant and its tokens."""
        aws.dynamodb().delete_item(TableName=self._table, Key=self._key(grant_id))

    def join(self, grant_id: str, integration_id: str) -> None:
        """Notes that an integration uses a grant."""
        aws.dynamodb().put_item(TableName=self._table, Item=self._key(f"{grant_id}#{integration_id}"))

    def leave(self, grant_id: str, integration_id: str) -> None:
        """Notes that it no longer does."""
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
        dead=item.get("dead", False),
    )

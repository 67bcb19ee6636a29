"""Integrations and webhooks: one item each, and a small item for what changes with every call.

    pk <tenant>#integration   sk <unique part of the id>   typeKey <type>#<sk>   statusKey <status>#<sk>
    pk <tenant>#activity      sk <id>

A webhook's counters in its activity item are written by `repositories.delivery_stats`.

The unique part is time-ordered, so the key order is the order of creation. `healthShard` is only on what the
scheduled health tests cover, which keeps their index as small as that.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, JobsprintError, NotFound
from jobsprint.core.ids import is_id, unique_part
from jobsprint.domain import circuit_breaker
from jobsprint.domain import slugs as slug_rules
from jobsprint.domain.callers import NO_LIMITS, Limits
from jobsprint.domain.circuit_breaker import CircuitBreaker
from jobsprint.domain.integrations import Activity, Health, Integration
from jobsprint.repositories import counted_items, slugs
from jobsprint.repositories.dynamodb import (
    Item,
    Page,
    Query,
    batch_get,
    marshal_item,
    read_page,
    unmarshal_item,
    written,
)
from jobsprint.repositories.integration_items import HEALTH, activity_of, from_item, partition_key, to_item

_GONE_SECONDS = 86400
# Of concurrent creates that want the same slug one gets it, and the others look for the next.
_SLUG_TRIES = 50


def not_found(integration_id: str) -> NotFound:
    """The error for an integration or webhook that the tenant does not have."""
    kind = "webhook" if integration_id.startswith("wh_") else "integration"
    return NotFound(f"There is no {kind} {integration_id[:100]!r}", code=f"{kind}_not_found")


def _counted_as(integration: Integration) -> counted_items.Kind:
    return "webhooks" if integration.type == "webhook" else "integrations"


def _unchanged(integration: Integration) -> dict[str, Any]:
    """The condition that an item is still as the integration was read."""
    return {
        "ConditionExpression": "#version = :version",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": marshal_item({":version": integration.version}),
    }


def _changed_meanwhile(integration: Integration) -> Conflict:
    return Conflict(f"{integration.id} was changed by another request; read it and try again", code="changed_meanwhile")


class IntegrationStore:
    """The integrations of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._table = settings().tenants_table

    def _key(self, integration_id: str) -> Any:
        return marshal_item({"pk": partition_key(self._tenant), "sk": unique_part(integration_id)})

    def get(self, integration_id: str) -> Integration:
        """The integration or webhook of that id. Raises NotFound."""
        if not is_id(integration_id, "int", "wh"):
            raise not_found(integration_id)
        answer = aws.dynamodb().get_item(TableName=self._table, Key=self._key(integration_id), ConsistentRead=True)
        item = unmarshal_item(answer.get("Item", {}))
        if item.get("id") != integration_id:
            raise not_found(integration_id)
        return from_item(item)

    def webhook(self, webhook_id: str) -> Integration:
        """The webhook of that id. Raises NotFound, also for the id of another kind of integration."""
        if not is_id(webhook_id, "wh"):
            raise NotFound(f"There is no webhook {webhook_id[:100]!r}", code="webhook_not_found")
        return self.get(webhook_id)

    def get_with_activity(self, integration_id: str) -> tuple[Integration, Activity]:
        """The integration or webhook of that id and its activity, in one read. Raises NotFound."""
        if not is_id(integration_id, "int", "wh"):
            raise not_found(integration_id)
        own = {"pk": partition_key(self._tenant), "sk": unique_part(integration_id)}
        found = batch_get(self._table, (own, self._activity_key(integration_id)), consistent=True)
        items = {item["pk"]: item for item in found}
        if own["pk"] not in items or items[own["pk"]]["id"] != integration_id:
            raise not_found(integration_id)
        return from_item(items[own["pk"]]), activity_of(items.get(f"{self._tenant}#activity", {}))

    def create(self, integration: Integration) -> Integration:
        """Store a new integration and return it; its slug has a number where another integration has the same.

        Raises Conflict `too_many_integrations` or `too_many_webhooks`, and where very many requests want one slug.
        """
        kind, created = _counted_as(integration), integration
        for _ in range(_SLUG_TRIES):
            reservation = [slugs.item(created)] if created.slug else []
            if counted_items.create(self._tenant, kind, to_item(created), *reservation):
                return created
            if not created.slug:
                raise Conflict(f"{integration.id} exists already", code="changed_meanwhile")
            taken = slugs.taken(self._tenant, integration.slug)
            created = replace(integration, slug=slug_rules.first_free(integration.slug, taken))
        raise Conflict("Too many requests connect the same application; try again", code="changed_meanwhile")

    def update(self, integration: Integration) -> Integration:
        """Replace the item that `integration` was read from and return it with its next version.

        Raises Conflict when another request changed or deleted it in between.
        """
        changed = replace(integration, version=integration.version + 1)
        item, condition = to_item(changed), _unchanged(integration)
        if not written(lambda: aws.dynamodb().put_item(TableName=self._table, Item=item, **condition)):
            raise _changed_meanwhile(integration)
        return changed

    def delete(self, integration: Integration, now: int) -> None:
        """Delete the item that `integration` was read from, its slug and its activity (`now` in ms).

        Raises Conflict when another request changed it in between.
        """
        kind, key = _counted_as(integration), self._key(integration.id)
        reservation = [slugs.key(integration)] if integration.slug else []
        if not counted_items.delete(self._tenant, kind, key, _unchanged(integration), *reservation):
            raise _changed_meanwhile(integration)
        # A call or delivery under way counts itself later, which would bring the item back: so it expires soon.
        gone: Item = {**self._activity_key(integration.id), "expiresAt": now // 1000 + _GONE_SECONDS}
        aws.dynamodb().put_item(TableName=self._table, Item=marshal_item(gone))

    def page(
        self,
        *,
        limit: int,
        position: str | None = None,
        type_: str | None = None,
        status: str | None = None,
        webhooks: bool = True,
        limits: Limits = NO_LIMITS,
    ) -> tuple[list[Integration], str | None]:
        """A page, newest first, and the position to go on from. One filter is a key; the others read and drop.

        Without `webhooks`, those are left out, and so is what a caller with these `limits` may not know of.
        What a filter finds holds what lists show and no credentials: get an integration before you change it.
        """
        pk = partition_key(self._tenant)
        index = "byType" if type_ else "byStatus" if status else None
        sort = {"byType": "typeKey", "byStatus": "statusKey"}.get(index or "", "sk")
        prefix = f"{type_ or status}#" if index else ""

        def resume(sk: str) -> dict[str, str]:
            return {"pk": pk, "sk": sk} | ({sort: prefix + sk} if index else {})

        query = Query(
            table=self._table,
            key=("pk", pk),
            resume=resume,
            sort=sort,
            index=index,
            low=prefix if index else None,
            high=f"{prefix}~" if index else None,
        )
        page: Page = read_page(
            query,
            limit=limit,
            position=position,
            position_of=lambda item: str(item["sk"]),
            keep=lambda item: (
                (webhooks or item["type"] != "webhook")
                and status in (None, item["status"])
                and (limits.shows_all or limits.show(from_item(item)))
            ),
        )
        return [from_item(item) for item in page.items], page.position

    def webhooks(self) -> list[Integration]:
        """Every webhook of the tenant."""
        return self._every(type_="webhook")

    def connections(self, *, status: str | None = None, limits: Limits = NO_LIMITS) -> list[Integration]:
        """Every integration of the tenant that is no webhook; parameters and what they hold as for `page`."""
        return self._every(status=status, webhooks=False, limits=limits)

    def with_slug(self, slug: str) -> Integration | None:
        """The integration of that slug."""
        found = slugs.owner(self._tenant, slug)
        try:
            return self.get(found) if found else None
        except NotFound:  # deleted in between
            return None

    def versions(self) -> dict[str, int]:
        """The version of every connected integration that is no webhook, by its id: a small read that shows changes."""
        return {integration.id: integration.version for integration in self.connections(status="connected")}

    def _every(self, **wanted: Any) -> list[Integration]:
        """All pages of what is wanted (the number of each kind is bounded by a parameter)."""
        found, position = self.page(limit=1000, **wanted)
        while position:
            more, position = self.page(limit=1000, position=position, **wanted)
            found += more
        return found

    def activity(self, ids: Iterable[str]) -> dict[str, Activity]:
        """The activity of at most 100 integrations, by id; a default one where there is none."""
        wanted = list(ids)
        items = batch_get(self._table, (self._activity_key(id_) for id_ in wanted))
        found = {item["sk"]: activity_of(item) for item in items}
        return {id_: found.get(id_, Activity()) for id_ in wanted}

    def watch(self, webhook_id: str, *, watched: bool) -> None:
        """Store whether a webhook's endpoint health is read before something is sent to it.

        The version stays: an `update` that was read before may undo this, and the next failure then does it again.
        """
        change: dict[str, Any] = {"UpdateExpression": "REMOVE watched"}
        if watched:
            change = {
                "UpdateExpression": "SET watched = :yes",
                "ExpressionAttributeValues": marshal_item({":yes": True}),
            }
        written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=self._key(webhook_id),
                ConditionExpression="attribute_exists(pk)",
                **change,
            )
        )

    def last_polled(self, webhooks: Iterable[Integration]) -> dict[str, int]:
        """When (Unix ms) clients last polled the polling endpoints among at most 100 webhooks, by id."""
        ids = [webhook.id for webhook in webhooks if webhook.is_polling]
        found = self.activity(ids) if ids else {}
        return {id_: activity.last_polled for id_, activity in found.items() if activity.last_polled is not None}

    def keep_polled(self, webhook_id: str, at: int) -> None:
        """Store when (ms) a client last polled a polling endpoint."""
        aws.dynamodb().update_item(
            TableName=self._table,
            Key=marshal_item(self._activity_key(webhook_id)),
            UpdateExpression="SET lastPolled = :at",
            ExpressionAttributeValues=marshal_item({":at": at}),
        )

    def count_call(self, integration_id: str, *, error: JobsprintError | None, seen: CircuitBreaker, at: int) -> None:
        """Count one action that ended at `at` (ms), also in the circuit breaker, which the caller read as `seen`.

        One write, and a second one for the failure that opens the circuit breaker.
        """
        counter = "failed" if error else "successful"
        sets, removes, values = ["lastUsed = :at"], [], {":one": 1, ":at": at}
        adds = [f"{counter} :one"]
        wanted = circuit_breaker.limited_until(error, at)
        if wanted is not None:
            sets.append("limitedUntil = :limit")
            values[":limit"] = wanted
        if not circuit_breaker.is_outage(error):
            removes += ["failures", "failingSince", "openUntil"]
        elif circuit_breaker.starts_streak(seen, at):
            sets += ["failures = :one", "failingSince = :at"]
        else:
            adds.append("failures :one")
        removed = f" REMOVE {', '.join(removes)}" if removes else ""
        answer = aws.dynamodb().update_item(
            TableName=self._table,
            Key=marshal_item(self._activity_key(integration_id)),
            UpdateExpression=f"ADD {', '.join(adds)} SET {', '.join(sets)}{removed}",
            ExpressionAttributeValues=marshal_item(values),
            ReturnValues="UPDATED_NEW",
        )
        failures = unmarshal_item(answer.get("Attributes", {})).get("failures", 0)
        if circuit_breaker.is_outage(error) and failures >= circuit_breaker.FAILURES_UNTIL_OPEN:
            self._open_circuit(integration_id, at + circuit_breaker.OPEN_MS)

    def _open_circuit(self, integration_id: str, until: int) -> None:
        aws.dynamodb().update_item(
            TableName=self._table,
            Key=marshal_item(self._activity_key(integration_id)),
            UpdateExpression="SET openUntil = :until",
            ExpressionAttributeValues=marshal_item({":until": until}),
        )

    def take_probe(self, integration_id: str, seen: CircuitBreaker, until: int) -> bool:
        """Take the one probe of an open circuit, which then stays shut to others until `until` (ms)."""
        return written(
            lambda: aws.dynamodb().update_item(
                TableName=self._table,
                Key=marshal_item(self._activity_key(integration_id)),
                UpdateExpression="SET openUntil = :until",
                ConditionExpression="openUntil = :seen",
                ExpressionAttributeValues=marshal_item({":until": until, ":seen": seen.open_until}),
            )
        )

    def reset_circuit(self, integration_id: str) -> None:
        """Reset the circuit breaker of a connection that has another address or other credentials from now on."""
        aws.dynamodb().update_item(
            TableName=self._table,
            Key=marshal_item(self._activity_key(integration_id)),
            UpdateExpression="REMOVE failures, failingSince, openUntil, limitedUntil",
        )

    def keep_health(self, integration_id: str, health: Health) -> None:
        """Store the health of an integration."""
        aws.dynamodb().update_item(**self._health_update(integration_id, health))

    def change_health(self, integration_id: str, before: Health, health: Health) -> bool:
        """Store the health that follows `before`; False when another test was first."""
        update = self._health_update(integration_id, health)
        update["ConditionExpression"] = "attribute_not_exists(healthAt) OR healthAt = :before"
        update["ExpressionAttributeValues"] |= marshal_item({":before": before.checked_at or 0})
        return written(lambda: aws.dynamodb().update_item(**update))

    def _health_update(self, integration_id: str, health: Health) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Key": marshal_item(self._activity_key(integration_id)),
            "UpdateExpression": "SET health = :health, healthAt = :at",
            "ExpressionAttributeValues": marshal_item(
                {":health": HEALTH.dump_json(health).decode(), ":at": health.checked_at or 0}
            ),
        }

    def _activity_key(self, integration_id: str) -> dict[str, str]:
        return {"pk": f"{self._tenant}#activity", "sk": integration_id}


def tested_connections(shard: int, position: tuple[str, str] | None, limit: int) -> tuple[list[tuple[str, str]], Any]:
    """A page of what the scheduled tests cover in one shard: (tenant, id) pairs, and where to go on."""
    request: dict[str, Any] = {
        "TableName": settings().tenants_table,
        "IndexName": "byHealth",
        "KeyConditionExpression": "healthShard = :shard",
        "ExpressionAttributeValues": marshal_item({":shard": str(shard)}),
        "Limit": limit,
    }
    if position:
        request["ExclusiveStartKey"] = marshal_item({"healthShard": str(shard), "pk": position[0], "sk": position[1]})
    answer = aws.dynamodb().query(**request)
    items = [unmarshal_item(attributes) for attributes in answer["Items"]]
    found = [(str(item["pk"]).partition("#")[0], f"int_{item['sk']}") for item in items]
    more = (items[-1]["pk"], items[-1]["sk"]) if "LastEvaluatedKey" in answer else None
    return found, more

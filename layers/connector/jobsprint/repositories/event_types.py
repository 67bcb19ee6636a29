"""Event types: one item for each name, and one more that says whether any of them is in mode `warn`.

    pk <tenant>#eventType   sk <name>
    pk <tenant>#eventType   sk #warned

`#warned` is written before the first type in mode `warn` and stays: without it publishing need not look any further.
"""

import json
from dataclasses import asdict, replace
from typing import Any

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import Conflict, NotFound
from jobsprint.domain.events import EventType, is_name
from jobsprint.repositories import counted_items
from jobsprint.repositories.dynamodb import Item, Query, marshal_item, read_page, unmarshal_item, written

_WARNED = "#warned"
_TRIES = 5
# Names begin with a letter, a digit, - or _: all of these are between the two, `#warned` is not.
_LOW, _HIGH = "-", "~"


class EventTypeStore:
    """The event types of one tenant. No method reaches another tenant's items."""

    def __init__(self, tenant: str) -> None:
        self._tenant = tenant
        self._pk = f"{tenant}#eventType"
        self._table = settings().tenants_table

    def put(self, event_type: EventType) -> tuple[EventType, bool]:
        """Keeps a type in place of the one of that name, whose `created_at` stays; and whether there was none.

        Raises Conflict `too_many_event_types`, and `changed_meanwhile` where others make and delete it all the time.
        """
        if event_type.mode == "warn":
            self._put({"pk": self._pk, "sk": _WARNED})
        for _ in range(_TRIES):
            before = self.find(event_type.name, consistent=True)
            if before is None:
                if counted_items.create(self._tenant, "eventTypes", self._item(event_type)):
                    return event_type, True
            elif self._replace(kept := replace(event_type, created_at=before.created_at)):
                return kept, False
        raise Conflict(f"{event_type.name} is changed by other requests; try again", code="changed_meanwhile")

    def _replace(self, event_type: EventType) -> bool:
        return written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table, Item=self._item(event_type), ConditionExpression="attribute_exists(pk)"
            )
        )

    def _item(self, event_type: EventType) -> dict[str, Any]:
        fields = {**asdict(event_type), "schema": None if event_type.schema is None else json.dumps(event_type.schema)}
        return marshal_item({"pk": self._pk, "sk": event_type.name, **fields})

    def find(self, name: str, *, consistent: bool = False) -> EventType | None:
        """The type of that name."""
        item = self._get(name, consistent=consistent)
        return _from_item(item) if item else None

    def delete(self, name: str) -> None:
        """Delete the type of that name. Raises NotFound where there is none."""
        key = marshal_item({"pk": self._pk, "sk": name})
        exists = {"ConditionExpression": "attribute_exists(pk)"}
        if not is_name(name) or not counted_items.delete(self._tenant, "eventTypes", key, exists):
            raise NotFound(f"There is no event type {name[:100]!r}", code="event_type_not_found")

    def any_warned(self) -> bool:
        """Whether a type was ever in mode `warn`; half a read unit."""
        return bool(self._get(_WARNED, consistent=False))

    def page(self, *, limit: int, position: str | None) -> tuple[list[EventType], str | None]:
        """A page in the order of names, and the position to go on from."""
        query = Query(
            table=self._table,
            key=("pk", self._pk),
            resume=lambda sk: {"pk": self._pk, "sk": sk},
            low=_LOW,
            high=_HIGH,
            ascending=True,
        )
        found = read_page(
            query, limit=limit, position=position, position_of=lambda item: str(item["sk"]), keep=lambda _: True
        )
        return [_from_item(item) for item in found.items], found.position

    def _get(self, sk: str, *, consistent: bool) -> Item:
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=marshal_item({"pk": self._pk, "sk": sk}), ConsistentRead=consistent
        )
        return unmarshal_item(answer.get("Item", {}))

    def _put(self, item: dict[str, Any]) -> None:
        aws.dynamodb().put_item(TableName=self._table, Item=marshal_item(item))


def _from_item(item: Item) -> EventType:
    return EventType(
        name=item["name"],
        mode=item["mode"],
        created_at=item["created_at"],
        updated_at=item["updated_at"],
        description=item.get("description"),
        schema=json.loads(item["schema"]) if "schema" in item else None,
    )

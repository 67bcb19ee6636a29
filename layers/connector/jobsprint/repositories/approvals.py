"""Approvals: pk <tenant>#approval, sk the approval's id. Long parameters go on beside the item."""

from dataclasses import replace

from jobsprint.core import aws
from jobsprint.core.config import settings
from jobsprint.core.errors import NotFound
from jobsprint.core.ids import is_id
from jobsprint.domain.approvals import Approval, ApprovalState, Decision
from jobsprint.domain.callers import Limits
from jobsprint.repositories import dynamodb
from jobsprint.repositories.dynamodb import (
    Item,
    Lost,
    Query,
    Value,
    live,
    marshal_item,
    read_page,
    unmarshal_item,
    update_item,
    written,
)

KEPT_SECONDS = 30 * 86400

_LISTED = (
    *("sk", "integrationId", "slug", "action", "fingerprint", "requestedBy", "createdAt", "validUntil"),
    *("decision", "decidedBy", "decidedAt", "reason", "usedAt", "expiresAt"),
)


class ApprovalStore:
    """The approvals of one tenant. No method reaches those of another."""

    def __init__(self, tenant: str) -> None:
        self._pk = f"{tenant}#approval"
        self._table = settings().requests_table

    def create(self, approval: Approval) -> None:
        """Store a new approval; one that exists already stays as it is."""
        expires = approval.created_at // 1000 + KEPT_SECONDS
        first, parts = dynamodb.keep_rest(
            self._table, self._pk, approval.id, approval.encrypted_parameters, expires=expires
        )
        item: dict[str, Value | None] = {
            "pk": self._pk,
            "sk": approval.id,
            "integrationId": approval.integration_id,
            "slug": approval.slug,
            "action": approval.action,
            "fingerprint": approval.fingerprint,
            "requestedBy": approval.requested_by,
            "createdAt": approval.created_at,
            "validUntil": approval.valid_until,
            "parameters": first,
            "parts": parts,
            "expiresAt": expires,
        }
        written(
            lambda: aws.dynamodb().put_item(
                TableName=self._table, Item=marshal_item(item), ConditionExpression="attribute_not_exists(pk)"
            )
        )

    def get(self, approval_id: str, now: int) -> Approval:
        """The approval of that id; `now` in ms. Raises NotFound."""
        missing = NotFound(f"There is no approval {approval_id[:100]!r}", code="approval_not_found")
        if not is_id(approval_id, "apr"):
            raise missing
        answer = aws.dynamodb().get_item(
            TableName=self._table, Key=marshal_item(self._key(approval_id)), ConsistentRead=True
        )
        item = unmarshal_item(answer.get("Item", {}))
        if not item or not live(item, now):
            raise missing
        text = dynamodb.whole(self._table, self._pk, approval_id, item["parameters"], item["parts"])
        return replace(_head(item), encrypted_parameters=text)

    def page(
        self, state: ApprovalState | None, limits: Limits, *, limit: int, position: str | None, now: int
    ) -> tuple[list[Approval], str | None]:
        """A page without parameters, newest first, of those that the limits cover, and the position to go on from."""

        def keep(item: Item) -> bool:
            if (
                "action" not in item
                or not live(item, now)
                or not limits.cover(item["integrationId"], item["slug"], item["action"])
            ):
                return False
            return state in (None, _head(item).state_at(now))

        query = Query(
            table=self._table,
            key=("pk", self._pk),
            resume=lambda sk: {"pk": self._pk, "sk": sk},
            fields=_LISTED,
        )
        found = read_page(query, limit=limit, position=position, position_of=lambda item: str(item["sk"]), keep=keep)
        return [_head(item) for item in found.items], found.position

    def decide(self, approval_id: str, decision: Decision, *, by: str, reason: str, now: int) -> Approval:
        """Decide a pending approval at `now` (ms), by the token of that id, and give it as it stands then.

        One that is not pending any more stays as it is. The parameters are left out.
        """
        answer = update_item(
            self._table,
            self._key(approval_id),
            {"decision": decision, "decidedBy": by, "decidedAt": now, "reason": reason},
            condition="attribute_not_exists(#decision) AND #validUntil > :now",
            values={":now": now},
        )
        return _head(answer.item if isinstance(answer, Lost) else answer)

    def use(self, approval_id: str, now: int) -> bool:
        """Say that a call is made with an approval from `now` (ms) on; False unless it is approved and valid."""
        answer = update_item(
            self._table,
            self._key(approval_id),
            {},
            condition="#decision = :approved AND #validUntil > :now",
            values={":approved": "approved", ":now": now},
            expressions={"usedAt": "if_not_exists(#usedAt, :now)"},
        )
        return not isinstance(answer, Lost)

    def _key(self, approval_id: str) -> dict[str, str]:
        return {"pk": self._pk, "sk": approval_id}


def _head(item: Item) -> Approval:
    """The approval in an item, without its parameters."""
    return Approval(
        id=item["sk"],
        integration_id=item["integrationId"],
        slug=item["slug"],
        action=item["action"],
        fingerprint=item["fingerprint"],
        requested_by=item["requestedBy"],
        created_at=item["createdAt"],
        valid_until=item["validUntil"],
        decision=item.get("decision"),
        decided_by=item.get("decidedBy", ""),
        decided_at=item.get("decidedAt", 0),
        reason=item.get("reason", ""),
        used_at=item.get("usedAt"),
    )

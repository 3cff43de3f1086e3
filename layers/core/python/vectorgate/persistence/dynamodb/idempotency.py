"""Claims on DynamoDB: their items, and their part in a transaction. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.idempotency.record import IdempotencyRecord
from vectorgate.persistence.dynamodb.codec import decoded, encoded
from vectorgate.persistence.dynamodb.schema import joined
from vectorgate.persistence.dynamodb.table import IS_NEW
from vectorgate.persistence.validation import object_part, tenant_part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import TenantId
    from vectorgate.persistence.dynamodb.schema import Attribute, Item

_IS_NEW_OR_FREED: Final = "attribute_not_exists(PK) OR operation_id = :holder"
_POINTS_AT: Final = "operation_id = :holder"

Action = tuple[str, dict[str, Any]]


def claim_partition(tenant: TenantId, name: str) -> Attribute:
    """Where the attempts at one request are."""
    return joined("IDEM", tenant_part(tenant), object_part(name))


def claim_key(idempotency: IdempotencyRecord) -> Item:
    """Where a claim is."""
    return {"PK": claim_partition(idempotency.tenant, idempotency.name), "SK": joined(object_part(idempotency.slot))}


def claim_item(idempotency: IdempotencyRecord) -> Item:
    """The whole row; `ttl` is the table's own attribute for removal."""
    record = {name: getattr(idempotency, name) for name in IdempotencyRecord.__slots__}
    return claim_key(idempotency) | encoded({**record, "ttl": idempotency.removed_at})


def claim_of_item(item: Mapping[str, Mapping[str, Any]]) -> IdempotencyRecord:
    """The inverse of `claim_item`."""
    return IdempotencyRecord(**decoded(item, IdempotencyRecord))


def claiming(idempotency: IdempotencyRecord, takeover_of: IdempotencyRecord | None) -> list[Action]:
    """Take the slot: a new one, or in place of `takeover_of`."""
    if takeover_of is None:
        return [("Put", {"Item": claim_item(idempotency), "ConditionExpression": IS_NEW})]
    holder = encoded({":holder": takeover_of.operation_id})
    if takeover_of.slot == idempotency.slot:
        return [
            (
                "Put",
                {
                    "Item": claim_item(idempotency),
                    "ConditionExpression": _IS_NEW_OR_FREED,
                    "ExpressionAttributeValues": holder,
                },
            )
        ]
    gone = {
        "Key": claim_key(takeover_of),
        "ConditionExpression": _POINTS_AT,
        "ExpressionAttributeValues": holder,
    }
    return [("Put", {"Item": claim_item(idempotency), "ConditionExpression": IS_NEW}), ("Delete", gone)]


def answering(idempotency: IdempotencyRecord) -> Action:
    """Keep the answer, unless the slot stands for another operation by now."""
    return "Put", {
        "Item": claim_item(idempotency),
        "ConditionExpression": _IS_NEW_OR_FREED,
        "ExpressionAttributeValues": encoded({":holder": idempotency.operation_id}),
    }

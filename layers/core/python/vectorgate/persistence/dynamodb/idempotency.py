"""Idempotency records on DynamoDB: their items, and how they are put. Pure.

What is in a slot is replaced only while it points at the operation that is expected there.
"""

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

_IS_NEW_OR_POINTS_AT: Final = "attribute_not_exists(PK) OR operation_id = :holder"
_POINTS_AT: Final = "operation_id = :holder"


def idempotency_partition(tenant: TenantId, name: str) -> Attribute:
    """The partition key of all attempts at one request."""
    return joined("IDEM", tenant_part(tenant), object_part(name))


def record_key(record: IdempotencyRecord) -> Item:
    """The primary key of a record."""
    return {"PK": idempotency_partition(record.tenant, record.name), "SK": joined(object_part(record.slot))}


def record_item(record: IdempotencyRecord) -> Item:
    """The whole item; `ttl` is the attribute by which the table removes it."""
    fields = {name: getattr(record, name) for name in IdempotencyRecord.__slots__}
    return record_key(record) | encoded({**fields, "ttl": record.removed_at})


def record_of_item(item: Mapping[str, Mapping[str, Any]]) -> IdempotencyRecord:
    """The inverse of `record_item`."""
    return IdempotencyRecord(**decoded(item, IdempotencyRecord))


def put_bound(record: IdempotencyRecord, takeover_of: IdempotencyRecord | None) -> dict[str, Any]:
    """A PutItem's arguments: the slot is new, or belongs to the operation that is taken over."""
    if takeover_of is None:
        return {"Item": record_item(record), "ConditionExpression": IS_NEW}
    holder = encoded({":holder": takeover_of.operation_id})
    return {"Item": record_item(record), "ConditionExpression": _POINTS_AT, "ExpressionAttributeValues": holder}


def put_answer(record: IdempotencyRecord) -> dict[str, Any]:
    """A PutItem's arguments: keep the answer, unless the slot points at another operation by now."""
    holder = encoded({":holder": record.operation_id})
    return {
        "Item": record_item(record),
        "ConditionExpression": _IS_NEW_OR_POINTS_AT,
        "ExpressionAttributeValues": holder,
    }

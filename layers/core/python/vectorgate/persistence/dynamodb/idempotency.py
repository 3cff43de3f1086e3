"""Idempotency records on DynamoDB: their items, and their actions in a transaction. Pure.

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

Action = tuple[str, dict[str, Any]]


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


def take_slot_actions(record: IdempotencyRecord, takeover_of: IdempotencyRecord | None) -> list[Action]:
    """Take a slot that is new, or take over from `takeover_of`, in its own slot or in another one."""
    if takeover_of is None:
        return [_put_new_action(record)]
    if takeover_of.slot == record.slot:
        return [_put_action(record, takeover_of)]
    removal = {
        "Key": record_key(takeover_of),
        "ConditionExpression": _POINTS_AT,
        "ExpressionAttributeValues": encoded({":holder": takeover_of.operation_id}),
    }
    return [_put_new_action(record), ("Delete", removal)]


def keep_answer_action(record: IdempotencyRecord) -> Action:
    """Keep the answer, unless the slot points at another operation by now."""
    return _put_action(record, record)


def _put_new_action(record: IdempotencyRecord) -> Action:
    return "Put", {"Item": record_item(record), "ConditionExpression": IS_NEW}


def _put_action(record: IdempotencyRecord, holder: IdempotencyRecord) -> Action:
    return "Put", {
        "Item": record_item(record),
        "ConditionExpression": _IS_NEW_OR_POINTS_AT,
        "ExpressionAttributeValues": encoded({":holder": holder.operation_id}),
    }

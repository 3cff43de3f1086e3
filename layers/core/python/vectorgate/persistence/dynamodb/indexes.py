"""Virtual indexes on DynamoDB: each in a partition of its own, and all of them in one partition of ``by_tenant``.

=========  =================================  =========================================
item       PK, SK                             ``by_tenant_pk``, ``by_tenant_sk``
=========  =================================  =========================================
index      ``IDX#<virtual name>``, ``META``   ``INDEXES``, ``<virtual name>``
=========  =================================  =========================================

Requests read by the primary key, so that they share no partition; only the administrator lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.persistence.dynamodb.codec import decoded, encoded
from vectorgate.persistence.dynamodb.schema import BY_TENANT, audit_actions, joined
from vectorgate.persistence.dynamodb.table import IS_NEW, ConditionFailed
from vectorgate.persistence.validation import label_part, object_part
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.azure_search.model import VirtualIndex
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

_ALL: Final = "by_tenant_pk = :place"
_PARTITION: Final = "INDEXES"


class DynamoIndexes:
    """IndexStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def indexes(self, names: Collection[str]) -> Mapping[str, VirtualIndex]:
        """One BatchGetItem for each 100 names, consistent."""
        items = self._table.batch_get([index_key(name) for name in dict.fromkeys(names)])
        return {row.name: row for row in map(index_of_item, items)}

    def all_indexes(self) -> Sequence[VirtualIndex]:
        """One Query for each 100 rows."""
        items = self._table.query(_ALL, {":place": {"S": _PARTITION}}, IndexName=BY_TENANT)
        return [index_of_item(item) for item in items]

    def add_index(self, index: VirtualIndex, *, audit: AuditRecord | None = None) -> None:
        """One PutItem, in a transaction with the audit record."""
        try:
            self._table.put(index_item(index), audit_actions(audit), ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("index") from failure

    def delete_index(self, name: str, *, audit: AuditRecord | None = None) -> bool:
        """One DeleteItem. False also where botocore repeated it and its first attempt had deleted the item."""
        return self._table.delete(index_key(name), audit_actions(audit))


def index_key(name: str) -> Item:
    """The primary key of a virtual index."""
    return {"PK": joined("IDX", object_part(name)), "SK": {"S": "META"}}


def index_item(index: VirtualIndex) -> Item:
    """The whole item."""
    fields: dict[str, Any] = {
        "name": index.name,
        "real_name": object_part(index.real_name),
        "vector_store_name": label_part(index.vector_store_name),
        "created_at": index.created_at,
    }
    in_index = {"by_tenant_pk": {"S": _PARTITION}, "by_tenant_sk": {"S": index.name}}
    return index_key(index.name) | encoded(fields) | in_index


def index_of_item(item: Mapping[str, Mapping[str, Any]]) -> VirtualIndex:
    """The inverse of `index_item`."""
    from vectorgate.azure_search.model import VirtualIndex  # noqa: PLC0415 - most deployments have no such index

    return VirtualIndex(**decoded(item, VirtualIndex))

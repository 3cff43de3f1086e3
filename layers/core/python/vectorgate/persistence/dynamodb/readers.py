"""Ownership, keys and rollups on DynamoDB."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ids import OperationId
from vectorgate.persistence.dynamodb.codec import decoded, decoded_names, encoded
from vectorgate.persistence.dynamodb.schema import (
    BY_TENANT,
    KEYS,
    audit_actions,
    audit_item,
    audit_partition,
    audit_sort,
    ownership_key,
    ownership_of_item,
    rollup_of_item,
    rollup_partition,
    tenant_partition,
    tenant_sort,
    virtual_key_item,
    virtual_key_key,
)
from vectorgate.persistence.dynamodb.table import IS_NEW, PAGE, ConditionFailed, DynamoTable, version_condition
from vectorgate.persistence.records import key_from_record, reference_record, referred_to
from vectorgate.persistence.validation import check_audit_query, tenant_part
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vectorgate.audit.model import AuditQuery, AuditRecord
    from vectorgate.ids import KeyId, ObjectKind, ProviderName, TenantId
    from vectorgate.ledger.rollups import Rollup, Scope
    from vectorgate.persistence.dynamodb.schema import Attribute, Item
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

_ALL: Final = "by_tenant_pk = :place"
_AFTER: Final = "by_tenant_pk = :place AND by_tenant_sk > :start"
_BEFORE: Final = "by_tenant_pk = :place AND by_tenant_sk < :start"
_ALL_PAGE: Final = 1_000  # rows of a page, which has at most a megabyte
_REFERENCE: Final = ("refers_to",)
_DESCRIBE: Final = "SET #snapshot = :snapshot"
_IS_HELD_BY: Final = "tenant = :tenant AND attribute_not_exists(retired_at)"
_SNAPSHOT_NAME: Final = {"#snapshot": "snapshot"}  # a reserved word
_MONTH: Final = "PK = :month"
_RANGE: Final = "PK = :month AND SK BETWEEN :start AND :end"
_FIRST_ID: Final = OperationId("0")  # sorts before every id
_DAY_MS: Final = 86_400_000


class DynamoOwnership:
    """OwnershipStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def owners(self, refs: Collection[ObjectRef]) -> Mapping[ObjectRef, Ownership]:
        """One BatchGetItem for each 100 refs, consistent."""
        keys = {ref: ownership_key(ref) for ref in refs}
        rows = map(ownership_of_item, self._table.batch_get(list(keys.values())))
        return {row.ref: row for row in rows}

    def owned_by(
        self,
        tenant: TenantId,
        provider: ProviderName,
        kind: ObjectKind,
        *,
        start: tuple[int, str] | None,
        ascending: bool,
        limit: int,
    ) -> Sequence[Ownership]:
        """One Query for each 100 rows."""
        values = {":place": tenant_partition(tenant, provider, kind)}
        condition = _ALL
        if start is not None:
            values[":start"] = tenant_sort(*start)
            condition = _AFTER if ascending else _BEFORE
        items = self._table.query(
            condition, values, IndexName=BY_TENANT, ScanIndexForward=ascending, limit=min(max(limit, 1), PAGE)
        )
        return [ownership_of_item(item) for item in islice(items, max(limit, 0))]

    def keep_snapshot(self, ref: ObjectRef, tenant: TenantId, snapshot: str) -> None:
        """One UpdateItem."""
        values = encoded({":snapshot": snapshot, ":tenant": tenant_part(tenant)})
        with suppress(ConditionFailed):
            self._table.update(
                ownership_key(ref),
                UpdateExpression=_DESCRIBE,
                ConditionExpression=_IS_HELD_BY,
                ExpressionAttributeNames=_SNAPSHOT_NAME,
                ExpressionAttributeValues=values,
            )


class DynamoKeys:
    """KeyStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """One consistent GetItem, or two by a regenerated secret."""
        item = self._table.get(virtual_key_key(key_id))
        if item is not None and (owner := referred_to(decoded_names(item, _REFERENCE))) is not None:
            item = self._table.get(virtual_key_key(owner))
        return key_from_record(decoded(item, VirtualKey)) if item is not None else None

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None) -> None:
        """One PutItem, in a transaction with the audit record."""
        try:
            self._table.put(virtual_key_item(key), audit_actions(audit), ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("key") from failure

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None) -> None:
        """One PutItem, in a transaction with the audit record."""
        try:
            self._table.put(virtual_key_item(key), audit_actions(audit), **version_condition(key.version - 1))
        except ConditionFailed as failure:
            raise StateConflict("key") from failure

    def all_keys(self) -> Sequence[VirtualKey]:
        """One Query for each 1,000 rows or megabyte, eventually consistent."""
        values = {":place": {"S": KEYS}}
        items = self._table.query(_ALL, values, IndexName=BY_TENANT, ScanIndexForward=False, limit=_ALL_PAGE)
        return [key_from_record(decoded(item, VirtualKey)) for item in items]

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """One PutItem, of an item that is in no list."""
        try:
            item = virtual_key_key(secret) | encoded(reference_record(secret, key_id))
            self._table.put(item, ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("key") from failure

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """One DeleteItem. False also where botocore repeated it and its first attempt had deleted the item."""
        return self._table.delete(virtual_key_key(key_id), audit_actions(audit))


class DynamoReports:
    """ReportStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def rollups(self, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
        """One consistent Query for each 100 sums."""
        values = {":month": rollup_partition(scope, scope_id, month)}
        items = self._table.query(_MONTH, values, ConsistentRead=True)
        return sorted(map(rollup_of_item, items), key=lambda rollup: rollup.bucket)


class DynamoAudit:
    """AuditLog. In this module, for each further one delays the start of the api function."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def add(self, record: AuditRecord) -> None:
        """One PutItem."""
        try:
            self._table.put(audit_item(record), ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("audit record") from failure

    def search(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """One consistent Query for each month, and for each 100 records."""
        from vectorgate.audit.model import AuditRecord  # noqa: PLC0415 - the api function has no use for it

        check_audit_query(query)
        names = AuditRecord.__slots__
        records = (AuditRecord.from_record(decoded_names(item, names)) for item in self._newest(query))
        return list(islice(records, max(query.limit, 0)))

    def _newest(self, query: AuditQuery) -> Iterator[Item]:
        """The items of the range, newest first, behind the query's position."""
        end = min((query.end_ms, _FIRST_ID), query.before or (query.end_ms, _FIRST_ID))
        if end <= (query.start_ms, _FIRST_ID):
            return
        start, behind = audit_sort(query.start_ms, _FIRST_ID), audit_sort(*end)
        for month in _months(query.start_ms, end[0]):
            values = {":month": month, ":start": start, ":end": behind}
            items = self._table.query(
                _RANGE, values, ConsistentRead=True, ScanIndexForward=False, limit=min(max(query.limit, 1) + 1, PAGE)
            )
            yield from (item for item in items if item["SK"] != behind)


def _months(start_ms: int, end_ms: int) -> Iterator[Attribute]:
    """The partitions of a range, newest first."""
    found = audit_partition(end_ms)
    yield found
    for day in range(end_ms // _DAY_MS, start_ms // _DAY_MS - 1, -1):
        month = audit_partition(day * _DAY_MS)
        if month != found:
            found = month
            yield month

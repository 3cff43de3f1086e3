"""Ownership, with its writes as actions of the ledger's transactions, and keys on DynamoDB."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from itertools import islice
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from vectorgate.auth.keys.model import VirtualKey
from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.ids import OperationId
from vectorgate.persistence.dynamodb.codec import decoded, decoded_names, encoded
from vectorgate.persistence.dynamodb.schema import (
    BY_TENANT,
    KEYS,
    audit_actions,
    audit_item,
    audit_partition,
    audit_sort,
    ownership_item,
    ownership_key,
    ownership_of_item,
    share_item,
    share_key,
    shared_ref,
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
    from vectorgate.persistence.dynamodb.schema import Attribute, Item
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

_ALL_PAGE: Final = 1_000  # rows of a page, which has at most a megabyte
_REFERENCE: Final = ("refers_to",)
_ALL: Final = "by_tenant_pk = :place"
_AFTER: Final = "by_tenant_pk = :place AND by_tenant_sk > :start"
_BEFORE: Final = "by_tenant_pk = :place AND by_tenant_sk < :start"
_DESCRIBE: Final = "SET #snapshot = :snapshot"
_IS_HELD_BY: Final = "tenant = :tenant AND attribute_not_exists(retired_at)"
_SNAPSHOT_NAME: Final = {"#snapshot": "snapshot"}  # a reserved word
_RANGE: Final = "PK = :month AND SK BETWEEN :start AND :end"
_FIRST_ID: Final = OperationId("0")  # sorts before every id
_IS_UNSHARED: Final = "attribute_exists(PK) AND attribute_not_exists(shares)"
_IS_SHARED: Final = "attribute_exists(PK) AND shares = :shares"
_IS_THE_TENANTS: Final = "tenant = :tenant"
_RETIRE: Final = "SET retired_at = if_not_exists(retired_at, :at) REMOVE by_tenant_pk, by_tenant_sk"
_UNLIST: Final = "REMOVE by_tenant_pk, by_tenant_sk"
# Of a row that is assigned, as it was read: with or without holders, and shares.
_IS_PLAIN: Final = (
    "tenant = :tenant AND attribute_not_exists(retired_at) AND attribute_not_exists(holders) "
    "AND attribute_not_exists(shares)"
)
_IS_HELD_SINCE: Final = (
    "tenant = :tenant AND attribute_not_exists(retired_at) AND holders = :holders AND attribute_not_exists(shares)"
)
_IS_SHARED_SO: Final = (
    "tenant = :tenant AND attribute_not_exists(retired_at) AND attribute_not_exists(holders) AND shares = :shares"
)
_IS_HELD_AND_SHARED: Final = (
    "tenant = :tenant AND attribute_not_exists(retired_at) AND holders = :holders AND shares = :shares"
)
_NO_SHARES: Final[Mapping[ObjectRef, str]] = MappingProxyType({})

Action = tuple[str, dict[str, Any]]


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
        """One Query for each 100 rows, and one BatchGetItem for those of them that are shared."""
        values = {":place": tenant_partition(tenant, provider, kind)}
        condition = _ALL
        if start is not None:
            values[":start"] = tenant_sort(*start)
            condition = _AFTER if ascending else _BEFORE
        page = min(max(limit, 1), PAGE)
        items = self._table.query(condition, values, IndexName=BY_TENANT, ScanIndexForward=ascending, limit=page)
        return list(islice(self._listed(items, tenant, page), max(limit, 0)))

    def _listed(self, items: Iterator[Item], tenant: TenantId, page: int) -> Iterator[Ownership]:
        """The row of each item; none for a share that does not hold any more."""
        from vectorgate.tenancy.sharing import shared_with  # noqa: PLC0415 - of shared stores alone

        while chunk := list(islice(items, page)):
            refs = [ref for ref in map(shared_ref, chunk) if ref is not None]
            shared = self.owners(refs) if refs else {}
            for item in chunk:
                ref = shared_ref(item)
                row = ownership_of_item(item) if ref is None else shared.get(ref)
                if row is not None and (ref is None or (row.retired_at is None and tenant in shared_with(row))):
                    yield row

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

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """One PutItem, in a transaction with the audit record and the claims."""
        try:
            self._put(key, audit, claims, ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("key") from failure

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """One PutItem, in a transaction with the audit record and the claims."""
        try:
            self._put(key, audit, claims, **version_condition(key.version - 1))
        except ConditionFailed as failure:
            raise StateConflict("key") from failure

    def _put(self, key: VirtualKey, audit: AuditRecord | None, claims: Sequence[str], **condition: Any) -> None:  # noqa: ANN401 - PutItem's
        if not claims:
            self._table.put(virtual_key_item(key), audit_actions(audit), **condition)
            return
        from vectorgate.persistence.dynamodb.key_names import put_named  # noqa: PLC0415 - the admin function's alone

        put_named(self._table, key, claims, audit_actions(audit), condition)

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
    for day in range(end_ms // DAY_MS, start_ms // DAY_MS - 1, -1):
        month = audit_partition(day * DAY_MS)
        if month != found:
            found = month
            yield month


@dataclass(frozen=True, slots=True)
class OwnershipChange:
    """Rows to write and rows to retire in one transaction, with what refused attempts told about them.

    Each new row is first put on the condition that it is new. If the same tenant has it, the Put becomes a check of the
    tenant; a row to retire is first taken for one that is not shared. An owner never changes here, so each round learns
    of another row, and the rounds end::

        [put A, retire B] --> refused: A is ours, B is shared --> [check A, retire B, unlist B for red] --> done
    """

    owned: Sequence[Ownership]
    retired: Sequence[ObjectRef]
    at: int
    held: frozenset[ObjectRef] = frozenset()
    shares: Mapping[ObjectRef, str] = _NO_SHARES

    def actions(self) -> list[Action]:
        """One for each row, in their order, and one for each team that a row to retire is shared with."""
        own = [_check_owner_action(row) if row.ref in self.held else _own_action(row) for row in self.owned]
        return [*own, *(_retire_action(ref, self.at, self.shares.get(ref)) for ref in self.retired), *self._unlisted()]

    def after(self, old_items: Mapping[int, Item]) -> OwnershipChange:
        """The next round's, by the items whose conditions failed. StateConflict for a row that cannot be written."""
        held, shares = set(self.held), dict(self.shares)
        for place, item in old_items.items():
            if 0 <= place < len(self.owned) and self._is_ours(self.owned[place], item):
                held.add(self.owned[place].ref)
            elif len(self.owned) <= place < len(self.owned) + len(self.retired) and item:
                shares[self.retired[place - len(self.owned)]] = item.get("shares", {}).get("S", "")
            else:
                raise StateConflict("the row or its ownership")
        return replace(self, held=frozenset(held), shares=shares)

    def _is_ours(self, row: Ownership, item: Item) -> bool:
        return row.ref not in self.held and item.get("tenant") == {"S": row.tenant}

    def _unlisted(self) -> list[Action]:
        if not self.shares:
            return []
        from vectorgate.tenancy.sharing import tenants_in  # noqa: PLC0415 - of shared stores alone

        return [_unlist_action(ref, tenant) for ref, text in self.shares.items() if text for tenant in tenants_in(text)]


def assign_actions(row: Ownership, before: Ownership | None) -> Iterator[Action]:
    """Write a row that is new, or that is as it was read, and list it for the teams that it is shared with."""
    from vectorgate.tenancy.sharing import shared_with  # noqa: PLC0415 - of administrators' writes alone

    condition = {"ConditionExpression": IS_NEW} if before is None else _as_read(before)
    yield "Put", {"Item": ownership_item(row), **condition}
    listed = frozenset(shared_with(before)) if before is not None else frozenset()
    shared = frozenset(shared_with(row))
    yield from (("Put", {"Item": share_item(row, tenant)}) for tenant in sorted(shared - listed))
    yield from (_unlist_action(row.ref, tenant) for tenant in sorted(listed - shared))


def _own_action(row: Ownership) -> Action:
    return "Put", {
        "Item": ownership_item(row),
        "ConditionExpression": IS_NEW,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _check_owner_action(row: Ownership) -> Action:
    return "ConditionCheck", {
        "Key": ownership_key(row.ref),
        "ConditionExpression": _IS_THE_TENANTS,
        "ExpressionAttributeValues": encoded({":tenant": row.tenant}),
    }


def _retire_action(ref: ObjectRef, at: int, shares: str | None) -> Action:
    values = {":at": at, ":shares": shares} if shares else {":at": at}
    return "Update", {
        "Key": ownership_key(ref),
        "UpdateExpression": _RETIRE,
        "ConditionExpression": _IS_SHARED if shares else _IS_UNSHARED,
        "ExpressionAttributeValues": encoded(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _unlist_action(ref: ObjectRef, tenant: TenantId) -> Action:
    return "Update", {"Key": share_key(ref, tenant), "UpdateExpression": _UNLIST}


def _as_read(before: Ownership) -> dict[str, Any]:
    values = encoded({":tenant": before.tenant, ":holders": before.holders, ":shares": before.shares})
    if before.holders is None:
        condition = _IS_PLAIN if before.shares is None else _IS_SHARED_SO
    else:
        condition = _IS_HELD_SINCE if before.shares is None else _IS_HELD_AND_SHARED
    return {"ConditionExpression": condition, "ExpressionAttributeValues": values}

"""The DynamoDB table: its keys, its indexes, and the item of every kind of row. Pure.

===========  ===============================================  ====================================
item         PK                                               SK
===========  ===============================================  ====================================
key          ``KEY#<key id>``                                 ``META``
its name     ``KEY#name-<claim>``                             ``META``
operation    ``OP#<operation id>``                            ``STATE``
ownership    ``OWN#<provider>#<kind>#<object id>``            ``0``
share        ``OWN#<provider>#<kind>#<object id>``            ``SHARE#<tenant>``
rollup       ``USE#<scope>#<YYYY-MM>#<shard>``                ``<id>#<DD>#<provider>#<operation>#<facts>``
of a tenant  ``USE#tenant#<tenant>#<YYYY-MM>``                ``<DD>#<provider>#<operation>``, ``#<facts>``
idempotency  ``IDEM#<tenant>#<name>``                         ``0``, or ``<operation id>``
limit        ``BUD#<scope>#<id>``                             ``LIMIT``
account      ``BUD#<scope>#<id>``                             ``<YYYY-MM-DD>`` or ``ever``
audit        ``AUDIT#<YYYY-MM>``                              ``<at_ms, 13>#<record id>``
===========  ===============================================  ====================================

``rollups.py`` says more of rollups.
A share's item lists a store for a team that does not own it; what the team may do is in the ownership row.
Keys and limits are in ``by_tenant``, too, for administrators' lists: under ``KEYS``, ``TEAMS``, ``CUSTOMERS`` and
``USERS``. Those that an earlier release wrote are listed once they are written again. ``indexes.py``, ``meter.py``,
``rates.py`` and ``ingest.py`` have the keys of the others.

===============  ===========================================  ============================  =========  ==============
index            partition key                                sort key                      projects   holds
===============  ===========================================  ============================  =========  ==============
``request_log``  ``by_day_pk`` = ``DAY#<date>#<shard>``       ``began``                     FILTERED   all operations
``open``         ``open_pk`` = ``OPEN#<shard>``               ``began``                     KEYS_ONLY  open for long
``by_tenant``    ``by_tenant_pk`` =                           ``by_tenant_sk`` =            ALL        live ownership
                 ``TEN#<tenant>#<provider>#<kind>``           ``<created_at, 10>#<id>``
===============  ===========================================  ============================  =========  ==============

FILTERED: what the request log is filtered by and a row never changes, so that DynamoDB looks through a million rows for
those of a key without a further write of any row. Earlier releases had this index as ``by_day``, with keys alone.

``began`` = ``<started_ms, 13 digits>#<operation id>`` sorts by time whatever the id looks like, and serves two indexes.
It never changes, nor does ``open_pk`` once a row has it (``open_rows.py``), until it is settled or voided and leaves
``open``. Retired ownership rows have no ``by_tenant_pk`` and ``by_tenant_sk``, and so leave ``by_tenant``.

Rows that are settled or voided have a ``ttl`` (Unix seconds) where the deployment keeps them for some days only.

Shards: one index partition takes 1,000 writes/s, 16 of them four times the account's default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias
from zlib import crc32

from vectorgate.ids import ObjectKind, OperationId
from vectorgate.ledger.entry import STORED_NAMES, LedgerEntry, State
from vectorgate.ledger.ports import INDEXED
from vectorgate.ledger.rollups import day_of
from vectorgate.persistence.dynamodb.codec import FORM, decoded, decoded_names, encoded, is_newer
from vectorgate.persistence.records import key_to_record
from vectorgate.persistence.validation import (
    check_audit,
    check_ref,
    object_part,
    tenant_part,
)
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId, ProviderName, TenantId

Attribute: TypeAlias = dict[str, Any]  # {"S": ...}, {"N": ...} and so on
Item: TypeAlias = dict[str, Attribute]
Action: TypeAlias = tuple[str, dict[str, Any]]  # of a transaction, as `DynamoTable.transact` takes them

SHARDS: Final = 16
REQUEST_LOG: Final = "request_log"
BY_TENANT: Final = "by_tenant"
OPEN: Final = "open"
SETTLED_ROWS: Final = "settled"  # of a store's rollup, or of an item beside it: the rows that were settled last
KEYS: Final = "KEYS"  # the partition of by_tenant with every key

OPEN_STATES: Final = frozenset({State.STARTED, State.ANSWERED, State.UNCERTAIN})
# A row that is written so long after it began is listed at once: the first look at its time may be over by then.
_LATE_MS: Final = 30_000


def _index(name: str, partition: str, sort: str, projection: str, *also: str) -> dict[str, Any]:
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": partition, "KeyType": "HASH"},
            {"AttributeName": sort, "KeyType": "RANGE"},
        ],
        "Projection": {"ProjectionType": projection, **({"NonKeyAttributes": [*also]} if also else {})},
    }


INDEXES: Final = (
    _index(REQUEST_LOG, "by_day_pk", "began", "INCLUDE", *INDEXED),
    _index(BY_TENANT, "by_tenant_pk", "by_tenant_sk", "ALL"),
    _index(OPEN, "open_pk", "began", "KEYS_ONLY"),
)
_KEY_ATTRIBUTES = ("PK", "SK", "by_day_pk", "began", "open_pk", "by_tenant_pk", "by_tenant_sk")
# The arguments of CreateTable beside the name; a test compares them with template.yaml.
TABLE_DEFINITION: Final[dict[str, Any]] = {
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in _KEY_ATTRIBUTES],
    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    "GlobalSecondaryIndexes": list(INDEXES),
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
}


def joined(*parts: str) -> Attribute:
    """Parts, each already checked, as one key attribute."""
    return {"S": "#".join(parts)}


def operation_key(operation_id: OperationId) -> Item:
    """The primary key of an operation's row."""
    return {"PK": joined("OP", object_part(operation_id)), "SK": {"S": "STATE"}}


def ownership_key(ref: ObjectRef) -> Item:
    """The primary key of an ownership row."""
    check_ref(ref)
    return {"PK": joined("OWN", ref.provider, ref.kind, ref.id), "SK": {"S": "0"}}


def share_key(ref: ObjectRef, tenant: TenantId) -> Item:
    """The primary key of the item that lists an object for a tenant that it is shared with."""
    return {**ownership_key(ref), "SK": {"S": "SHARE#" + tenant_part(tenant)}}


def virtual_key_key(key_id: KeyId) -> Item:
    """The primary key of a virtual key's row."""
    return {"PK": joined("KEY", object_part(key_id)), "SK": {"S": "META"}}


def day_partition(date: str, shard: int) -> Attribute:
    """The partition of ``request_log`` with a sixteenth of a day's operations."""
    return joined("DAY", date, str(shard))


def open_partition(shard: int) -> Attribute:
    """The partition of ``open`` with a sixteenth of the operations that are not finished."""
    return joined("OPEN", str(shard))


def tenant_partition(tenant: TenantId, provider: ProviderName, kind: ObjectKind) -> Attribute:
    """The partition of ``by_tenant`` with a tenant's objects of one kind at one provider."""
    return joined("TEN", tenant_part(tenant), object_part(provider), kind)


def tenant_sort(created_at: int, object_id: str) -> Attribute:
    """The sort key of an object there."""
    return joined(f"{created_at:010d}", object_part(object_id))


def shard_of(operation_id: OperationId) -> int:
    """The shard of an operation. Part of stored keys: it must never change."""
    return crc32(operation_id.encode()) % SHARDS


def new_item(entry: LedgerEntry, now_ms: int, ttl: int | None = None) -> Item:
    """The item of a row that begins."""
    return operation_item(entry, listed=now_ms - entry.started_ms > _LATE_MS, ttl=ttl)


def operation_item(entry: LedgerEntry, *, listed: bool = False, ttl: int | None = None) -> Item:
    """The whole item, with the attributes of its indexes.

    `listed`: in ``open``, unless it is final. An uncertain row always is. `ttl`: when it is removed, if it is final.
    """
    shard = shard_of(entry.id)
    item = operation_key(entry.id) | encoded(entry.to_record())
    item["by_day_pk"] = day_partition(day_of(entry.started_ms), shard)
    item["began"] = joined(f"{entry.started_ms:013d}", entry.id)
    if entry.reserving:
        item["form"] = {"N": str(FORM)}
    if entry.state is State.UNCERTAIN or (listed and entry.state in OPEN_STATES):
        item["open_pk"] = open_partition(shard)
    if ttl is not None and entry.state not in OPEN_STATES:
        item["ttl"] = {"N": str(ttl)}
    return item


def entry_of_item(item: Mapping[str, Mapping[str, Any]]) -> LedgerEntry | None:
    """The row of an item, or of an image in a stream record; None if it is not an operation's.

    Also None for one in a later release's form, which that release will settle, resolve and list.
    """
    if not item.get("PK", {}).get("S", "").startswith("OP#") or item.get("SK") != {"S": "STATE"} or is_newer(item):
        return None
    return LedgerEntry.from_record(decoded_names(item, STORED_NAMES))


def kept_entry(item: Mapping[str, Mapping[str, Any]], now_s: int) -> LedgerEntry | None:
    """As `entry_of_item`; None also for a row whose `ttl` is over, which DynamoDB removes within days, in no order.

    So all readers lose it at one moment, and a correction, which is settled later, not before the row that it corrects.
    """
    return entry_of_item(item) if "ttl" not in item or now_s < int(item["ttl"]["N"]) else None


def ownership_item(row: Ownership) -> Item:
    """The whole item; a retired one is not in the index."""
    ref = row.ref
    item = ownership_key(ref) | encoded(
        {
            "provider": ref.provider,
            "kind": ref.kind,
            "id": ref.id,
            "tenant": row.tenant,
            "key_id": row.key_id,
            "created_at": row.created_at,
            "end_user": row.end_user,
            "parent": row.parent,
            "snapshot": row.snapshot,
            "retired_at": row.retired_at,
            "holders": row.holders,
            "shares": row.shares,
            "operation_id": row.operation_id,
        }
    )
    return item | _in_list(row, row.tenant) if row.retired_at is None else item


def share_item(row: Ownership, tenant: TenantId) -> Item:
    """The whole item that lists a store for a tenant that it is shared with."""
    ref = row.ref
    facts = {"provider": ref.provider, "kind": ref.kind, "id": ref.id, "created_at": row.created_at}
    return share_key(ref, tenant) | encoded(facts) | _in_list(row, tenant)


def shared_ref(item: Mapping[str, Mapping[str, Any]]) -> ObjectRef | None:
    """The object of a share's item; None for another item."""
    if not item["SK"]["S"].startswith("SHARE#"):
        return None
    ref = decoded(item, ObjectRef)
    return ObjectRef(**{**ref, "kind": ObjectKind(ref["kind"])})


def _in_list(row: Ownership, tenant: TenantId) -> Item:
    ref = row.ref
    place = tenant_partition(tenant, ref.provider, ref.kind)
    return {"by_tenant_pk": place, "by_tenant_sk": tenant_sort(row.created_at, ref.id)}


def ownership_of_item(item: Mapping[str, Mapping[str, Any]]) -> Ownership:
    """The inverse of `ownership_item`."""
    ref = decoded(item, ObjectRef)
    ref["kind"] = ObjectKind(ref["kind"])
    return Ownership(ref=ObjectRef(**ref), **decoded(item, Ownership))


def virtual_key_item(key: VirtualKey) -> Item:
    """The whole item, in the list of all keys."""
    in_list = {"by_tenant_pk": {"S": KEYS}, "by_tenant_sk": tenant_sort(key.created_at, key.id)}
    return virtual_key_key(key.id) | encoded(key_to_record(key)) | in_list


def audit_actions(audit: AuditRecord | None) -> list[Action]:
    """The Put of a change's record; none without a record."""
    return [("Put", {"Item": audit_item(audit), "ConditionExpression": "attribute_not_exists(PK)"})] if audit else []


def audit_item(audit: AuditRecord) -> Item:
    """The whole item."""
    check_audit(audit)
    place = {"PK": audit_partition(audit.at_ms), "SK": audit_sort(audit.at_ms, audit.id)}
    return place | encoded(audit.to_record())


def audit_partition(at_ms: int) -> Attribute:
    """The partition of a month's records."""
    return joined("AUDIT", day_of(at_ms)[:7])


def audit_sort(at_ms: int, record_id: str) -> Attribute:
    """The sort key of a record there."""
    return joined(f"{at_ms:013d}", object_part(record_id))


def ids_of_rollup(item: Mapping[str, Mapping[str, Any]]) -> list[OperationId]:
    """The rows of stores that such an item names; none of another item."""
    return [OperationId(id_) for id_ in item.get(SETTLED_ROWS, {}).get("S", "").split()]

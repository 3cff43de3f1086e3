"""Ownership and keys on SQLite: point reads, and walks along an index."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.persistence.records import key_from_record, key_to_record, reference_record, referred_to
from vectorgate.persistence.sqlite.audit import recorded
from vectorgate.persistence.validation import check_ref, object_part, tenant_part
from vectorgate.store_errors import AlreadyExists, NameTaken, StateConflict
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.persistence.sqlite.database import Database

_OWNER = """
    SELECT provider, kind, id, tenant, key_id, created_at, end_user, parent, snapshot, retired_at, holders, shares,
        operation_id
    FROM ownership WHERE provider = ? AND kind = ? AND id = ?
"""
_OLDEST_FIRST = """
    SELECT provider, kind, id, tenant, key_id, created_at, end_user, parent, snapshot, retired_at, holders, shares,
        operation_id
    FROM ownership WHERE tenant = ? AND provider = ? AND kind = ? AND retired_at IS NULL AND (created_at, id) > (?, ?)
    ORDER BY created_at, id LIMIT ?
"""
_NEWEST_FIRST = """
    SELECT provider, kind, id, tenant, key_id, created_at, end_user, parent, snapshot, retired_at, holders, shares,
        operation_id
    FROM ownership WHERE tenant = ? AND provider = ? AND kind = ? AND retired_at IS NULL AND (created_at, id) < (?, ?)
    ORDER BY created_at DESC, id DESC LIMIT ?
"""
_SHARED_OLDEST_FIRST = """
    SELECT o.provider, o.kind, o.id, o.tenant, key_id, o.created_at, end_user, parent, snapshot, retired_at, holders,
        shares, operation_id
    FROM shared AS s JOIN ownership AS o ON o.provider = s.provider AND o.kind = s.kind AND o.id = s.id
    WHERE s.tenant = ? AND s.provider = ? AND s.kind = ? AND (s.created_at, s.id) > (?, ?)
    ORDER BY s.created_at, s.id LIMIT ?
"""
_SHARED_NEWEST_FIRST = """
    SELECT o.provider, o.kind, o.id, o.tenant, key_id, o.created_at, end_user, parent, snapshot, retired_at, holders,
        shares, operation_id
    FROM shared AS s JOIN ownership AS o ON o.provider = s.provider AND o.kind = s.kind AND o.id = s.id
    WHERE s.tenant = ? AND s.provider = ? AND s.kind = ? AND (s.created_at, s.id) < (?, ?)
    ORDER BY s.created_at DESC, s.id DESC LIMIT ?
"""
_DESCRIBE = """
    UPDATE ownership SET snapshot = ? WHERE provider = ? AND kind = ? AND id = ? AND tenant = ? AND retired_at IS NULL
"""
_BEFORE_ALL, _AFTER_ALL = (-1, ""), (1 << 62, "")
_KEY = "SELECT record FROM keys WHERE id = ?"
_ADD_KEY = "INSERT INTO keys (id, record) VALUES (?, ?) ON CONFLICT (id) DO NOTHING"
# A row that was written before versions existed counts as version 1.
_REPLACE_KEY = "UPDATE keys SET record = ? WHERE id = ? AND coalesce(json_extract(record, '$.version'), 1) = ?"
_ALL_KEYS = "SELECT record FROM keys"
# A claim of a name refers to its holder, whose row may be gone or have another name by now.
_CLAIM = "INSERT INTO keys (id, record) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET record = excluded.record"
_HOLDER = """
    SELECT 1 FROM keys AS claim JOIN keys AS holder ON holder.id = json_extract(claim.record, '$.refers_to')
    WHERE claim.id = ? AND json_extract(holder.record, '$.alias') = ? AND holder.id <> ?
"""
_DELETE_KEY = "DELETE FROM keys WHERE id = ?"


class SqliteOwnership:
    """OwnershipStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owners(self, refs: Collection[ObjectRef]) -> Mapping[ObjectRef, Ownership]:
        """One point read for each ref."""
        found: dict[ObjectRef, Ownership] = {}
        for ref in refs:
            check_ref(ref)
            for row in self._database.rows(_OWNER, (ref.provider, ref.kind, ref.id)):
                found[ref] = _ownership(row)
        return found

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
        """A walk along a partial index, and one along the table of shares."""
        owner = (tenant_part(tenant), object_part(provider), kind)
        edge = _BEFORE_ALL if ascending else _AFTER_ALL
        if start is not None:
            edge = (start[0], object_part(start[1]))
        statements = (_OLDEST_FIRST, _SHARED_OLDEST_FIRST) if ascending else (_NEWEST_FIRST, _SHARED_NEWEST_FIRST)
        values = (*owner, *edge, max(limit, 0))
        own, shared = ([*map(_ownership, self._database.rows(statement, values))] for statement in statements)
        if not shared:
            return own
        rows = sorted([*own, *shared], key=lambda row: (row.created_at, row.ref.id), reverse=not ascending)
        return rows[: max(limit, 0)]

    def keep_snapshot(self, ref: ObjectRef, tenant: TenantId, snapshot: str) -> None:
        """One UPDATE."""
        check_ref(ref)
        self._database.change(_DESCRIBE, (snapshot, ref.provider, ref.kind, ref.id, tenant_part(tenant)))


class SqliteKeys:
    """KeyStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """One point read, or two by a regenerated secret."""
        record = self._record(key_id)
        if record is not None and (owner := referred_to(record)) is not None:
            record = self._record(owner)
        return key_from_record(record) if record is not None else None

    def _record(self, key_id: KeyId) -> dict[str, Any] | None:
        rows = self._database.rows(_KEY, (object_part(key_id),))
        return json.loads(rows[0][0]) if rows else None

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """One INSERT, and one for each claim."""
        values = (object_part(key.id), json.dumps(key_to_record(key)))
        if recorded(self._database, _ADD_KEY, values, audit, _claiming(key, claims)) == 0:
            raise AlreadyExists("key")

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """One UPDATE, and one for each claim."""
        values = (json.dumps(key_to_record(key)), object_part(key.id), key.version - 1)
        if recorded(self._database, _REPLACE_KEY, values, audit, _claiming(key, claims)) == 0:
            raise StateConflict("key")

    def all_keys(self) -> Sequence[VirtualKey]:
        """One walk over the table."""
        records = [json.loads(record) for (record,) in self._database.rows(_ALL_KEYS, ())]
        rows = [key_from_record(record) for record in records if referred_to(record) is None]
        return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """One INSERT."""
        record = json.dumps(reference_record(secret, key_id))
        if self._database.change(_ADD_KEY, (object_part(secret), record)) == 0:
            raise AlreadyExists("key")

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """One DELETE."""
        return recorded(self._database, _DELETE_KEY, (object_part(key_id),), audit) == 1


def _claiming(key: VirtualKey, claims: Sequence[str]) -> Callable[[sqlite3.Connection], None] | None:
    """What claims a key's name within the transaction that writes its row. NameTaken."""

    def claim_all(connection: sqlite3.Connection) -> None:
        for claim in claims:
            place, record = f"name-{object_part(claim)}", json.dumps(reference_record(key.id, key.id))
            if connection.execute(_HOLDER, (place, key.alias, key.id)).fetchone() is not None:
                raise NameTaken(str(key.alias))
            connection.execute(_CLAIM, (place, record))

    return claim_all if claims else None


def _ownership(row: tuple[Any, ...]) -> Ownership:
    provider, kind, id_, tenant, key_id, created_at, end_user, parent, snapshot, retired_at, *others = row
    holders, shares, operation_id = others
    return Ownership(
        ref=ObjectRef(ProviderName(provider), ObjectKind(kind), ObjectId(id_)),
        tenant=TenantId(tenant),
        key_id=KeyId(key_id) if key_id else None,
        created_at=created_at,
        end_user=end_user,
        parent=parent,
        snapshot=snapshot,
        retired_at=retired_at,
        holders=holders,
        shares=shares,
        operation_id=operation_id,
    )

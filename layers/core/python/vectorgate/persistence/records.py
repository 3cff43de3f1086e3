"""Virtual keys as plain values (str, int, bool, lists and mappings of them), which both adapters store. Pure.

Other rows convert themselves (`LedgerEntry.to_record`, `Meter.to_record`).
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from vectorgate.auth.keys.model import IndexPermission, KeyRole, VirtualKey
from vectorgate.ids import KeyId

if TYPE_CHECKING:
    from collections.abc import Mapping


def key_to_record(key: VirtualKey) -> dict[str, Any]:
    """The fields that have a value, by name."""
    record = {field.name: getattr(key, field.name) for field in fields(key)}
    record["indexes"] = {name: sorted(permissions) for name, permissions in key.indexes.items()}
    for name in ("models", "read_only", "tags"):
        if not record[name]:
            del record[name]
    return {name: value for name, value in record.items() if value is not None}


def reference_record(secret: KeyId, key_id: KeyId) -> dict[str, Any]:
    """The row at the hash of a regenerated secret: it refers to the key that has it."""
    return {"id": secret, "refers_to": key_id}


def referred_to(record: Mapping[str, Any]) -> KeyId | None:
    """The key that a row refers to; None for the row of a key itself."""
    found = record.get("refers_to")
    return KeyId(found) if found is not None else None


def key_from_record(record: Mapping[str, Any]) -> VirtualKey:
    """The inverse of `key_to_record`; unknown names are ignored."""
    known = {field.name: record[field.name] for field in fields(VirtualKey) if field.name in record}
    indexes = known.get("indexes", {})
    known["indexes"] = {name: frozenset(map(IndexPermission, allowed)) for name, allowed in indexes.items()}
    for name in ("models", "allowed_tools", "allowed_routes", "allowed_providers", "vector_stores", "tags"):
        if name in known:
            known[name] = tuple(known[name])
    if "role" in known:
        known["role"] = KeyRole(known["role"])
    return VirtualKey(**known)

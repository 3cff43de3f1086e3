"""Correlation of an operation with the object that it created at the provider, also when its answer was lost. Pure.

A store gets the operation's id in its metadata, the correlation tag, if there is room for one more key. The client
never sees the tag and cannot set it; ids are unguessable, so a tag proves the operation. Objects without a tag (a store
whose metadata is full, an uploaded file) are matched by a fuzzy fingerprint of their visible properties, which proves
nothing: such a match is marked as weak.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import FileUpload, encode_json
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectId, ObjectKind, ProviderName
from vectorgate.tenancy.ownership import MAX_CREATED_AT, ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry

TAG: Final = "vectorgate_operation"
MAX_METADATA: Final = 16  # keys; OpenAI's limit
# Kinds whose ownership row stores the provider's document.
DESCRIBED: Final = frozenset({ObjectKind.FILE, ObjectKind.UPLOAD})
_DIGITS: Final = 32  # hexadecimal, of a fuzzy fingerprint: 128 bits, so that the row stays below 1 KiB


def tagged(command: Command, operation_id: OperationId) -> Mapping[str, object] | None:
    """The command's body with the tag in its metadata; None without room for it, or if no store is created."""
    if command.operation.creates is not ObjectKind.VECTOR_STORE:
        return None
    metadata = command.body.get("metadata") or {}
    if not isinstance(metadata, dict) or len(metadata) >= MAX_METADATA:
        return None
    return {**command.body, "metadata": {**metadata, TAG: operation_id}}


def tag_of(document: Mapping[str, object]) -> str | None:
    """The operation id in a store's tag, if it has one."""
    metadata = document.get("metadata")
    tag = metadata.get(TAG) if isinstance(metadata, dict) else None
    return tag if isinstance(tag, str) else None


def without_tag(document: Mapping[str, object]) -> Mapping[str, object]:
    """A document for the client: a store, or a list of them, without tags."""
    data = document.get("data")
    if isinstance(data, list):
        return {**document, "data": [without_tag(item) if isinstance(item, dict) else item for item in data]}
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or TAG not in metadata:
        return document
    return {**document, "metadata": {name: value for name, value in metadata.items() if name != TAG}}


def fuzzy_fingerprint_of_command(command: Command, operation_id: OperationId) -> str | None:
    """The fingerprint of the object that a command creates; None when a tag identifies it, or no property is known."""
    creates, upload = command.operation.creates, command.content
    if creates is ObjectKind.FILE and isinstance(upload, FileUpload):
        return _digest("file", upload.filename, upload.content.size, upload.fields.get("purpose"))
    if creates is not ObjectKind.VECTOR_STORE or tagged(command, operation_id) is not None:
        return None
    return _digest("vector_store", command.body.get("name") or "", command.body.get("metadata"))


def fuzzy_fingerprint_of(kind: ObjectKind, document: Mapping[str, object]) -> str:
    """The fingerprint of an object, computed from the provider's document."""
    if kind is ObjectKind.FILE:
        return _digest("file", document.get("filename"), document.get("bytes"), document.get("purpose"))
    return _digest("vector_store", document.get("name") or "", document.get("metadata"))


def ownership_of(
    entry: LedgerEntry, kind: ObjectKind, document: Mapping[str, object], *, parent: ObjectId | None = None
) -> Ownership:
    """The ownership row of a created object, from the provider's document. ValueError for an entry without a tenant."""
    if entry.tenant is None or entry.key_id is None:
        raise ValueError("an object needs a tenant to own it")
    return Ownership(
        ref=ObjectRef(ProviderName(str(entry.provider)), kind, ObjectId(str(document["id"]))),
        tenant=entry.tenant,
        key_id=entry.key_id,
        created_at=_created_at(document, entry),
        end_user=entry.end_user,
        parent=parent,
        snapshot=encode_json(document).decode("ascii") if kind in DESCRIBED else None,
    )


def _created_at(document: Mapping[str, object], entry: LedgerEntry) -> int:
    """The object's creation time, by which lists are ordered; the operation's, if the provider's is invalid."""
    created_at = document.get("created_at")
    if isinstance(created_at, int) and not isinstance(created_at, bool) and 0 <= created_at <= MAX_CREATED_AT:
        return created_at
    return entry.started_ms // MILLISECONDS


def _digest(*parts: object) -> str:
    text = encode_json([sorted(part.items()) if isinstance(part, dict) else part for part in parts])
    return hashlib.sha256(text).hexdigest()[:_DIGITS]

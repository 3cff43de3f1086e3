"""What a create leaves behind at the provider, so that it can be recognised when its answer was lost. Pure.

A store that we ask for carries the operation's id in its metadata, where there is room for one more key. The client
never sees the tag and cannot set it; ids are unguessable, so a tag proves the operation. What cannot carry a tag (a
store whose metadata is full, an uploaded file) is told by its likeness, which proves nothing: it is flagged as weak.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import FileUpload, encode_json
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.ids import OperationId

TAG: Final = "vectorgate_operation"
MAX_METADATA: Final = 16  # keys that OpenAI takes
_DIGITS: Final = 32  # of a likeness: 128 bits, for the row stays below 1 KiB


def tagged(command: Command, operation_id: OperationId) -> Mapping[str, object] | None:
    """The order's body with the tag in its metadata; None when there is no room, or the order makes no store."""
    if command.operation.creates is not ObjectKind.VECTOR_STORE:
        return None
    metadata = command.body.get("metadata") or {}
    if not isinstance(metadata, dict) or len(metadata) >= MAX_METADATA:
        return None
    return {**command.body, "metadata": {**metadata, TAG: operation_id}}


def tag_of(document: Mapping[str, object]) -> str | None:
    """The operation that a store names as its own."""
    metadata = document.get("metadata")
    tag = metadata.get(TAG) if isinstance(metadata, dict) else None
    return tag if isinstance(tag, str) else None


def without_tag(document: Mapping[str, object]) -> Mapping[str, object]:
    """An answer as the client may see it: a store, or a list of them, without tags."""
    data = document.get("data")
    if isinstance(data, list):
        return {**document, "data": [without_tag(item) if isinstance(item, dict) else item for item in data]}
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or TAG not in metadata:
        return document
    return {**document, "metadata": {name: value for name, value in metadata.items() if name != TAG}}


def fuzzy_fingerprint_of_command(command: Command, operation_id: OperationId) -> str | None:
    """What the order's object will look like; None when a tag tells it, there is none, or the order does not say."""
    creates, upload = command.operation.creates, command.content
    if creates is ObjectKind.FILE and isinstance(upload, FileUpload):
        return _digest("file", upload.filename, upload.content.size, upload.fields.get("purpose"))
    if creates is not ObjectKind.VECTOR_STORE or tagged(command, operation_id) is not None:
        return None
    return _digest("vector_store", command.body.get("name") or "", command.body.get("metadata"))


def fuzzy_fingerprint_of(kind: ObjectKind, document: Mapping[str, object]) -> str:
    """What an object at the provider looks like, in the same terms."""
    if kind is ObjectKind.FILE:
        return _digest("file", document.get("filename"), document.get("bytes"), document.get("purpose"))
    return _digest("vector_store", document.get("name") or "", document.get("metadata"))


def _digest(*parts: object) -> str:
    text = encode_json([sorted(part.items()) if isinstance(part, dict) else part for part in parts])
    return hashlib.sha256(text).hexdigest()[:_DIGITS]

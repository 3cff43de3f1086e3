"""Fuzzy fingerprints: how an object is found whose create had no room for the correlation tag. Pure.

A store whose metadata is full and an uploaded file have no tag (`providers.openai.tagged`). They are matched by the
hash of their visible properties, which proves nothing: such a match is marked as weak.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import FileUpload, encode_json
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command

_DIGITS: Final = 32  # hexadecimal, of a fuzzy fingerprint: 128 bits, so that the row stays below 1 KiB


def fuzzy_fingerprint_of_command(command: Command) -> str | None:
    """The fingerprint of the object that a command creates; None when none of its properties is known."""
    creates, upload = command.operation.creates, command.content
    if creates is ObjectKind.FILE and isinstance(upload, FileUpload):
        return _digest("file", upload.filename, upload.content.size, upload.fields.get("purpose"))
    if creates is not ObjectKind.VECTOR_STORE:
        return None
    return _digest("vector_store", command.body.get("name") or "", command.body.get("metadata"))


def fuzzy_fingerprint_of(kind: ObjectKind, document: Mapping[str, object]) -> str:
    """The fingerprint of an object, computed from the provider's document."""
    if kind is ObjectKind.FILE:
        return _digest("file", document.get("filename"), document.get("bytes"), document.get("purpose"))
    return _digest("vector_store", document.get("name") or "", document.get("metadata"))


def _digest(*parts: object) -> str:
    text = encode_json([sorted(part.items()) if isinstance(part, dict) else part for part in parts])
    return hashlib.sha256(text).hexdigest()[:_DIGITS]

"""Ports to the virtual keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId


MAX_CLAIMS: Final = 2


class KeyReader(Protocol):
    """Read access, which is all that the api function's role permits."""

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """The key with that id, or the one that refers to it as the hash of a regenerated secret, or None."""
        ...


class KeyStore(KeyReader, Protocol):
    """Read and write access, for the admin function. Reads are consistent with the last write.

    `audit` is the record of the change, written in the same transaction. So are `claims`, up to MAX_CLAIMS ids of the
    key's name, each within a group of keys: an id stays the key's until its row is gone or has another name.
    """

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """Write a new row. AlreadyExists when the id is taken, NameTaken when a claim is another key's."""
        ...

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """Replace the row whose version is one less.

        StateConflict when it has changed, or does not exist. NameTaken when a claim is another key's.
        """
        ...

    def all_keys(self) -> Sequence[VirtualKey]:
        """Every key, newest first. On DynamoDB the last second's writes may be missing."""
        ...

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """Have `key` find the key by the hash of a new secret, too. AlreadyExists when the hash is taken."""
        ...

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """Remove the row; False when there was none, and no record is written."""
        ...

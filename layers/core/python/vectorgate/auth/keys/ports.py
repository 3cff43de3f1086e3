"""The ports to the keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId


class KeyReader(Protocol):
    """The reading half: all that a gateway asks, and all that the api function's role may do."""

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """The key's row; None when there is none of that id."""
        ...


class KeyStore(KeyReader, Protocol):
    """The whole store, whose rows are consistent with the last write; the admin function's role may write."""

    def add_key(self, key: VirtualKey) -> None:
        """Write a new row. AlreadyExists when there is one of that id."""
        ...

    def replace_key(self, key: VirtualKey) -> None:
        """Replace the row whose version is one less. StateConflict: it changed meanwhile, or is not there."""
        ...

    def delete_key(self, key_id: KeyId) -> bool:
        """Remove the row; False when there was none."""
        ...

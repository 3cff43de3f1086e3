"""Keys whose changes are announced in the process that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ids import KeyId


class AnnouncingKeys:
    """KeyStore: calls `changed` after each write, also a failed one, which may have been written."""

    def __init__(self, keys: KeyStore, changed: Callable[[], None]) -> None:
        self._keys = keys
        self._changed = changed

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """As the port says."""
        return self._keys.key(key_id)

    def all_keys(self) -> Sequence[VirtualKey]:
        """As the port says."""
        return self._keys.all_keys()

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None) -> None:
        """As the port says."""
        try:
            self._keys.add_key(key, audit=audit)
        finally:
            self._changed()

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None) -> None:
        """As the port says."""
        try:
            self._keys.replace_key(key, audit=audit)
        finally:
            self._changed()

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """As the port says. Nothing is announced: no row has the secret yet."""
        self._keys.add_reference(secret, key_id)

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """As the port says."""
        try:
            return self._keys.delete_key(key_id, audit=audit)
        finally:
            self._changed()

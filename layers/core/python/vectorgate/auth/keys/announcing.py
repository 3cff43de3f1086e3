"""Keys whose changes are announced in the process that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.auth.keys.forwarding import ForwardingKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ids import KeyId


class AnnouncingKeys(ForwardingKeys):
    """KeyStore: calls `changed` after each write, also a failed one, which may have been written.

    Not after `add_reference`: no row has the secret yet.
    """

    def __init__(self, keys: KeyStore, changed: Callable[[], None]) -> None:
        super().__init__(keys)
        self._changed = changed

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says."""
        try:
            super().add_key(key, audit=audit, claims=claims)
        finally:
            self._changed()

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says."""
        try:
            super().replace_key(key, audit=audit, claims=claims)
        finally:
            self._changed()

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """As the port says."""
        try:
            return super().delete_key(key_id, audit=audit)
        finally:
            self._changed()

"""The base of stores of keys that add something to the changes of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ids import KeyId


class ForwardingKeys:
    """KeyStore that passes every call on to another one."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """As the port says."""
        return self._keys.key(key_id)

    def all_keys(self) -> Sequence[VirtualKey]:
        """As the port says."""
        return self._keys.all_keys()

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says."""
        self._keys.add_key(key, audit=audit, claims=claims)

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says."""
        self._keys.replace_key(key, audit=audit, claims=claims)

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """As the port says."""
        self._keys.add_reference(secret, key_id)

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """As the port says."""
        return self._keys.delete_key(key_id, audit=audit)

"""Which keys an actor may change: no actor gives a right that it does not have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.api.errors import PermissionDenied
from vectorgate.auth.keys.model import KeyRole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.actor import Actor
    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ids import KeyId
    from vectorgate.persistence.stores import Stores


def guarded(stores: Stores, actor: Actor) -> Stores:
    """The same stores, as far as the actor may use them."""
    return stores if actor.key is None else replace(stores, keys=GuardedKeys(stores.keys))


class GuardedKeys:
    """KeyStore of an admin key's holder: only the holder of the master key makes, changes and revokes admin keys."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """As the port says."""
        return self._keys.key(key_id)

    def all_keys(self) -> Sequence[VirtualKey]:
        """As the port says."""
        return self._keys.all_keys()

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None) -> None:
        """As the port says. PermissionDenied."""
        _check(key)
        self._keys.add_key(key, audit=audit)

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None) -> None:
        """As the port says. PermissionDenied."""
        _check(key)
        self._keys.replace_key(key, audit=audit)

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """As the port says. PermissionDenied."""
        _check(self._keys.key(key_id))
        self._keys.add_reference(secret, key_id)

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """As the port says. PermissionDenied."""
        _check(self._keys.key(key_id))
        return self._keys.delete_key(key_id, audit=audit)


def _check(key: VirtualKey | None) -> None:
    if key is not None and key.role is KeyRole.ADMIN:
        raise PermissionDenied("Admin keys are managed with the master key.", code="master_key_required", param="key")

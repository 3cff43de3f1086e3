"""Ownership as a key sees it that may use some of its tenant's stores only: the others are absent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.tenancy.ownership import ObjectRef
from vectorgate.tenancy.sharing import Permission, permission_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore


class PermittedOwnership:
    """OwnershipStore with these stores alone, of at most 100 ids. Objects of other kinds are those of the tenant."""

    def __init__(self, ownership: OwnershipStore, stores: Collection[str]) -> None:
        self._ownership = ownership
        self._stores = frozenset(map(ObjectId, stores))

    def owners(self, refs: Collection[ObjectRef]) -> Mapping[ObjectRef, Ownership]:
        """As the port says."""
        permitted = {ref for ref in refs if ref.kind is not ObjectKind.VECTOR_STORE or ref.id in self._stores}
        return self._ownership.owners(permitted) if permitted else {}

    def owned_by(
        self,
        tenant: TenantId,
        provider: ProviderName,
        kind: ObjectKind,
        *,
        start: tuple[int, str] | None,
        ascending: bool,
        limit: int,
    ) -> Sequence[Ownership]:
        """As the port says, by one read of the permitted stores' rows."""
        if kind is not ObjectKind.VECTOR_STORE:
            return self._ownership.owned_by(tenant, provider, kind, start=start, ascending=ascending, limit=limit)
        rows = self.owners({ObjectRef(provider, kind, name) for name in self._stores}).values()
        usable = [row for row in rows if row.accessible_to(tenant) or permission_of(row, tenant) is not Permission.NONE]
        places = {(row.created_at, str(row.ref.id)): row for row in usable}
        after = [place for place in places if start is None or (place > start if ascending else place < start)]
        return [places[place] for place in sorted(after, reverse=not ascending)[: max(limit, 0)]]

    def keep_snapshot(self, ref: ObjectRef, tenant: TenantId, snapshot: str) -> None:
        """As the port says."""
        self._ownership.keep_snapshot(ref, tenant, snapshot)

"""The port through which ownership is read. It is written by the ledger's transactions alone (`ledger.store`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.ids import ObjectKind, ProviderName, TenantId
    from vectorgate.tenancy.ownership import ObjectRef, Ownership


class OwnershipStore(Protocol):
    """Reads are consistent: what a concluded transaction wrote is seen."""

    def owners(self, refs: Collection[ObjectRef]) -> Mapping[ObjectRef, Ownership]:
        """The rows of those refs that have one, retired ones included. Cost: one read for each 100 refs."""
        ...

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
        """At most `limit` live rows in the order of (created_at, id), beginning just past `start`.

        Cost: what it returns, whatever other tenants own. May lag behind a write by the time of an index (< 1 s).
        """
        ...

"""The port through which ownership is read. Only the ledger's transactions write it (`ledger.ports`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.ids import ObjectKind, ProviderName, TenantId
    from vectorgate.tenancy.ownership import ObjectRef, Ownership


class OwnershipStore(Protocol):
    """Read access to ownership rows. `owners` is consistent with the last write."""

    def owners(self, refs: Collection[ObjectRef]) -> Mapping[ObjectRef, Ownership]:
        """The ownership rows of `refs`, retired ones included; refs without one are left out. One read per 100 refs."""
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
        """At most `limit` rows that are not retired, ordered by (created_at, id), after `start`.

        The cost is proportional to the rows returned. May lag a write by the delay of an index (< 1 s).
        """
        ...

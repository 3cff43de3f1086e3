"""The port to ownership rows. Only the ledger's transactions write who owns an object (`ledger.ports`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.ids import ObjectKind, ProviderName, TenantId
    from vectorgate.tenancy.ownership import ObjectRef, Ownership


class OwnershipStore(Protocol):
    """Ownership rows, and what is known of a store. `owners` is consistent with the last write."""

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

        The tenant owns them, or they are shared with it: no share that was taken back is among them. The cost is
        proportional to the rows returned. May lag a write by the delay of an index (< 1 s).
        """
        ...

    def keep_snapshot(self, ref: ObjectRef, tenant: TenantId, snapshot: str) -> None:
        """Replace the snapshot of an object that the tenant owns and has not deleted; without such a row, do nothing.

        One write, which may be repeated.
        """
        ...

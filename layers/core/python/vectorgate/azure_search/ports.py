"""The port to virtual indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.azure_search.model import VirtualIndex


class IndexStore(Protocol):
    """The api function's role may only read; the admin function's role may write, too.

    `audit` is the record of the change, written in the same transaction.
    """

    def indexes(self, names: Collection[str]) -> Mapping[str, VirtualIndex]:
        """The indexes of `names` that exist, consistent with the last write. One read per 100 names."""
        ...

    def all_indexes(self) -> Sequence[VirtualIndex]:
        """All virtual indexes, sorted by name. May lag a write by the delay of an index (< 1 s)."""
        ...

    def add_index(self, index: VirtualIndex, *, audit: AuditRecord | None = None) -> None:
        """Write a new row. AlreadyExists when the name is taken."""
        ...

    def delete_index(self, name: str, *, audit: AuditRecord | None = None) -> bool:
        """Remove the row; False when there was none. The service's index is not deleted."""
        ...

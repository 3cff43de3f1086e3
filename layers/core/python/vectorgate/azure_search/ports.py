"""The port to the virtual indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.azure_search.model import VirtualIndex


class IndexStore(Protocol):
    """`api` holds the reading half only; the admin function's role may write."""

    def indexes(self, names: Collection[str]) -> Mapping[str, VirtualIndex]:
        """Those of `names` that exist, consistent with the last write. Cost: one read for each 100 names."""
        ...

    def all_indexes(self) -> Sequence[VirtualIndex]:
        """Every one, by name. May lag behind a write by the time of an index (< 1 s)."""
        ...

    def add_index(self, index: VirtualIndex) -> None:
        """Write a new row. AlreadyExists when there is one of that name."""
        ...

    def delete_index(self, name: str) -> bool:
        """Remove the row; False when there was none. The index of the service is left alone."""
        ...

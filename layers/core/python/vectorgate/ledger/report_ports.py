"""The port through which rollups are read. They are written by `LedgerStore.settle` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ledger.rollups import Rollup, Scope


class ReportStore(Protocol):
    """Reads are consistent: they show every settlement that was written before."""

    def rollups(self, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
        """The sums of one month (`YYYY-MM`, UTC), ordered by bucket. The cost grows with their number."""
        ...

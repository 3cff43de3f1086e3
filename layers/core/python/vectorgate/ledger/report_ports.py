"""The port through which rollups are read. They are written by `LedgerStore.settle` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ledger.rollups import Rollup, Scope
    from vectorgate.ledger.sums import Page, SumQuery


class ReportStore(Protocol):
    """Reads are consistent: they show every settlement that was written before.

    Their cost grows with the number of rollups that they look at, and not with the number of rows.
    """

    def rollups(self, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
        """The sums of one month (`YYYY-MM`, UTC), ordered by bucket, without latencies."""
        ...

    def of_months(self, scope: Scope, scope_id: str, first: str, last: str) -> Sequence[Rollup]:
        """The sums of an id from the month `first` to the month `last`, several for each operation."""
        ...

    def sums(self, query: SumQuery) -> Sequence[Rollup]:
        """The sums of a query, ordered by bucket, without latencies."""
        ...

    def page(self, query: SumQuery, *, offset: int, limit: int) -> Page:
        """The rollups that a query adds up, the last day first, from the number `offset` on."""
        ...

    def latencies(self, query: SumQuery) -> Mapping[str, Mapping[str, int]]:
        """Calls by bucket of a histogram (`ledger.latencies`), by UTC day. Of the query's days and tenants."""
        ...

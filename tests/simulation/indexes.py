"""The ledger of a deployment on AWS: SQLite holds its rows, and its open rows are found as on DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.fakes.lagging_table import LaggingTable
from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb.open_rows import UNRESOLVED, WAITING, OpenRows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.simulation.environment import SimulatedEnvironment
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore, Position

USUAL_LAG_S: Final = 1.0
LATE_INDEX_S: Final = 720.0  # the second look finds what is shown so late
LATEST_INDEX_S: Final = 20 * 3_600.0  # and the third look this


class IndexedLedger:
    """A ledger whose open rows are found by `OpenRows`, through indexes that lag up to `longest_lag` seconds."""

    def __init__(self, ledger: LedgerStore, environment: SimulatedEnvironment, longest_lag: float) -> None:
        self._ledger, self._environment, self._longest_lag = ledger, environment, longest_lag
        self.table = LaggingTable(environment.clock(), lambda: environment.now, self._lag, environment.crash_point)
        self._found = OpenRows(self.table)  # type: ignore[arg-type]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    def begin(self, entry: LedgerEntry, **more: Any) -> None:
        self._ledger.begin(entry, **more)
        self.table.begin(entry)

    def advance(self, entry: LedgerEntry, *, since: State, **more: Any) -> None:
        self._ledger.advance(entry, since=since, **more)
        self.table.advance(entry, since)

    def settle(self, settled: Sequence[LedgerEntry], rollups: Any) -> None:
        self._ledger.settle(settled, rollups)
        for entry in settled:
            self.table.advance(entry, State.ANSWERED)

    def list_open(self, now_ms: int, seconds: float) -> int:
        if self._environment.happens(0.5):
            self._found = OpenRows(self.table)  # type: ignore[arg-type]  # another process
        return self._found.list_all(now_ms, seconds)

    def answered(
        self, limit: int, *, before_ms: int | None = None, after: Position | None = None
    ) -> Sequence[LedgerEntry]:
        return self._found.oldest(WAITING, limit, before_ms=before_ms, after=after)

    def open_rows(self, before_ms: int, limit: int, *, after: Position | None = None) -> Sequence[LedgerEntry]:
        return self._found.oldest(UNRESOLVED, limit, before_ms=before_ms, after=after)

    def _lag(self) -> float:
        environment = self._environment
        if environment.faultless or not environment.happens(environment.rates.index_late):
            return 0.0 if environment.faultless else environment.rng.uniform(0, USUAL_LAG_S)
        return environment.rng.uniform(0, self._longest_lag)

"""The port of the ledger. Every method but `begin` is one atomic write, or a read.

The process may end between any two of them: `begin`, `bind`, then the call is sent, `own`, `keep_answer`, `advance`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.budgets.model import Reservation
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId, TenantId
    from vectorgate.ledger.entry import LedgerEntry, State
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

# DynamoDB's limit of actions in a transaction. `settle` has one for each row, rollup and account, `advance` one for the
# row, the idempotency record, each ownership row and account. Both adapters raise ValueError above it.
MAX_ACTIONS = 100
# `search` on DynamoDB queries 16 shards for each day of the range. Both adapters raise ValueError above a year.
MAX_SEARCH_MS = 366 * DAY_MS

# The sort key of rows by time: the start (Unix milliseconds), and the id.
Position: TypeAlias = "tuple[int, OperationId]"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Rows that started in [start_ms, end_ms), newest first, at most `limit`.

    The range spans at most MAX_SEARCH_MS. `before`: only rows that follow that one in this order.
    """

    start_ms: int
    end_ms: int
    limit: int
    before: Position | None = None


# The columns that `find` knows of a row without reading it, and how many values it compares with.
INDEXED: Final = ("key_id", "end_user", "user_id", "team_id", "operation")
MAX_VALUES: Final = 4


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Rows whose `column`, one of INDEXED, has one of `values`: 1 to MAX_VALUES."""

    column: str
    values: frozenset[str]


class Found(NamedTuple):
    """Rows, newest first, and the position down to which all rows were looked at; None for the range's beginning."""

    rows: Sequence[LedgerEntry]
    reached: Position | None


class LedgerStore(Protocol):
    """The rows of operations, with their idempotency records, ownership, balances and rollups (`tests/contract`)."""

    def begin(self, entry: LedgerEntry, *, reserve: Sequence[Reservation] = ()) -> None:
        """Write a new row: `started` before forwarding, or already `answered` / `voided` for reads and refusals.

        Everything is reserved that it names, or nothing. AlreadyExists for an existing id. OverBudget: if the row
        was `begun`, its process voids it, with nothing `reserved`. IllegalTransition for a state that is no initial
        one. One transaction, or one write for the row and each account: then the process may end in between, and the
        row is `reserving` until it is written again.
        """
        ...

    def is_reserved(self, entry: LedgerEntry) -> bool:
        """Whether all was reserved that an open row names. If not, its call was not sent, and from now on never is.

        Only for a row whose request is over.
        """
        ...

    def bind(self, record: IdempotencyRecord, *, takeover_of: IdempotencyRecord | None = None) -> None:
        """Write the record that leads repetitions to its row, which exists by then and is forwarded afterwards only.

        Its slot has to be new, or to be that of `takeover_of` and still to belong to the same operation:
        IdempotencyConflict otherwise. A repetition of the call has no further effect. One write.
        """
        ...

    def own(self, row: Ownership) -> None:
        """Write the ownership of what an open row created, which names that row, before the row is answered.

        StateConflict if another tenant owns it; a row of the same tenant stays as it is. One write.
        """
        ...

    def keep_answer(self, record: IdempotencyRecord) -> None:
        """Write the answer to an open row's record, unless its slot belongs to another operation now. One write."""
        ...

    def advance(
        self,
        entry: LedgerEntry,
        *,
        since: State,
        owned: Sequence[Ownership] = (),
        retired: Sequence[ObjectRef] = (),
        at: int = 0,
        idempotency: IdempotencyRecord | None = None,
    ) -> None:
        """Replace the row by `entry` if its state is still `since`, and write its ownership, all or nothing.

        `owned` rows are new: StateConflict if one exists with another tenant; one of the same tenant stays as it is.
        `retired` rows get `retired_at = at` (Unix seconds). A row that becomes `voided` releases its reservations.
        `idempotency` is the row's own record, with its answer: it is written unless its slot belongs to another
        operation now, which affects nothing else.
        """
        ...

    def settle(self, settled: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        """Replace each `answered` row by its settled form and add the rollups, all or nothing.

        Their reservations are released, and their costs added to the balances, in the same transaction. StateConflict
        when any of them is not `answered` (settled by another delivery): then nothing was written, and `unsettled`
        returns the others. At most MAX_ACTIONS rows, rollups and accounts a call.
        """
        ...

    def unsettled(self, ids: Collection[OperationId]) -> frozenset[OperationId]:
        """Those of `ids` whose row is `answered`."""
        ...

    def entry(self, operation_id: OperationId) -> LedgerEntry | None:
        """The row, consistent with the last write."""
        ...

    def entries(self, ids: Collection[OperationId]) -> Mapping[OperationId, LedgerEntry]:
        """The rows of `ids` that exist, consistent with the last write. Cost: one read for each 100."""
        ...

    def answered(
        self, limit: int, *, before_ms: int | None = None, after: Position | None = None
    ) -> Sequence[LedgerEntry]:
        """The oldest rows to settle (`answered`), of those that started before `before_ms` and sort after `after`."""
        ...

    def open_rows(self, before_ms: int, limit: int, *, after: Position | None = None) -> Sequence[LedgerEntry]:
        """The oldest rows that are `started` or `uncertain`, started before `before_ms` and sort after `after`."""
        ...

    def list_open(self, now_ms: int, seconds: float) -> int:
        """Have rows that are open for a minute found at any age, by `answered` and `open_rows`; how many are new to it.

        The meter calls it at each tick. StoreUnavailable if not every row was looked at within so many seconds.
        """
        ...

    def idempotency_records(
        self, tenant: TenantId, name: str, *, start: str, limit: int
    ) -> Sequence[IdempotencyRecord]:
        """The records of one name, from the slot `start` on, the last slot first. Consistent with the last write."""
        ...

    def search(self, query: RecordQuery) -> Sequence[LedgerEntry]:
        """The rows of a query, for reports. May miss writes of the last second: the index is eventually consistent."""
        ...

    def find(self, query: RecordQuery, *, only: RowFilter | None = None, entries: int = 100) -> Found:
        """As `search`, one step: it looks at a bounded number of rows, and shows those of them that `only` allows.

        The range is within one UTC day, else ValueError. `entries`: of the index, in each of its partitions, that are
        looked at; an engine may look at more. The next step has `reached` as its `before`.
        """
        ...

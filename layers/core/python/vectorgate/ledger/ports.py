"""The port to the ledger. Every method is one atomic write, or a read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.budgets.model import Reservation
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import KeyId, OperationId, TenantId
    from vectorgate.ledger.entry import LedgerEntry, State
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

# DynamoDB's limit of a transaction. `settle` spends one on each row, each rollup and each budget, `advance` one
# on the row, the claim, each ownership row and each budget; the caller makes chunks. Both adapters raise
# ValueError above it.
MAX_ACTIONS = 100
# `search` on DynamoDB asks 16 shards for each day of the range. Both adapters raise ValueError above a year.
MAX_SEARCH_MS = 366 * 86_400_000


# Where a row stands in the order of time: when it began (Unix milliseconds), and its id.
Position: TypeAlias = "tuple[int, OperationId]"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery:
    """Rows begun in [start_ms, end_ms), newest first, at most `limit`, of one key and one end user where given.

    The range spans at most MAX_SEARCH_MS. `before`: only what comes after that row in this order.
    """

    start_ms: int
    end_ms: int
    limit: int
    key_id: KeyId | None = None
    end_user: str | None = None
    before: Position | None = None


class LedgerStore(Protocol):
    """Two adapters, one contract: `tests/contract`."""

    def begin(
        self,
        entry: LedgerEntry,
        *,
        idempotency: IdempotencyRecord | None = None,
        takeover_of: IdempotencyRecord | None = None,
        reserve: Sequence[Reservation] = (),
    ) -> None:
        """Write a new row: `started` before forwarding, or already `answered` / `voided` for reads and refusals.

        With it the claim and the reservations, all or nothing. AlreadyExists when the id is taken; else Claimed when
        the claim's slot is; else OverBudget. `takeover_of` is the claim that this one takes the place of: Claimed, too, when
        it no longer points at the same operation. IllegalTransition for a state that no row begins in. One write.
        """
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
        """Replace the row by `entry` if it still stands at `since`, with the ownership that follows, all or nothing.

        `owned` rows are new: one that exists with another tenant makes the whole a StateConflict; one of the same
        tenant and object stays as it is. `retired` rows get `retired_at = at` (Unix seconds). A row that becomes
        `voided` releases what it had reserved. `idempotency` is the row's own, with its answer: it is written unless its
        slot meanwhile stands for another operation, which changes nothing else.
        """
        ...

    def settle(self, settled: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        """Replace each `answered` row by its settled form and add the rollups, all or nothing.

        What the rows had reserved is released, and what they cost is spent, in the same transaction. StateConflict
        when any of them is not `answered` (settled by another delivery): nothing was written, and
        `unsettled` tells which are left. At most MAX_ACTIONS rows, rollups and accounts a call.
        """
        ...

    def unsettled(self, ids: Collection[OperationId]) -> frozenset[OperationId]:
        """Those of `ids` whose row stands at `answered`."""
        ...

    def entry(self, operation_id: OperationId) -> LedgerEntry | None:
        """The row, consistent with the last write."""
        ...

    def entries(self, ids: Collection[OperationId]) -> Mapping[OperationId, LedgerEntry]:
        """Those of `ids` that there are, consistent with the last write. Cost: one read for each 100."""
        ...

    def answered(
        self, limit: int, *, before_ms: int | None = None, after: Position | None = None
    ) -> Sequence[LedgerEntry]:
        """The oldest rows that wait to be settled: of those that began before a moment, and after a row."""
        ...

    def open_rows(self, before_ms: int, limit: int, *, after: Position | None = None) -> Sequence[LedgerEntry]:
        """The oldest rows that stand at `started` or `uncertain` and began before that moment, and after a row."""
        ...

    def idempotency_records(
        self, tenant: TenantId, name: str, *, start: str, limit: int
    ) -> Sequence[IdempotencyRecord]:
        """The claims at one place, from the slot `start` on, the last slot first. Consistent with the last write."""
        ...

    def search(self, query: RecordQuery) -> Sequence[LedgerEntry]:
        """The rows that the query describes, for reports. May lag behind a write by the time of an index (< 1 s)."""
        ...

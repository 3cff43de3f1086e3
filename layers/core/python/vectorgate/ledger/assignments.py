"""The port of adoptions, transfers and shares: whose an object is, together with the ledger row that records it.

::

    adopt       the object has no ownership row      --> row of its first owner
    transfer    `holder` owns it, as it was read     --> row of its next owner, without shares
    share       the row is as it was read            --> the row with other shares
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.classes import dataclass
from vectorgate.ledger.ports import MAX_ACTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.tenancy.ownership import Ownership

MAX_ASSIGNMENTS: Final = MAX_ACTIONS // 3  # of one transaction, with an audit record for each


@dataclass(frozen=True, slots=True)
class Assignment:
    """`row` is written with the new answered row `entry`. `before`: the object's row as it was read, None if none."""

    entry: LedgerEntry
    row: Ownership
    before: Ownership | None = None


class AssignmentStore(Protocol):
    """Two adapters, one contract: `tests/contract/test_assignments.py`."""

    def assign(self, assignments: Sequence[Assignment], *, audit: Sequence[AuditRecord] = ()) -> None:
        """Write all rows and audit records, all or nothing, in one transaction of at most MAX_ASSIGNMENTS.

        A store is listed for its owner and each team that it is shared with, and for no other.
        StateConflict, and nothing is written, if an object to adopt has a row, or another one was deleted or has
        another owner or other shares than when it was read.
        """
        ...

"""A create whose process crashed after it wrote its object's owner, and before it answered its row.

The sweep finds such an object in the provider's list. One that is deleted first is in no list: so its create is
answered before its deletion is sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.ids import PATH_KINDS
from vectorgate.ledger.entry import Resolution, State
from vectorgate.store_errors import StateConflict
from vectorgate.tenancy.ownership import LISTED_KINDS, OWNED_COLUMN, ObjectRef

if TYPE_CHECKING:
    from vectorgate.api.command import Command
    from vectorgate.clock import Clock
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.tenancy.ports import OwnershipStore

_OPEN: Final = frozenset({State.STARTED, State.UNCERTAIN})
_ROUNDS: Final = 4  # a row is changed by others seldom, and by few


def answer_create_of(
    command: Command, provider: ProviderName | None, ledger: LedgerStore, ownership: OwnershipStore, clock: Clock
) -> None:
    """Answer the create of what a command deletes, if its row is still open. StoreError: it must not be deleted yet."""
    parameter = str(command.operation.deletes)
    kind = PATH_KINDS[parameter]
    if kind not in LISTED_KINDS or provider is None:
        return
    ref = ObjectRef(provider, kind, command.ids[parameter])
    owned = ownership.owners([ref]).get(ref)
    if owned is not None and owned.operation_id is not None:
        _answer(owned.operation_id, ref, ledger, clock)


def _answer(operation_id: OperationId, made: ObjectRef, ledger: LedgerStore, clock: Clock) -> None:
    for _ in range(_ROUNDS):
        row = ledger.entry(operation_id)
        if row is None or row.state not in _OPEN:
            return
        facts: dict[str, object] = {OWNED_COLUMN[made.kind]: made.id, "found_by": Resolution.OWNER, "reserving": None}
        answered = row.transition(State.ANSWERED, ended_ms=row.ended_ms or clock.unix_ms(), **facts)
        try:
            ledger.advance(answered, since=row.state)
        except StateConflict:
            continue
        return
    raise StateConflict("the create of the object")

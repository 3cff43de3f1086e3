"""The event of the table's stream, as Lambda hands it over. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb.schema import entry_of_item, ids_of_rollup

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry


def answered_entries(event: Mapping[str, object]) -> list[tuple[str, LedgerEntry]]:
    """The rows that became `answered`, each with its sequence number in the stream, in the order of the event.

    Other kinds of rows are left out, and so are removals (by TTL), which have no new image.
    """
    return _entries(event, State.ANSWERED)


def settled_entries(event: Mapping[str, object]) -> list[tuple[str, LedgerEntry]]:
    """The rows that became `settled`, as `answered_entries`."""
    return _entries(event, State.SETTLED)


def _entries(event: Mapping[str, object], state: State) -> list[tuple[str, LedgerEntry]]:
    found = []
    for record in cast("Sequence[Mapping[str, Mapping[str, object]]]", event.get("Records", ())):
        change = record.get("dynamodb", {})
        entry = entry_of_item(cast("Mapping[str, Mapping[str, object]]", change.get("NewImage") or {}))
        if entry is not None and entry.state is state:
            found.append((str(change["SequenceNumber"]), entry))
    return found


def settled_ids(event: Mapping[str, object]) -> list[tuple[str, Sequence[OperationId]]]:
    """The rows that were settled, with each change's sequence number in the stream, in the order of the event.

    Those of a store are named by items of one partition of the table, so that the stream has them in the order of
    settlement (`rollups.py`). A row without a store is its own change.
    """
    found: list[tuple[str, Sequence[OperationId]]] = []
    for record in cast("Sequence[Mapping[str, Mapping[str, object]]]", event.get("Records", ())):
        change = record.get("dynamodb", {})
        image = cast("Mapping[str, Mapping[str, object]]", change.get("NewImage") or {})
        ids = ids_of_rollup(image) or _without_store(image)
        if ids:
            found.append((str(change["SequenceNumber"]), ids))
    return found


def _without_store(image: Mapping[str, Mapping[str, object]]) -> Sequence[OperationId]:
    entry = entry_of_item(image)
    settled = entry is not None and entry.state is State.SETTLED and entry.vector_store_id is None
    return (entry.id,) if entry is not None and settled else ()

"""The event of the table's stream, as Lambda hands it over. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb.schema import entry_of_item

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry


def answered_entries(event: Mapping[str, object]) -> list[tuple[str, LedgerEntry]]:
    """The rows that became `answered`, each with its sequence number in the stream, in the order of the event.

    Other kinds of rows are left out, and so are removals (by TTL), which have no new image.
    """
    found = []
    for record in cast("Sequence[Mapping[str, Mapping[str, object]]]", event.get("Records", ())):
        change = record.get("dynamodb", {})
        entry = entry_of_item(cast("Mapping[str, Mapping[str, object]]", change.get("NewImage") or {}))
        if entry is not None and entry.state is State.ANSWERED:
            found.append((str(change["SequenceNumber"]), entry))
    return found

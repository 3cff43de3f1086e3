"""The async logging function: settles a batch of the table's stream; returns the first record that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_settlement
from vectorgate.entrypoints.function import Event, Function

if TYPE_CHECKING:
    from vectorgate.ledger.settlement import SettlementService, StreamResult


def act(event: Event, settlement: SettlementService) -> StreamResult:
    """Settle one batch of the stream."""
    return settlement.settle_stream(event)


handler = Function(act, deployed_settlement)

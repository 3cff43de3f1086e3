"""The async logging function: a batch of the table's stream in, costs and rollups settled, the failed record out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_settlement
from vectorgate.entrypoints.function import Event, Function

if TYPE_CHECKING:
    from vectorgate.ledger.settlement import SettlementService, StreamResult


def act(event: Event, settlement: SettlementService) -> StreamResult:
    """One batch of the stream."""
    return settlement.settle_stream(event)


handler = Function(act, deployed_settlement)

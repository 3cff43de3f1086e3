"""The async logging function: the table's stream in, costs and rollups booked, the first failing record out."""

from vectorgate.entrypoints.function import Event, Function
from vectorgate.ledger.deployed import deployed_bookkeeper
from vectorgate.ledger.settlement import Bookkeeper, StreamResult


def act(event: Event, bookkeeper: Bookkeeper) -> StreamResult:
    """One batch of the stream."""
    return bookkeeper.settle_stream(event)


handler = Function(act, deployed_bookkeeper)

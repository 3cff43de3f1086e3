"""The usage logger: settles the rows in a batch of the table's stream, and returns the records that failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from vectorgate.bootstrap import deployed_settlement, deployed_telemetry
from vectorgate.entrypoints.function import Event, Function
from vectorgate.persistence.dynamodb.stream import answered_entries

if TYPE_CHECKING:
    from vectorgate.ledger.settlement import SettlementService


class BatchItemFailure(TypedDict):
    """A record of the stream, by its sequence number."""

    itemIdentifier: str


class BatchResult(TypedDict):
    """What Lambda reads with ReportBatchItemFailures: it repeats the batch from the lowest of these records on."""

    batchItemFailures: list[BatchItemFailure]


def act(event: Event, settlement: SettlementService) -> BatchResult:
    """Settle one batch of the stream."""
    failed = settlement.settle_batch(answered_entries(event))
    return {"batchItemFailures": [{"itemIdentifier": sequence_number} for sequence_number in failed]}


handler = Function(act, deployed_settlement, deployed_telemetry)

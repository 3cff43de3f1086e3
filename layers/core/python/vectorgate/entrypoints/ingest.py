"""Ingestion: handles a batch of the queue, with events of the bucket and the bus; returns the messages to retry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_ingest, deployed_telemetry
from vectorgate.entrypoints.function import Event, Function

if TYPE_CHECKING:
    from vectorgate.ingest.sqs_handler import BatchResult, SqsBatchHandler


def act(event: Event, batch_handler: SqsBatchHandler) -> BatchResult:
    """Handle one batch."""
    return batch_handler.handle(event)


handler = Function(act, deployed_ingest, deployed_telemetry)

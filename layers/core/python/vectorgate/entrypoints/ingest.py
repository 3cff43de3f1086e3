"""Ingestion: a batch of the queue in, of what happened in the bucket and on the bus; the messages to retry out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_ingest
from vectorgate.entrypoints.function import Event, Function

if TYPE_CHECKING:
    from vectorgate.ingest.sqs_handler import BatchResult, SqsBatchHandler


def act(event: Event, batches: SqsBatchHandler) -> BatchResult:
    """One batch."""
    return batches.receive(event)


handler = Function(act, deployed_ingest)

"""Ingestion: handles a batch of the queue, with events of the bucket and the bus; returns the messages to retry."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.ingest import handler

    handler.prepare()

__all__ = ["handler"]

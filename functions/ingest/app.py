"""Ingestion: handles a batch of the queue, with events of the bucket and the bus; returns the messages to retry."""

from vectorgate.entrypoints.ingest import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet

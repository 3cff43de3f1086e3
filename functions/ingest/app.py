"""Ingestion: a batch of the queue in, of what happened in the bucket and on the bus; what is to come again out."""

from vectorgate.entrypoints.ingest import handler

__all__ = ["handler"]

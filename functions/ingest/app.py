"""Ingestion: a batch of the queue in, of what happened in the bucket and on the bus; what is to come again out."""

from vectorgate.entrypoints.function import Event, Function
from vectorgate.ingest.deployed import deployed_inbox
from vectorgate.ingest.inbox import BatchResult, Inbox


def act(event: Event, inbox: Inbox) -> BatchResult:
    """One batch."""
    return inbox.receive(event)


handler = Function(act, deployed_inbox)

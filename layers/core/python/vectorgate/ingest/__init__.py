"""Ingestion: changes in a bucket or a folder, and events of an event bus, become changes of vector stores.

::

    message -> messages.read_events   to events (pure): a changed object, a requested store or attachment, a reminder
            -> Ingestor.process       each by `Gateway.execute`, as the team that its sender is mapped to
            -> outcome                Done, RetryLater (sent again), or PermanentFailure (to the dead-letter queue)

The rows behind `ports.IngestStore` make duplicate, late and reordered messages safe; the gateway's ledger and its
idempotency records make it safe to stop at any point. `README.md` says what is guaranteed, and what is not.
"""

"""Ingestion: changes of a bucket or a folder, and events of a bus, become changes of vector stores.

::

    a message -> messages.read    to events (pure): a changed object, a wanted store or attachment, our own delayed one
              -> ingestor.take    each through `Gateway.execute`, as the team that its sender is mapped to
              -> an outcome       Done, RetryLater (sent again), or PermanentFailure (set aside, with the reason)

The rows (`object_rows.py`) make repeated, late and unordered messages safe; the gateway's ledger and idempotency make
it safe to be interrupted anywhere. `README.md` lists what is guaranteed, and what is not.
"""

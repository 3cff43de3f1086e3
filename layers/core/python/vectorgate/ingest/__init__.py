"""Ingestion: what happens in a bucket, in a folder or on an event bus happens to vector stores.

::

    a message -> messages.read    to notices (pure): an object changed, a store or an attachment is wanted, our reminder
              -> ingestor.take    each through the gateway's own descent, as the team that its sender is mapped to
              -> an outcome       Done, Later (comes again), or Poison (set aside, with the reason)

The rows (`store.py`) make it safe to be told twice, late, or in the wrong order; the gateway's ledger and idempotency
make it safe to be cut off anywhere. `README.md` says what is guaranteed, and what is not.
"""

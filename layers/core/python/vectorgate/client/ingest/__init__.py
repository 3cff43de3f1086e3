"""`vectorgate ingest PATH --store NAME`: put a folder into a vector store, and again after each change.

::

    scan     the files and their SHA-256                links, hidden and excluded files are counted
    plan     compared with the journal                  unchanged files are skipped
    upload   several at a time                          -> journal: uploaded
    attach   in batches of 100, until indexed           -> journal: done; a changed file's old version is removed
    watch    whether the gateway still answers          if not, the run stops within seconds
    summary  counts, failures with their reason, and the store's cost per day

The journal (`PATH/.vectorgate/*.jsonl`) is appended to after each step, so a run that was interrupted continues where
it stopped: an uploaded file is never uploaded again.
"""

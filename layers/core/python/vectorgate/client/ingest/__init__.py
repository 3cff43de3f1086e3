"""`vectorgate ingest PATH --store NAME`: a folder into a vector store, as often as you like.

::

    scan     the files and their SHA-256                     unchanged ones end here
    upload   several at a time                  -> journal: uploaded
    attach   in batches of 100, indexed         -> journal: done      a changed file's old version is removed then
    summary  counts, failures with their reason, what the store costs a day

The journal (`PATH/.vectorgate/*.jsonl`) is appended to after each step, so a run that was interrupted goes on where it
stopped: an uploaded file is never uploaded again.
"""

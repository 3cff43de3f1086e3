"""Azure AI Search as it is, behind virtual index names.

::

    operations   the allow-list: a row for each (method, path, api-versions), in every spelling
    routing      a path to its row, or 404
    admission    query, headers and body against the row's own lists
    door         who may: the key's permissions; ask: the real name there, the virtual one back
    answers      what comes back, without the real name and the service's host

Owns the mapping of names. Does not own keys and their permissions (`keys`), nor anything of OpenAI's API.
"""

"""Azure AI Search's native API, behind virtual index names.

::

    operations   the allow-list: a row for each method and path, with all variants of the path
    router       match a path to its row, or 404
    parser       validate query, headers and body against the row
    surface      check the key's permissions; call the service under the index's real name
    responses    replace the real name by the virtual one, and remove the service's host

Owns the mapping of names. Does not own keys and their permissions (`auth.keys`), nor anything of OpenAI's API.
"""

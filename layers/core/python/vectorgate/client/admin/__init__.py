"""The administrator's routes of a gateway as methods: keys, teams, end users, stores, records and reports.

::

    admin = Admin(Client(base_url="https://...", api_key="the master key, or an admin key"))
    admin.keys.create(team_id="red", duration="30d").key

    admin.py                       the groups of one client
    keys.py  stores.py  ...        one module a group: typed parameters in, the gateway's own JSON out (`resource.py`)
    calls.py                       one call over the client's connections, with its attempts and errors

Synchronous only: the command line and scripts use it. It needs a gateway over HTTP: Lambda's invoke function has none
of these routes. Errors are those of the other operations (`client/errors.py`).
"""

from vectorgate.client.admin.admin import Admin

__all__ = ["Admin"]

"""A year of records for a demonstration: `python -m local.demo_year`, which `vectorgate demo` runs.

::

    people.py     teams, keys and end users, with budgets
    calls.py      a day's calls. Pure
    storage.py    the stores, and a day's records of what they hold. Pure
    year.py       day by day into the ledger, through settlement, as calls of the gateway are
    present.py    stores that are there now, made by calls of the gateway

The same seed gives the same year, whose own stores are gone from the provider by now.
"""

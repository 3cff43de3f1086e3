"""The async logging function's parts, out of the deployment's environment."""

from __future__ import annotations

from functools import cache

from vectorgate import bootstrap_runtime as runtime
from vectorgate.ledger.settlement import Bookkeeper


@cache
def deployed_bookkeeper() -> Bookkeeper:
    """The async logging function."""
    book = runtime.price_book(runtime.deployed_settings().prices)
    return Bookkeeper(runtime.deployed_stores().ledger, book, runtime.deployed_telemetry())

"""The certificates that TLS connections are checked with."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def tls_context(certificates: str | None) -> ssl.SSLContext:
    """One context for each file of certificates (None: certifi's): making one costs 30 ms."""
    import certifi  # noqa: PLC0415 - only a process that talks TLS reads them

    return ssl.create_default_context(cafile=certificates or certifi.where())

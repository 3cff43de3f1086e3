"""`GET /health/liveliness` and `/health/readiness`, LiteLLM's routes for load balancers: without a key, and no record.

Readiness says whether the table, the providers' secrets and the price book can be used, without any of their values. It
reads through the caches that requests use: a flood of probes costs one read in five seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import Unauthenticated, Unavailable
from vectorgate.api.http import Response
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection

    from vectorgate.api.http import Request
    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.ids import ProviderName
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.credentials import Credentials

LIVELINESS: Final = frozenset({"/health/liveliness", "/health/liveness"})
READINESS: Final = "/health/readiness"
_NO_KEY: Final = "readiness"  # a text that cannot be a key


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What readiness looks at."""

    authenticator: Authenticator
    credentials: Credentials
    providers: Collection[ProviderName]
    book: PriceBook

    def answer(self, request: Request) -> Response | None:
        """The answer to a probe; None for any other request."""
        path = request.path.removesuffix("/")
        if request.method != "GET":
            return None
        if path in LIVELINESS:
            return Response.of_json(200, "I'm alive!", {})
        return self._readiness() if path == READINESS else None

    def _readiness(self) -> Response:
        table, secrets, prices = self._table_answers(), self._secrets_are_read(), self._prices_are_loaded()
        ready = table and secrets and prices
        document = {
            "status": "healthy" if ready else "unhealthy",
            "db": "connected" if table else "Not connected",
            "secrets": "readable" if secrets else "not readable",
            "prices": "loaded" if prices else "missing",
        }
        return Response.of_json(200 if ready else 503, document, {})

    def _table_answers(self) -> bool:
        """Whether the table answers: look up a text that cannot be a key."""
        try:
            self.authenticator.authenticate(_NO_KEY)
        except Unauthenticated:
            return True
        except Unavailable:
            return False
        raise AssertionError("a text that cannot be a key is one")

    def _prices_are_loaded(self) -> bool:
        return all(self.book.has_prices_of(provider) for provider in self.providers)

    def _secrets_are_read(self) -> bool:
        try:
            for provider in self.providers:
                self.credentials.current(provider)
        except Unavailable:
            return False
        return True

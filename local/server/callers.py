"""Whose request it is, before it is read: the tenant of its key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError
from vectorgate.api.http import Request
from vectorgate.auth.authenticate import key_id_of, presented_key

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.ids import KeyId

KNOWN_SECONDS: Final = 30.0
MOST_KNOWN: Final = 10_000
NO_KEY: Final = ""  # the group of requests without a valid key


class Callers:
    """Groups requests by tenant, and those without a valid key together. To be used on one event loop.

    The key decides here who shares threads with whom, and nothing else: the gateway authenticates each request.
    """

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._known: dict[KeyId, tuple[str, float]] = {}

    async def group_of(
        self, headers: Mapping[str, str], in_thread: Callable[[Callable[[], str]], Awaitable[str]]
    ) -> str:
        """The group of a request with these headers. `in_thread` awaits a function that may read the database."""
        secret = presented_key(Request(method="", path="", headers=headers))
        if secret is None:
            return NO_KEY
        key_id = key_id_of(secret)
        known = self._known.get(key_id)
        if known is not None and time.monotonic() < known[1]:
            return known[0]
        group = await in_thread(lambda: self._tenant_of(secret))
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()
        self._known[key_id] = group, time.monotonic() + KNOWN_SECONDS
        return group

    def _tenant_of(self, secret: str) -> str:
        try:
            return f"tenant {self._authenticator.authenticate(secret).tenant}"
        except ApiError:
            return NO_KEY

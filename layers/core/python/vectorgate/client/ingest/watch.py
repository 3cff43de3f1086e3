"""Detect that the gateway no longer answers, so that a run stops within seconds and not after every file's own retries.

After a failed call, the store is retrieved once: if that fails as well, no other file would succeed. And while no call
succeeds, the store is retrieved now and then, because a call to a gateway that has stopped may wait for minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import anyio

from vectorgate.api.retry_after import QUOTA
from vectorgate.client.errors import (
    APIConnectionError,
    APIStatusError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
)

if TYPE_CHECKING:
    from vectorgate.client.client import Client
    from vectorgate.client.errors import APIError

# Seconds.
QUIET = 5.0  # without any success, before the first look
QUIET_MOST: Final = 60.0  # between looks that succeed while nothing else does: a large upload takes its time
LOOK = 10.0  # for an answer to a look
BETWEEN = 1.0  # from a failed look to the one that confirms it
# Statuses of proxies and load balancers in front of a gateway that does not answer.
UNAVAILABLE: Final = frozenset({502, 503, 504})


class Stopped(Exception):
    """The end of a run in which no further call would succeed. `cause`: why."""

    def __init__(self, cause: APIError) -> None:
        super().__init__(str(cause))
        self.cause = cause


@dataclass
class Watch:
    """The gateway as a run sees it."""

    client: Client
    store_id: str
    _succeeded: bool = False

    def success(self) -> None:
        """Count a call that succeeded."""
        self._succeeded = True

    async def check(self, error: APIError) -> None:
        """Return if the failed call concerns its file alone. Stopped otherwise."""
        if _concerns_every_call(error):
            raise Stopped(error)
        if _is_unavailable(error):
            await self._look(error)

    async def keep(self) -> None:
        """Check the gateway, endlessly, whenever no call has succeeded for a while. Stopped when it does not answer."""
        pause = QUIET
        while True:
            self._succeeded = False
            await anyio.sleep(pause)
            if self._succeeded:
                pause = QUIET
                continue
            await self._look_twice()
            pause = min(pause * 2, QUIET_MOST)

    async def _look_twice(self) -> None:
        try:
            await self._look()
        except Stopped:
            await anyio.sleep(BETWEEN)
            await self._look()

    async def _look(self, before: APIError | None = None) -> None:
        try:
            await self.client.vector_stores.aretrieve(self.store_id, max_retries=0, timeout=LOOK)
        except (APIConnectionError, APIStatusError) as error:
            if _is_unavailable(error) or _concerns_every_call(error) or isinstance(error, NotFoundError):
                raise Stopped(before or error) from error


def _is_unavailable(error: APIError) -> bool:
    return isinstance(error, APIConnectionError) or getattr(error, "status_code", None) in UNAVAILABLE


def _concerns_every_call(error: APIError) -> bool:
    """Whether the key is refused, or its budget is used up."""
    if isinstance(error, RateLimitError):
        return bool({error.code, error.type} & QUOTA)
    return isinstance(error, AuthenticationError | PermissionDeniedError)

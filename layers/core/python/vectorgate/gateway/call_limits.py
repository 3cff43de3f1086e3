"""The rate limits of one call: planned when it arrives, claimed when it begins, released when it ends.

Every call of a limited caller counts once, also one that is refused by 400 to 499; one that is answered from the record
of an earlier call does not. Loaded by the first call that has a limit.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import RateLimited
from vectorgate.rate_limits.plan import plan_of
from vectorgate.rate_limits.service import RateLimiter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import ByteStream, Response
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.clock import Clock
    from vectorgate.gateway.context import RequestContext
    from vectorgate.rate_limits.model import Claims
    from vectorgate.rate_limits.ports import RateStore
    from vectorgate.telemetry import Telemetry

USUAL_MS: Final = 28_000  # of a call whose context names no end
_NAME_LENGTH: Final = 16  # the last hexadecimal digits of a call's id, which are random
_SERVER_ERROR: Final = 500


class CallLimits:
    """The limiter, for calls. Thread-safe."""

    def __init__(self, store: RateStore, clock: Clock, telemetry: Telemetry) -> None:
        self._limiter = RateLimiter(store, clock, telemetry)

    def plan(self, context: RequestContext, key: VirtualKey, limits: Sequence[tuple[Subject, Limit]]) -> None:
        """Find the rate limits that apply to a call."""
        generates = context.command is not None and context.command.operation.generates
        context.rates = plan_of(key, limits, generates=generates)

    def claims(self, context: RequestContext) -> Claims | None:
        """What a call has to claim before it is sent; None for nothing. RateLimited (429) if it is known to fail."""
        if context.rates is None:
            return None
        name = context.id.replace("-", "")[-_NAME_LENGTH:]
        claims = self._limiter.claims(context.rates, name, context.until_ms or context.started_ms + USUAL_MS)
        return claims if len(claims) else None

    def admit(self, context: RequestContext, claims: Claims) -> None:
        """Claim what a call needs, before its row is begun. RateLimited (429), Unavailable (503)."""
        self._limiter.admit(claims)
        context.counted, context.leases = True, claims.leases

    def count(self, context: RequestContext, error: ApiError) -> ApiError:
        """Count a call that ends in `error` before it began; the error that it ends in then."""
        if context.rates is None or isinstance(error, RateLimited) or error.status >= _SERVER_ERROR:
            return error
        return self._limiter.count(context.rates) or error

    def add_tokens(self, context: RequestContext) -> None:
        """Count what a response has used, as its row says."""
        if context.rates is not None and context.entry is not None:
            tokens = (context.entry.input_tokens or 0) + (context.entry.output_tokens or 0)
            self._limiter.add_tokens(context.rates, tokens)

    def release(self, context: RequestContext) -> None:
        """Give back the places of a call that has ended."""
        leases, context.leases = context.leases, ()
        self._limiter.release(leases)

    def held(self, context: RequestContext, stream: ByteStream) -> ByteStream:
        """A stream with whose end the places of its call are given back."""
        return HeldStream(stream, lambda: self.release(context))

    def shown(self, context: RequestContext, response: Response) -> Response:
        """The response with the headers that say what is left."""
        if context.rates is None:
            return response
        return replace(response, headers={**response.headers, **self._limiter.headers(context.rates)})


class HeldStream:
    """`ByteStream` that calls `ended` once, when it is read to its end or closed."""

    def __init__(self, stream: ByteStream, ended: Callable[[], None]) -> None:
        self._stream = stream
        self._ended = ended
        self._has_ended = False
        self._lock = threading.Lock()

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of the stream."""
        try:
            yield from self._stream
        finally:
            self._end()

    def close(self) -> None:
        """Close the stream. Another thread than that which iterates may call it."""
        self._stream.close()
        self._end()

    def _end(self) -> None:
        with self._lock:
            if self._has_ended:
                return
            self._has_ended = True
        self._ended()

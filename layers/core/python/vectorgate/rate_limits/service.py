"""Admit calls within rate limits, count their tokens, and give their places back.

::

    claims      what a call needs
    admit       takes it, before the row of a change is begun
    count       a call that was refused for another reason: it counts as well
    add_tokens  what a response has used, when it ends
    release     the places among the requests at a time
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import RateLimited, Unavailable
from vectorgate.rate_limits.answers import rate_headers, refusal
from vectorgate.rate_limits.known import KnownTats
from vectorgate.rate_limits.model import NANOSECONDS, Claims, Lease, RateClaim, RateUnit
from vectorgate.store_errors import LimitReached, StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.clock import Clock
    from vectorgate.rate_limits.model import Rate
    from vectorgate.rate_limits.plan import RatePlan
    from vectorgate.rate_limits.ports import RateStore
    from vectorgate.telemetry import Telemetry

LEASE_GRACE_S: Final = 5  # beyond a call's deadline; the clocks of two processes may differ by that much


class RateLimiter:
    """Rate limits over a store. Thread-safe."""

    def __init__(self, store: RateStore, clock: Clock, telemetry: Telemetry) -> None:
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self._known = KnownTats()

    def claims(self, plan: RatePlan, name: str, ends_ms: int) -> Claims:
        """What a call claims that ends by itself at `ends_ms` at the latest. RateLimited when that is too much already.

        `name`: of its places, another one for each call.
        """
        now_s = self._clock.unix_s()
        ends_s = max(now_s, -(-ends_ms // 1_000)) + LEASE_GRACE_S
        leases = tuple(Lease(parallel, name, now_s, ends_s) for parallel in plan.parallel)
        return Claims(self._rate_claims([*plan.requests, *plan.tokens]), leases)

    def admit(self, claims: Claims) -> None:
        """Take what a call claims that begins without a write. RateLimited (429), Unavailable (503)."""
        if not len(claims):
            return
        try:
            self.granted(claims, self._store.take(claims))
        except LimitReached as reached:
            raise self.refused(reached) from reached
        except StoreError as error:
            raise Unavailable(
                "The gateway cannot check rate limits at this moment.", code="rate_limits_unavailable"
            ) from error

    def granted(self, claims: Claims, tats: Sequence[int] = ()) -> None:
        """Take note of what was granted. `tats`: of the rates, as far as they are known."""
        for claim, tat_ns in zip(claims.rates, tats or [0] * len(claims.rates), strict=True):
            self._known.learn(claim.rate, tat_ns or claim.next_tat(claim.known_ns), claim.now_ns)

    def refused(self, reached: LimitReached) -> RateLimited:
        """The error of a claim that was not granted."""
        if isinstance(reached.claim, RateClaim):
            self._known.learn(reached.claim.rate, reached.tat_ns, reached.claim.now_ns)
        return refusal(reached.claim, reached.tat_ns, self._now_ns())

    def count(self, plan: RatePlan) -> RateLimited | None:
        """Count a call that was refused; the error if there were too many. What cannot be written is not counted."""
        try:
            self.admit(Claims(self._rate_claims(plan.requests)))
        except RateLimited as error:
            return error
        except Unavailable:
            self._telemetry.count("RateLimitFailures")
        return None

    def add_tokens(self, plan: RatePlan, tokens: int) -> None:
        """Count what a response has used: beyond the limit it is owed. What cannot be written counts here alone."""
        for rate in plan.tokens:
            claim = RateClaim(rate, self._now_ns(), self._known.of(rate), tokens)
            self._known.learn(rate, claim.next_tat(claim.known_ns), claim.now_ns)
            try:
                self._store.add(claim)
            except StoreError:
                self._telemetry.count("RateLimitFailures")

    def release(self, leases: Sequence[Lease]) -> None:
        """Give places back. One that cannot be given back becomes free when its lease ends."""
        for lease in leases:
            try:
                self._store.release(lease)
            except StoreError:
                self._telemetry.count("RateLimitFailures")

    def headers(self, plan: RatePlan) -> dict[str, str]:
        """The headers that say what is left, as this process knows it."""
        rates = [*plan.requests, *plan.tokens]
        return rate_headers({rate: self._known.of(rate) for rate in rates}, self._now_ns())

    def _rate_claims(self, rates: Sequence[Rate]) -> tuple[RateClaim, ...]:
        """A claim for each: of one request, or of no token, which only asks. RateLimited for one that is known."""
        now_ns = self._now_ns()
        claims = [RateClaim(rate, now_ns, self._known.of(rate), int(rate.unit is RateUnit.REQUESTS)) for rate in rates]
        for claim in claims:
            if claim.known_ns > claim.latest_ns and self._known.is_believed(claim.rate, now_ns):
                raise refusal(claim, claim.known_ns, now_ns)
        return tuple(claims)

    def _now_ns(self) -> int:
        return round(self._clock.wall() * NANOSECONDS)

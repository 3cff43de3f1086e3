"""What a client is told of its rate limits: OpenAI's headers, and OpenAI's error 429. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import RateLimited
from vectorgate.budgets.model import BudgetScope
from vectorgate.rate_limits.model import MINUTE_NS, NANOSECONDS, RateClaim, RateUnit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.rate_limits.model import Lease, Rate

_NAMES: Final = {
    BudgetScope.KEY: "key",
    BudgetScope.TEAM: "team",
    BudgetScope.END_USER: "end user",
    BudgetScope.USER: "user",
}
_SHORT: Final = {RateUnit.REQUESTS: "RPM", RateUnit.TOKENS: "TPM"}
_MILLISECOND_NS: Final = 1_000_000
_MILLISECONDS_A_SECOND: Final = 1_000
RETRY_AFTER_PARALLEL_S: Final = 1  # when a request under way ends, nothing can tell


def rate_headers(tats: Mapping[Rate, int], now_ns: int) -> dict[str, str]:
    """OpenAI's headers, of the rate of each unit of which the least is left. `tats`: the TAT of each rate."""
    headers: dict[str, str] = {}
    for unit in RateUnit:
        rates = [rate for rate in tats if rate.unit is unit]
        if rates:
            rate = min(rates, key=lambda each: (each.left(tats[each], now_ns), -tats[each]))
            headers |= {
                f"x-ratelimit-limit-{unit}": str(rate.limit),
                f"x-ratelimit-remaining-{unit}": str(rate.left(tats[rate], now_ns)),
                f"x-ratelimit-reset-{unit}": duration(max(0, tats[rate] - now_ns)),
            }
    return headers


def refusal(claim: RateClaim | Lease, tat_ns: int, now_ns: int) -> RateLimited:
    """The error for a claim that was not granted, with the time that is left. `tat_ns`: of the row of a rate."""
    if not isinstance(claim, RateClaim):
        return _all_places_taken(claim)
    rate, wait_ns = claim.rate, max(1, claim.rate.wait_ns(tat_ns, now_ns))
    used = -(-max(0, tat_ns - now_ns) // rate.interval_ns)
    return RateLimited(
        f"Rate limit reached for this {_NAMES[rate.subject.scope]} on {rate.unit} per min ({_SHORT[rate.unit]}): "
        f"Limit {rate.limit}, Used {used}, Requested 1. Please try again in {duration(wait_ns)}.",
        unit=rate.unit,
        headers=_retry_after(wait_ns),
    )


def _all_places_taken(lease: Lease) -> RateLimited:
    return RateLimited(
        f"Rate limit reached for this {_NAMES[lease.parallel.subject.scope]} on parallel requests: Limit "
        f"{lease.parallel.limit}, Used {lease.parallel.limit}, Requested 1. Please try again when one has ended.",
        unit=RateUnit.REQUESTS,
        headers=_retry_after(RETRY_AFTER_PARALLEL_S * NANOSECONDS),
    )


def _retry_after(wait_ns: int) -> dict[str, str]:
    """Whole seconds, as HTTP wants them, rounded up; and milliseconds, which OpenAI's clients prefer."""
    return {"retry-after": str(-(-wait_ns // NANOSECONDS)), "retry-after-ms": str(-(-wait_ns // _MILLISECOND_NS))}


def duration(ns: int) -> str:
    """A duration as OpenAI's headers have it, rounded up to milliseconds: `0s`, `857ms`, `1.5s`, `1m12s`."""
    milliseconds = -(-ns // _MILLISECOND_NS)
    if 0 < milliseconds < _MILLISECONDS_A_SECOND:
        return f"{milliseconds}ms"
    minutes, rest = divmod(milliseconds, MINUTE_NS // _MILLISECOND_NS)
    seconds = f"{rest / _MILLISECONDS_A_SECOND:.3f}".rstrip("0").rstrip(".") + "s"
    return f"{minutes}m{seconds}" if minutes else seconds

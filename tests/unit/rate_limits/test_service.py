"""The limiter over a store that fails, and what a process remembers."""

from __future__ import annotations

import pytest

from tests.fakes.clock import FakeClock
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.api.errors import RateLimited, Unavailable
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.rate_limits.known import MAX_KNOWN, KnownTats
from vectorgate.rate_limits.model import NANOSECONDS, Claims, Lease, Parallel, Rate, RateClaim, RateUnit
from vectorgate.rate_limits.plan import RatePlan
from vectorgate.rate_limits.service import RateLimiter
from vectorgate.store_errors import LimitReached, StoreUnavailable

KEY = Subject(BudgetScope.KEY, "k")
REQUESTS, TOKENS = Rate(KEY, RateUnit.REQUESTS, 60), Rate(KEY, RateUnit.TOKENS, 60)
PLAN = RatePlan((REQUESTS,), (TOKENS,), (Parallel(KEY, 1),))


class FailingRates:
    """RateStore that cannot be reached."""

    def take(self, claims: Claims) -> list[int]:
        raise StoreUnavailable(str(len(claims)))

    def add(self, claim: RateClaim) -> None:
        raise StoreUnavailable(str(claim))

    def release(self, lease: Lease) -> None:
        raise StoreUnavailable(str(lease))


def test_a_store_that_fails_refuses_a_call_that_would_begin_and_disturbs_none_that_has_ended() -> None:
    telemetry = RecordingTelemetry()
    limiter = RateLimiter(FailingRates(), FakeClock().clock(), telemetry)
    claims = limiter.claims(PLAN, "n", 0)
    with pytest.raises(Unavailable) as caught:
        limiter.admit(claims)
    assert (caught.value.status, caught.value.code) == (503, "rate_limits_unavailable")
    assert limiter.count(PLAN) is None
    limiter.add_tokens(PLAN, 5)
    limiter.release(claims.leases)
    assert telemetry.counts == {"RateLimitFailures": 3}


def test_tokens_that_could_not_be_written_count_in_this_process() -> None:
    limiter = RateLimiter(FailingRates(), FakeClock().clock(), RecordingTelemetry())
    limiter.add_tokens(PLAN, 20)
    assert 40 <= int(limiter.headers(PLAN)["x-ratelimit-remaining-tokens"]) < 60


def test_the_rates_that_a_process_remembers_are_bounded_and_never_go_back() -> None:
    known = KnownTats()
    known.learn(REQUESTS, 7, 0)
    known.learn(REQUESTS, 5, 0)
    assert (known.of(REQUESTS), known.of(TOKENS)) == (7, 0)
    for number in range(MAX_KNOWN):
        known.learn(Rate(Subject(BudgetScope.END_USER, str(number)), RateUnit.REQUESTS, 1), 1, 0)
    assert known.of(REQUESTS) == 0


class GivenBack(FailingRates):
    """RateStore that refuses once: the unit that it counts is given back afterwards."""

    def __init__(self) -> None:
        self.asked = 0

    def take(self, claims: Claims) -> list[int]:
        self.asked += 1
        if self.asked == 1:
            raise LimitReached(claims.rates[0], claims.rates[0].latest_ns + 60 * NANOSECONDS)
        return [claims.rates[0].now_ns]


def test_a_refusal_is_believed_for_a_second_and_then_asked_about_again() -> None:
    clock, store, plan = FakeClock(), GivenBack(), RatePlan((REQUESTS,), (), ())
    limiter = RateLimiter(store, clock.clock(), RecordingTelemetry())
    for _ in range(2):
        with pytest.raises(RateLimited) as refused:
            limiter.admit(limiter.claims(plan, "-", 0))
        assert int(refused.value.headers["retry-after"]) > 1
    assert store.asked == 1
    clock.skip(1)
    limiter.admit(limiter.claims(plan, "-", 0))
    assert store.asked == 2

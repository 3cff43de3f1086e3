"""The generic cell rate algorithm, compared with a token bucket in exact fractions, and with clocks that differ."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.rate_limits.answers import duration, rate_headers, refusal
from vectorgate.rate_limits.model import MAX_A_MINUTE, MINUTE_NS, Rate, RateClaim, RateUnit

SUBJECT = Subject(BudgetScope.TEAM, "red")
MS = 1_000_000
S = 1_000 * MS
LIMITS = st.integers(1, 5) | st.sampled_from([7, 59, 60, 61, 999, MAX_A_MINUTE])
GAPS = st.lists(st.integers(0, 3 * S) | st.integers(0, 90 * S), max_size=40)


def rate_of(limit: int) -> Rate:
    """A rate of requests."""
    return Rate(SUBJECT, RateUnit.REQUESTS, limit)


class TokenBucket:
    """The reference: tokens come back continuously, one after each interval, up to the limit."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.tokens = Fraction(rate.limit)
        self.at = 0

    def take(self, now_ns: int) -> bool:
        back = Fraction(now_ns - self.at, self.rate.interval_ns)
        self.tokens, self.at = min(Fraction(self.rate.limit), self.tokens + back), now_ns
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@settings(max_examples=50)
@given(LIMITS, GAPS)
@example(60, [0] * 61 + [S, 0, S // 2, S // 2])
def test_it_grants_what_a_token_bucket_grants_and_says_what_is_left_and_how_long_to_wait(
    limit: int, gaps: list[int]
) -> None:
    rate, now, tat = rate_of(limit), 0, 0
    bucket = TokenBucket(rate)
    for gap in gaps:
        now += gap
        claim = RateClaim(rate, now)
        granted = tat <= claim.latest_ns
        assert granted is bucket.take(now)
        if granted:
            assert rate.wait_ns(tat, now) == 0
            tat = claim.next_tat(tat)
        else:
            wait = rate.wait_ns(tat, now)
            assert tat <= RateClaim(rate, now + wait).latest_ns
            assert tat > RateClaim(rate, now + wait - 1).latest_ns
        assert rate.left(tat, now) == int(bucket.tokens)


@settings(max_examples=50)
@given(LIMITS, st.lists(st.tuples(st.integers(0, S), st.integers(-1, 1)), max_size=40), st.integers(0, 5 * S))
def test_clocks_that_differ_by_a_bound_let_in_what_comes_back_in_that_time_and_no_more(
    limit: int, arrivals: list[tuple[int, int]], bound: int
) -> None:
    """Each process reads the time with an error of at most half the bound: in w seconds at most limit + (w + d) / T."""
    rate, now, tat, granted = rate_of(limit), 0, 0, 0
    for gap, sign in arrivals:
        now += gap
        claim = RateClaim(rate, max(0, 10 * S + now + sign * bound // 2))
        if tat <= claim.latest_ns:
            granted, tat = granted + 1, claim.next_tat(tat)
    assert granted <= limit + -(-(now + bound) // rate.interval_ns)


def test_a_steady_use_of_the_limit_is_never_refused_and_the_rounding_takes_nothing() -> None:
    for limit in (1, 7, 59, 60, 61, 999_999_937):
        rate, tat = rate_of(limit), 0
        for number in range(2_000):
            claim = RateClaim(rate, number * MINUTE_NS // limit)
            assert tat <= claim.latest_ns
            tat = claim.next_tat(tat)


def test_a_lowered_limit_waits_for_its_own_interval_only() -> None:
    """A TAT is a time: that a limit was used up is at most a minute of waiting, whatever the limit is now."""
    used_up = 60 * S
    assert rate_of(600).wait_ns(used_up, 0) == S // 10
    assert rate_of(1).wait_ns(used_up, 0) == 60 * S


def test_durations_are_those_of_openais_headers() -> None:
    shown = {0: "0s", 1: "1ms", 857: "857ms", 1_000: "1s", 1_500: "1.5s", 60_000: "1m0s", 72_000: "1m12s"}
    assert {ms: duration(max(0, ms * MS - 1)) for ms in shown} == shown  # rounded up


def test_the_headers_are_those_of_the_limit_of_which_least_is_left() -> None:
    tight, wide = rate_of(10), Rate(Subject(BudgetScope.KEY, "k"), RateUnit.REQUESTS, 1_000)
    assert rate_headers({wide: 30 * S, tight: 6 * S}, 0) == {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "6s",
    }


def test_a_refusal_says_how_long_it_is_in_whole_seconds_and_in_milliseconds() -> None:
    error = refusal(RateClaim(rate_of(60), 0), 60 * S + 250 * MS, 0)
    assert error.headers == {"retry-after": "2", "retry-after-ms": "1250"}
    assert error.message.startswith("Rate limit reached for this team on requests per min (RPM): Limit 60, Used 61,")

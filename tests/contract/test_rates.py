"""What is used of rate limits: requests and tokens a minute, and requests at a time."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.factories.ledger import KEY
from tests.helpers.call_recorder import CallRecorder
from tests.helpers.threads import at_once
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.rate_limits.model import Claims, Lease, Parallel, Rate, RateClaim, RateUnit
from vectorgate.store_errors import LimitReached, StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend, DynamoBackend

S = 1_000_000_000
T0 = 1_772_600_767 * S
OWN, TEAM = Subject(BudgetScope.KEY, KEY), Subject(BudgetScope.TEAM, "rot 東京")
RATE = Rate(OWN, RateUnit.REQUESTS, 60)
THREE = Rate(TEAM, RateUnit.REQUESTS, 3)
TOKENS = Rate(OWN, RateUnit.TOKENS, 60)


def claim(at: float = 0, *, rate: Rate = RATE, cost: int = 1, known: int = 0) -> RateClaim:
    """A claim so many seconds after T0."""
    return RateClaim(rate, T0 + round(at * S), known, cost)


def taken(stores: Backend, *claims: RateClaim) -> int | None:
    """None for claims that are granted, else the TAT of the refusal, in nanoseconds after T0."""
    try:
        stores.rates.take(Claims(claims))
    except LimitReached as reached:
        return reached.tat_ns - T0
    return None


def lease(number: int, *, at: int = 0, seconds: int = 30, most: int = 2) -> Lease:
    """The lease of a request so many seconds after T0."""
    now = T0 // S + at
    return Lease(Parallel(OWN, most), f"{number:016x}", now, now + seconds)


def held(stores: Backend, wanted: Lease) -> bool:
    """Whether the lease was granted."""
    try:
        stores.rates.take(Claims((), (wanted,)))
    except LimitReached:
        return False
    return True


def test_the_whole_limit_may_be_used_at_once_and_one_unit_is_back_after_each_interval(stores: Backend) -> None:
    outcomes = [taken(stores, claim(rate=THREE)) for _ in range(4)]
    assert outcomes == [None, None, None, 60 * S]
    assert taken(stores, claim(19.999999999, rate=THREE)) == 60 * S
    assert [taken(stores, claim(20, rate=THREE)) for _ in range(2)] == [None, 80 * S]
    assert [taken(stores, claim(200, rate=THREE)) for _ in range(4)] == [None, None, None, 260 * S]


def test_a_wrong_guess_of_the_row_changes_nothing_but_the_number_of_calls(stores: Backend) -> None:
    assert taken(stores, claim(rate=THREE, known=T0 + 60 * S)) is None  # there is none, as if it had been removed
    assert taken(stores, claim(rate=THREE, known=0)) is None  # its TAT is ahead
    assert taken(stores, claim(90, rate=THREE, known=T0 + 999 * S)) is None  # it is past
    assert [taken(stores, claim(90, rate=THREE)) for _ in range(3)] == [None, None, 150 * S]


def test_all_claims_are_granted_or_none_is(stores: Backend) -> None:
    for _ in range(3):
        assert taken(stores, claim(), claim(rate=THREE)) is None
    for _ in range(9):
        assert taken(stores, claim(), claim(rate=THREE)) == 60 * S
    assert stores.rates.take(Claims((claim(known=T0 + 1),))) == [T0 + 4 * S]


def test_tokens_are_asked_for_before_and_owed_after(stores: Backend) -> None:
    asks = claim(rate=TOKENS, cost=0)
    assert taken(stores, asks) is None
    for cost, known in ((50, 0), (5, T0 + S), (150, 0)):
        stores.rates.add(claim(rate=TOKENS, cost=cost, known=known))
    assert taken(stores, asks) == 205 * S
    assert taken(stores, claim(145.9, rate=TOKENS, cost=0)) == 205 * S
    assert taken(stores, claim(146, rate=TOKENS, cost=0)) is None
    stores.rates.add(claim(300, rate=TOKENS, cost=60, known=T0 + 999 * S))
    assert taken(stores, claim(300, rate=TOKENS, cost=0)) == 360 * S


def test_so_many_requests_at_a_time_and_another_when_one_has_ended(stores: Backend) -> None:
    assert [held(stores, lease(number)) for number in range(3)] == [True, True, False]
    for _ in range(2):
        stores.rates.release(lease(0))
        stores.rates.release(lease(7))
    assert [held(stores, lease(number)) for number in (3, 4)] == [True, False]
    assert held(stores, lease(4, most=3))


def test_a_lease_of_a_process_that_crashed_ends_by_itself(stores: Backend) -> None:
    assert [held(stores, lease(number, seconds=30 + number)) for number in range(2)] == [True, True]
    assert not held(stores, lease(2, at=30))
    assert held(stores, lease(2, at=31))
    assert not held(stores, lease(3, at=31))
    assert held(stores, lease(3, at=32))


def test_a_place_is_given_back_where_a_rate_is_used_up_and_the_rates_where_another_is(stores: Backend) -> None:
    for number in range(3):
        stores.rates.take(Claims((claim(), claim(rate=THREE)), (lease(number, most=4),)))
    with pytest.raises(LimitReached) as refusal:
        stores.rates.take(Claims((claim(), claim(rate=THREE)), (lease(3, most=4),)))
    assert (refusal.value.claim, refusal.value.tat_ns) == (claim(rate=THREE), T0 + 60 * S)
    assert held(stores, lease(4, most=4))
    with pytest.raises(LimitReached):
        stores.rates.take(Claims((claim(),), (lease(5, most=4),)))
    assert stores.rates.take(Claims((claim(),))) == [T0 + 4 * S]


@pytest.mark.parametrize("written", [False, True])
def test_a_claim_whose_answer_is_lost_was_granted_or_not(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.rates.take(Claims((claim(),)))
    assert stores.rates.take(Claims((claim(),))) == [T0 + (2 if written else 1) * S]


STEPS = st.tuples(st.integers(0, 30 * S), st.sampled_from(("take", "ask", "add")), st.integers(0, 4))


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(STEPS, max_size=8))
def test_any_claims_with_any_guess_leave_the_tat_that_the_algorithm_says(
    stores: Backend, steps: list[tuple[int, str, int]]
) -> None:
    rate, now, tat = Rate(Subject(BudgetScope.KEY, uuid4().hex), RateUnit.TOKENS, 3), T0, 0
    for gap, what, number in steps:
        now += gap
        known = (0, tat // 2, tat, now, tat)[number]
        if what == "add":
            wanted = RateClaim(rate, now, min(known, tat), number + 1)
            stores.rates.add(wanted)
        else:
            wanted = RateClaim(rate, now, min(known, tat), int(what == "take"))
            with nullcontext() if tat <= wanted.latest_ns else pytest.raises(LimitReached) as refusal:
                stores.rates.take(Claims((wanted,)))
            if refusal is not None:
                assert refusal.value.tat_ns == tat
                continue
        tat = wanted.next_tat(tat) if wanted.cost else tat
    with pytest.raises(LimitReached) as reached:
        stores.rates.take(Claims((RateClaim(rate, 0, cost=4),)))
    assert reached.value.tat_ns == tat


def test_of_many_at_once_no_more_are_let_in_than_the_limit(stores: Backend) -> None:
    def enter(number: int) -> bool:
        claims = Claims((claim(rate=replace(RATE, limit=7)),), (lease(number, most=20),))
        try:
            stores.rates.take(claims)
        except LimitReached:
            return False
        return True

    with stores.one_at_a_time():
        assert sum(at_once(16, enter)) == 7


def test_what_is_no_claim_is_a_mistake(stores: Backend) -> None:
    no_place = replace(lease(0), parallel=Parallel(OWN, 0))
    mistakes = [Claims(), Claims((claim(rate=replace(RATE, limit=0)),)), Claims((claim(cost=-1),))]
    mistakes += [Claims((), (no_place,)), Claims((), (replace(lease(0), name="a#b"),)), Claims((claim(), claim(1)))]
    mistakes += [Claims((), (lease(1), lease(2)))]
    for claims in mistakes:
        with pytest.raises(ValueError, match=r"claim|lease|id|twice"):
            stores.rates.take(claims)


def test_a_claim_is_one_update_of_one_unit_and_is_never_in_a_transaction(dynamo: DynamoBackend) -> None:
    with CallRecorder().watching(dynamo.table.client) as recorder:
        dynamo.rates.take(Claims((claim(),)))
        dynamo.rates.take(Claims((claim(known=T0 + S),)))
        assert (recorder.calls, recorder.write_units) == ({"UpdateItem": 2}, 2)
        dynamo.rates.take(Claims((), (lease(0),)))
        dynamo.rates.release(lease(0))
        assert (recorder.calls, recorder.write_units) == ({"UpdateItem": 4}, 4)
        dynamo.rates.take(Claims((claim(known=T0 + S), claim(rate=THREE), claim(rate=TOKENS, cost=0)), (lease(0),)))
        assert (recorder.calls, recorder.write_units) == ({"UpdateItem": 7, "BatchGetItem": 1}, 7)

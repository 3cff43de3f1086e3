"""Every single and every double crash of one create, its settlement and its reconciliation.

Each is enumerated for each kind of create in both deployments: the singles by `make test`, the pairs, of which there
are thousands, by `make sim` and `make thorough`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count, product
from typing import TYPE_CHECKING, Final

import pytest

from tests.simulation.clients import FULL_METADATA, LogicalCreate
from tests.simulation.environment import NO_FAULTS
from tests.simulation.simulation import SWEEP_INTERVAL_S, Result, Simulation
from vectorgate.api.http import encode_json

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET: Final = "sk-simulated-b"  # this key, its team and this end user have a limit each
END_USER: Final = "émile"
SEEDS: Final = {"on AWS": 1, "in local mode": 9, "on DynamoDB": 3}
SWEEPS: Final = 2  # of the reconciler: an object has to be missed twice


@dataclass(frozen=True, slots=True)
class Variant:
    """A create. `keyed`: with an idempotency key, by which its client repeats it after the sweeps."""

    body: Mapping[str, object] = field(default_factory=dict)
    keyed: bool = False


VARIANTS: Final = {
    "plain": Variant(),
    "with an idempotency key": Variant(keyed=True),
    "with files": Variant({"file_ids": ["file-red-0", "file-red-1"]}),
    "with full metadata": Variant({"metadata": FULL_METADATA}),
    "with full metadata and an idempotency key": Variant({"metadata": FULL_METADATA}, keyed=True),
}
CASES: Final = {
    f"{name} {place}": (variant, seed) for (name, variant), (place, seed) in product(VARIANTS.items(), SEEDS.items())
}
every_case = pytest.mark.parametrize(("variant", "seed"), CASES.values(), ids=CASES)
# Each place's own writes are passed by one or two of its creates.
OFTEN: Final = {
    *(f"{name} on AWS" for name in VARIANTS),
    *(f"{name} in local mode" for name in ("with files", "with full metadata and an idempotency key")),
    *(f"{name} on DynamoDB" for name in ("with files", "with full metadata and an idempotency key")),
}
every_single = pytest.mark.parametrize(
    ("variant", "seed"),
    [pytest.param(*CASES[name], marks=[pytest.mark.exhaustive] * (name not in OFTEN), id=name) for name in CASES],
)


def _sent(simulation: Simulation, variant: Variant) -> LogicalCreate:
    """Send the create, with its client's retries."""
    made = LogicalCreate("s0", SECRET, END_USER, encode_json({"name": "s0", **variant.body}), keyed=variant.keyed)
    simulation.creates.append(made)
    simulation.clients.send(made)
    return made


def _one_create(variant: Variant, seed: int, *crash_at: int) -> tuple[Result, int]:
    """Run a create, settlement and the sweeps; return the result and the number of crash points passed."""
    simulation = Simulation(seed, rates=NO_FAULTS, crash_at=frozenset(crash_at))
    made = _sent(simulation, variant)
    simulation.settle_all()
    for _ in range(SWEEPS):
        simulation.environment.now += SWEEP_INTERVAL_S
        simulation.reconcile()
    if variant.keyed:
        simulation.clients.send(made)
    simulation.settle_all()
    crash_points = simulation.environment.crash_points
    return simulation.check(with_digest=False), crash_points


@pytest.mark.parametrize("seed", [SEEDS["on AWS"], SEEDS["on DynamoDB"]])
def test_a_create_reserves_its_price_and_its_files_storage_in_three_accounts_until_it_is_settled(seed: int) -> None:
    simulation = Simulation(seed, rates=NO_FAULTS)
    _sent(simulation, VARIANTS["with files"])
    statement = "SELECT scope, reserved, spent FROM accounts ORDER BY scope"
    price, files = 7, 1_863  # two bytes for a day at PER_GIB_DAY, rounded up
    reserved = [(scope, price + files, 0) for scope in ("end_user", "key", "team")]
    assert simulation.database.rows(statement, ()) == reserved
    simulation.settle_all()
    assert simulation.database.rows(statement, ()) == [(scope, 0, price) for scope, _, _ in reserved]


@every_case
def test_a_create_with_three_budgets_its_settlement_and_its_reconciliation_pass_many_crash_points(
    variant: Variant, seed: int
) -> None:
    result, crash_points = _one_create(variant, seed)
    assert result.differences == []
    # Key, limits, balances, begin, forward, conclude, settle, two sweeps: two points each, and one for each statement
    # of the three transactions, of which two move three accounts.
    # On DynamoDB: row, three reservations, record, forward, owner, answered row, settle: two points at each write.
    assert crash_points >= (9 * 2 if seed == SEEDS["on DynamoDB"] else 9 * 2 + 3 * 2 + 2 * 3)


@every_single
def test_every_single_crash_of_a_create_leaves_the_ledger_right(variant: Variant, seed: int) -> None:
    _, crash_points = _one_create(variant, seed)
    for crash_point in range(1, crash_points + 1):
        result, _ = _one_create(variant, seed, crash_point)
        assert result.tally.crashes == 1
        assert result.differences == [], f"crash at {crash_point}"


@pytest.mark.exhaustive
@pytest.mark.timeout(600)
@every_case
def test_every_double_crash_of_a_create_leaves_the_ledger_right(variant: Variant, seed: int) -> None:
    pairs = 0
    _, most = _one_create(variant, seed)
    for first in range(1, most + 1):
        for second in count(first + 1):
            result, _ = _one_create(variant, seed, first, second)
            assert result.differences == [], f"crashes at {first} and {second}"
            if result.tally.crashes < 2:
                break
            pairs += 1
    assert pairs > most


@pytest.mark.timeout(30)
def test_what_is_not_reported_back_to_the_stream_is_settled_however_often_the_store_refuses() -> None:
    simulation = Simulation(SEEDS["on AWS"], rates=replace(NO_FAULTS, unavailable=0.1))
    assert simulation.run(200).differences == []
    assert simulation.delivered


@pytest.mark.timeout(30)
def test_repeated_notifications_have_no_effect_even_without_crashes() -> None:
    simulation = Simulation(3, rates=replace(NO_FAULTS, stream_again=0.5))
    while len(simulation.creates) < 150:
        simulation.step()
    while simulation.stream.rows:
        simulation._deliver()
    result = simulation.check()
    assert result.tally.duplicates > 25
    assert result.differences == []


def test_without_crashes_every_call_ends_its_own_row() -> None:
    simulation = Simulation(4, rates=replace(NO_FAULTS, provider=1.0))
    while len(simulation.creates) < 300:
        simulation.clients.act()
    # The notes of attempts that were sent again stay open until nothing can come of these any more.
    statement = "SELECT record FROM operations WHERE state = 'started' AND record NOT LIKE '%\"attempt_of\":%'"
    assert simulation.database.rows(statement, ()) == []
    assert simulation.check().differences == []

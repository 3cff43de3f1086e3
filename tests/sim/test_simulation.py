"""A minute's worth of `make sim`, and that a seed is a seed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.sim.__main__ import plan, run, settings
from tests.sim.simulation import Simulation
from tests.sim.world import SMOOTH

OPERATIONS = 40_000  # a minute of computing, shared by two processes: a taste of what `make sim` does by the million
FIRST_SEED = 1


@pytest.mark.timeout(600)
def test_the_books_agree_with_the_truth_whatever_crashes_repeats_or_gets_lost() -> None:
    total, found = run(OPERATIONS, FIRST_SEED, processes=2)
    assert found == []
    assert total.operations == OPERATIONS
    assert min(total.crashes, total.duplicates, total.lost, total.ambiguous) > total.seeds


def test_a_seed_replays_byte_for_byte() -> None:
    first, second, other = (Simulation(seed).run(300) for seed in (17, 17, 18))
    assert first == second
    assert first.digest != other.digest


def test_a_seed_replays_in_another_process_with_other_hashes() -> None:
    code = "from tests.sim.simulation import Simulation; print(Simulation(17).run(300).digest)"
    digests = {
        subprocess.run(  # noqa: S603 - our own interpreter and text
            [sys.executable, "-c", code],
            env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(digests) == 1


def test_without_faults_every_create_is_answered_and_booked() -> None:
    simulation = Simulation(5, odds=SMOOTH)
    result = simulation.run(200)
    assert result.differences == []
    assert (result.tally.crashes, result.tally.lost, result.tally.ambiguous) == (0, 0, 0)
    told = [made for made in simulation.logical if made.store_id is not None]
    ours = [store for store in simulation.truth.stores.values() if not store.foreign]
    assert len(told) == len(ours) > 190


def test_a_store_that_nobody_booked_is_a_difference() -> None:
    simulation = Simulation(6, odds=SMOOTH)
    while len(simulation.logical) < 20:
        simulation.step()
    simulation.recover()
    simulation.database.change("DELETE FROM operations WHERE record LIKE '%\"vs_6_3\"%'", ())
    assert any("vs_6_3" in difference for difference in simulation.reckon().differences)


def test_operations_are_spread_over_seeds_of_2000() -> None:
    assert plan(4_500, 7) == [(7, 2_000), (8, 2_000), (9, 500)]
    assert settings(["OPERATIONS=3", "SEED=9"])["SEED"] == 9

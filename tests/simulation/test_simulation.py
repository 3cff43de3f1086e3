"""Some seconds of `make sim`, and that a seed replays."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from tests.simulation.__main__ import main, plan, run, settings
from tests.simulation.environment import NO_FAULTS, FaultRates, Tally
from tests.simulation.simulation import Simulation

OPERATIONS = 1_000  # `make sim` runs millions
FIRST_SEED = 1
SEEDS = (16, 24, 17, 19)  # on AWS with a meter, in local mode with a meter, on AWS without, on DynamoDB


@pytest.mark.timeout(600)
def test_the_ledger_agrees_with_the_provider_whatever_crashes_repeats_or_gets_lost() -> None:
    total, found = run(OPERATIONS, FIRST_SEED, processes=1)
    assert found == []
    assert total.operations == OPERATIONS
    assert min(total.crashes, total.duplicates, total.lost, total.ambiguous) > total.seeds


@pytest.mark.parametrize("seed", [*SEEDS[:3], pytest.param(SEEDS[3], marks=pytest.mark.exhaustive)])
def test_a_seed_replays_byte_for_byte(seed: int) -> None:
    first, second = (Simulation(seed).run(100) for _ in range(2))
    assert first == second


def test_other_seeds_go_other_ways() -> None:
    assert len({Simulation(seed).run(20).digest for seed in range(SEEDS[0], SEEDS[0] + 3)}) == 3


@pytest.mark.parametrize("seed", [SEEDS[0], *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in SEEDS[1:])])
def test_a_seed_replays_in_another_process_with_other_hashes(seed: int) -> None:
    code = f"from tests.simulation.simulation import Simulation; print(Simulation({seed}).run(150).digest)"
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


def test_without_faults_every_create_is_answered_and_settled() -> None:
    simulation = Simulation(5, rates=NO_FAULTS)
    result = simulation.run(200)
    assert result.differences == []
    assert (result.tally.crashes, result.tally.lost, result.tally.ambiguous) == (0, 0, 0)
    answered = [made for made in simulation.creates if made.store_id is not None]
    ours = [store for store in simulation.provider.stores.values() if not store.foreign]
    refused = [made.statuses[-1] for made in simulation.creates if made.store_id is None]
    assert {400, 422, 429} >= set(refused)
    assert len(answered) == len(ours) == 200 - len(refused) > 180


def test_a_store_without_a_settled_create_is_a_difference() -> None:
    simulation = Simulation(6, rates=NO_FAULTS)
    while len(simulation.creates) < 20:
        simulation.step()
    simulation.recover()
    simulation.database.change("DELETE FROM operations WHERE record LIKE '%\"vs_6_3\"%'", ())
    assert any("vs_6_3" in difference for difference in simulation.check().differences)


def test_on_dynamodb_the_ledger_agrees_whatever_writes_meet_other_transactions() -> None:
    result = Simulation(3, rates=replace(FaultRates(), conflict=0.1)).run(100)
    assert result.differences == []
    assert result.tally.conflicts > 50


def test_on_aws_notifications_settle_nearly_all_rows_and_the_meter_the_rest() -> None:
    simulation = Simulation(2)
    while len(simulation.creates) < 500:
        simulation.step()
    while simulation.stream.rows:
        simulation.settle()
    (lost,) = simulation.database.rows("SELECT count(*) FROM operations WHERE state = 'answered'", ())[0]
    (settled,) = simulation.database.rows("SELECT count(*) FROM operations WHERE state = 'settled'", ())[0]
    assert 0 < lost < settled / 10
    assert simulation.check().differences == []


@pytest.mark.parametrize(("differences", "status"), [(0, 0), (1, 1)])
def test_the_last_line_is_the_report_and_any_difference_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], differences: int, status: int
) -> None:
    tally = Tally(
        operations=7, seeds=6, crashes=5, duplicates=4, lost=3, ambiguous=2, conflicts=1, differences=differences
    )
    monkeypatch.setattr("sys.argv", ["sim", "OPERATIONS=7"])
    monkeypatch.setattr("tests.simulation.__main__.run", lambda *_: (tally, []))
    assert main() == status
    report = "operations=7 seeds=6 crashes=5 duplicates=4 lost=3 ambiguous=2 conflicts=1 differences={} seconds=0\n"
    assert capsys.readouterr().out == report.format(differences)


def test_operations_are_spread_over_seeds_of_2000() -> None:
    assert plan(4_500, 7) == [(7, 2_000), (8, 2_000), (9, 500)]
    assert settings(["OPERATIONS=3", "SEED=9"])["SEED"] == 9

"""How long the meter pauses, and which requests end its pause."""

from __future__ import annotations

import pytest

from tests.harnesses.meter import MIDNIGHT, OPENAI, MeterHarness
from vectorgate.api.operations import OPERATIONS
from vectorgate.api.safety import Safety
from vectorgate.metering.model import DAY_S
from vectorgate.metering.sampler import CHANGING
from vectorgate.pricing.book import GIB


def test_the_pause_grows_while_nothing_happens_and_ends_at_midnight(metering: MeterHarness) -> None:
    metering.store("mine", GIB)
    dues = []
    for _ in range(9):
        metering.environment.now = max(metering.environment.now, metering.stores.meters.schedule(OPENAI).due)
        metering.sampler.tick()
        dues.append(metering.stores.meters.schedule(OPENAI).pause)
    assert dues == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    metering.environment.now = MIDNIGHT + DAY_S - 5
    metering.sampler.sample(OPENAI)
    assert metering.stores.meters.schedule(OPENAI).due == MIDNIGHT + DAY_S


@pytest.mark.parametrize("operation", sorted(CHANGING))
def test_a_request_that_may_change_what_is_stored_ends_the_pause_at_the_next_tick(
    metering: MeterHarness, operation: str
) -> None:
    name = metering.store("mine", GIB)
    for seconds in (0, 60, 180):
        metering.at(seconds)  # the next look is due at 420
    metering.change(operation, 200)
    metering.provider.stores[name].size = 2 * GIB
    metering.at(240)
    assert metering.sizes() == [2 * GIB]


def test_every_request_that_adds_or_removes_files_of_a_store_ends_the_pause() -> None:
    below = ("vector_stores.files.", "vector_stores.file_batches.")
    quiet = {"vector_stores.files.update"}  # attributes; the bytes stay
    for operation in OPERATIONS:
        changes = operation.safety is not Safety.READ and operation.name.startswith(below)
        assert not changes or operation.name in CHANGING | quiet


@pytest.mark.parametrize(
    "operation", ["vector_stores.search", "uploads.parts.create", "uploads.cancel", "files.create"]
)
def test_what_changes_no_store_leaves_the_pause(metering: MeterHarness, operation: str) -> None:
    name = metering.store("mine", GIB)
    for seconds in (0, 60, 180):
        metering.at(seconds)
    metering.change(operation, 200)
    metering.provider.stores[name].size = 2 * GIB
    metering.at(240)
    assert metering.sizes() == [GIB]
    metering.at(420)
    assert metering.sizes() == [2 * GIB]


def test_a_change_that_was_under_way_at_the_last_look_is_seen_at_the_next_tick(metering: MeterHarness) -> None:
    name = metering.store("mine", GIB)
    for seconds in (0, 60):
        metering.at(seconds)
    metering.change("vector_stores.files.create", 155)
    metering.at(180)
    metering.provider.stores[name].size = 2 * GIB
    metering.at(240)
    assert metering.sizes() == [2 * GIB]

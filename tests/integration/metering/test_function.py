"""The meter as it runs: the Lambda handler on its schedule's event, and local mode's loop."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from local.settings import seconds_in
from local.workers import Ticker
from tests.harnesses.meter import MeterHarness
from vectorgate.entrypoints.meter import handler
from vectorgate.ledger.entry import State
from vectorgate.metering.model import DAY_S
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.pricing.book import GIB
from vectorgate.store_errors import StoreUnavailable

EVENT = json.loads((Path(__file__).parents[3] / "events" / "meter_schedule.json").read_text("utf-8"))


def test_a_tick_of_the_schedule_posts_what_is_due() -> None:
    metering = MeterHarness()
    metering.store("mine", 2 * GIB)
    tick = handler.bound_to(metering.meter)
    assert tick(EVENT, None) == {"posted": 0, "settled": 0}
    metering.environment.now += DAY_S
    assert tick(EVENT, None) == {"posted": 1, "settled": 0}
    assert tick(EVENT, None) == {"posted": 0, "settled": 1}  # here is no stream, which would have been faster
    metering.stores.close()


def test_a_tick_settles_late_rows_and_leaves_the_others_to_the_stream() -> None:
    metering = MeterHarness()
    late, fresh = metering.waiting(LATE_SECONDS + 1), metering.waiting(LATE_SECONDS - 1)
    assert metering.meter.tick() == {"posted": 0, "settled": 1}
    states = {row.id: row.state for row in metering.stores.ledger.entries([late, fresh]).values()}
    assert states == {late: State.SETTLED, fresh: State.ANSWERED}
    metering.stores.close()


def test_a_ledger_that_is_unavailable_does_not_end_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    metering = MeterHarness()

    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailable("simulated")

    monkeypatch.setattr(metering.stores.ledger, "open_rows", unavailable)
    assert metering.meter.tick() == {"posted": 0, "settled": 0, "failed": 1}
    assert metering.telemetry.counted == ["MeterFailures"]
    metering.stores.close()


def test_the_loop_ticks_at_once_and_again_until_it_is_stopped() -> None:
    thrice, ticks = threading.Event(), []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            thrice.set()

    loop = Ticker("meter", 0.001, lambda _: None)
    thread = loop.start(tick)
    assert thrice.wait(30)
    loop.stop()
    thread.join(10)
    assert not thread.is_alive()


def test_a_loop_outlives_a_defect_and_reports_it() -> None:
    again = threading.Event()
    heard: list[BaseException] = []

    def tick() -> None:
        if heard:
            again.set()
        raise ZeroDivisionError

    loop = Ticker("meter", 0.001, heard.append)
    thread = loop.start(tick)
    assert again.wait(30)
    loop.stop()
    thread.join(10)
    assert {type(error) for error in heard} == {ZeroDivisionError}


def test_the_setting_is_a_number_of_seconds() -> None:
    assert seconds_in({}) == 60
    assert seconds_in({"VECTORGATE_METER_SECONDS": ""}) == 60
    assert seconds_in({"VECTORGATE_METER_SECONDS": "0.5"}) == 0.5
    for wrong in ("0", "-1", "soon", "nan", "inf", "1e30"):
        with pytest.raises(ValueError, match="VECTORGATE_METER_SECONDS"):
            seconds_in({"VECTORGATE_METER_SECONDS": wrong})

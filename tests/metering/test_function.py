"""The meter as it runs: the Lambda handler on its schedule's event, and the one-machine edition's loop."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from functions.meter.app import handler
from local.options import seconds_in
from local.ticker import Ticker
from tests.metering.test_sampler import OPENAI, Scene, Vault
from vectorgate.clock import Clock
from vectorgate.meter import build_meter
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB
from vectorgate.settings import Settings
from vectorgate.stores import StoreUnavailable
from vectorgate.upstream.credentials import Credentials

if TYPE_CHECKING:
    from vectorgate.meter import Meter

EVENT = json.loads((Path(__file__).parents[2] / "events" / "meter_schedule.json").read_text("utf-8"))


def meter_of(scene: Scene) -> Meter:
    settings = Settings(table="-", secrets={OPENAI: "secret"})
    clock = Clock(wall=lambda: scene.world.now, monotonic=lambda: scene.world.now, sleep=lambda _: None)
    return build_meter(
        settings,
        stores=scene.stores,
        credentials=Credentials(Vault(), settings.secrets, clock),
        transport=scene.truth,
        telemetry=scene.telemetry,
        clock=clock,
        chance=scene.world.chances(),
    )


def test_a_tick_of_the_schedule_posts_what_is_due() -> None:
    scene = Scene()
    scene.store("mine", 2 * GIB)
    tick = handler.bound_to(meter_of(scene))
    assert tick(EVENT, None) == {"posted": 0}
    scene.world.now += DAY_S
    assert tick(EVENT, None) == {"posted": 1}
    assert tick(EVENT, None) == {"posted": 0}
    scene.stores.close()


def test_a_ledger_that_is_away_does_not_end_the_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene()

    def away(*_: object) -> None:
        raise StoreUnavailable("simulated")

    monkeypatch.setattr(scene.stores.ledger, "open_rows", away)
    assert meter_of(scene).tick() == {"posted": 0}
    assert scene.telemetry.counted == ["MeterFailures"]
    scene.stores.close()


def test_the_loop_ticks_at_once_and_again_until_it_is_stopped() -> None:
    thrice, ticks = threading.Event(), []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 3:
            thrice.set()

    loop = Ticker("meter", 0.001, lambda _: None)
    thread = loop.start(tick)
    assert thrice.wait(10)
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
    assert again.wait(10)
    loop.stop()
    thread.join(10)
    assert {type(error) for error in heard} == {ZeroDivisionError}


def test_the_setting_is_a_number_of_seconds() -> None:
    assert seconds_in({}) == 60
    assert seconds_in({"VECTORGATE_METER_SECONDS": "0.5"}) == 0.5
    for wrong in ("", "0", "-1", "soon", "nan", "inf", "1e30"):
        with pytest.raises(ValueError, match="VECTORGATE_METER_SECONDS"):
            seconds_in({"VECTORGATE_METER_SECONDS": wrong})

"""The threads of local mode survive what they did not expect, and say so."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from local.telemetry import REPEAT_SECONDS, LineTelemetry
from local.workers import SettleLoop, Ticker
from tests.fakes.telemetry import RecordingTelemetry
from tests.helpers.waiting import within
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from vectorgate.ledger.settlement import SettlementService


@dataclass
class FailingSettlement:
    """Raises these errors, one after the other, before it settles one row."""

    errors: list[Exception]
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    settled: threading.Event = field(default_factory=threading.Event)

    def settle_waiting(self, at_once: int) -> int:
        """As the service does."""
        assert at_once > 0
        if self.errors:
            raise self.errors.pop(0)
        self.settled.set()
        return 0


@pytest.mark.parametrize(
    "error", [KeyError("state"), ValueError("an integer"), MemoryError(), StoreUnavailable("full")]
)
def test_the_settle_loop_goes_on_after_any_exception(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("local.workers.IDLE_SECONDS", 0.01)
    settlement, loop = FailingSettlement([error]), SettleLoop()
    thread = loop.start(cast("SettlementService", settlement))
    assert settlement.settled.wait(30)
    loop.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert settlement.telemetry.errors == [error]


def test_a_ticker_goes_on_after_any_exception() -> None:
    seen: list[BaseException] = []
    ticks: list[int] = []

    def tick() -> None:
        ticks.append(len(ticks))
        raise KeyError(ticks[-1])

    ticker = Ticker("t", 0.01, seen.append)
    thread = ticker.start(tick)
    within(30, lambda: len(ticks) > 2)
    ticker.stop()
    thread.join(10)
    assert len(seen) == len(ticks)


def test_what_fails_again_and_again_is_a_line_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    telemetry = LineTelemetry(lambda: now[0])
    with caplog.at_level(logging.ERROR):
        for _ in range(100):
            telemetry.settlement_failed(StoreUnavailable("full"))
        telemetry.uningested(StoreUnavailable("full"))
        now[0] = REPEAT_SECONDS
        telemetry.settlement_failed(StoreUnavailable("full"))
    assert caplog.messages == [
        "unsettled: StoreUnavailable",
        "ingestion: StoreUnavailable",
        "unsettled: StoreUnavailable",
    ]

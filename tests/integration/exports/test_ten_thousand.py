"""10,000 records settle in local mode while a webhook's server and an OTLP receiver are killed and started again.

`python -m pytest -m exhaustive -s tests/integration/exports/test_ten_thousand.py` prints the figures.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import pytest

from local.app import LocalMode
from local.exports import Exports
from local.options import Options
from local.provider_settings import openai_secret
from tests.factories.ledger import answered, begun
from tests.fakes.receiver import kept_in
from tests.harnesses.exports import SIGNING_KEY, STORES, assert_in_order, verified
from tests.harnesses.local_process import ROOT, free_port
from tests.helpers.waiting import within
from tests.integration.exports.test_otlp import attributes, spans
from vectorgate.ids import ObjectId
from vectorgate.persistence.sqlite import SqliteLedger

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vectorgate.ledger.entry import LedgerEntry

pytestmark = [pytest.mark.exhaustive, pytest.mark.timeout(900)]

ROWS: Final = 10_000
BEFORE: Final = 2_000  # rows that settle without exports, for comparison
A_SECOND: Final = 200  # rows that are answered
LIVES: Final = 3.0  # seconds for which a receiver lives
DEAD: Final = 1.0


class ReceiverProcess:
    """A receiver in a process of its own, which is killed and started again on its port."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.port = free_port()
        self.kills = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it."""
        command = [sys.executable, "-m", "tests.fakes.receiver", str(self.port), str(self.file)]
        path = f"{ROOT / 'layers/core/python'}:{ROOT}"
        self._process = subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": path})  # noqa: S603 - ours

    def kill(self) -> None:
        """Kill it, whatever it is doing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None
            self.kills += 1


@dataclass
class SettlementTimes:
    """When each row was settled."""

    settled: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)

    def watch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Note the time of each settlement."""
        settle = SqliteLedger.settle

        def noted(ledger: SqliteLedger, rows: Sequence[LedgerEntry], rollups: Any) -> None:
            settle(ledger, rows, rollups)
            self.settled |= dict.fromkeys((row.id for row in rows), time.monotonic())

        monkeypatch.setattr(SqliteLedger, "settle", noted)

    def delays(self) -> list[float]:
        """The seconds between answer and settlement of each row, ascending."""
        return sorted(self.settled[id_] - at for id_, at in self.answered.items())


def answer(
    local: LocalMode, number: int, times: SettlementTimes, receivers: Sequence[ReceiverProcess] = ()
) -> list[str]:
    """So many calls are answered at a steady rate, while the receivers are killed; the rows in order."""
    ids: list[str] = []
    began = time.monotonic()
    for at in range(number):
        time.sleep(max(0.0, began + at / A_SECOND - time.monotonic()))
        now = int(time.time() * 1_000)
        row = answered(begun(at, started_ms=now), vector_store_id=ObjectId(f"vs_{at % STORES}"), ended_ms=now)
        times.answered[row.id] = time.monotonic()
        local._stores.ledger.begin(row)
        ids.append(row.id)
        for receiver in receivers:
            alive = (time.monotonic() - began) % (LIVES + DEAD) < LIVES
            if alive and receiver._process is None:
                receiver.start()
            elif not alive:
                receiver.kill()
    return ids


def local_mode(home: Path, exports: Exports) -> LocalMode:
    """Local mode whose provider cannot be reached, and is not asked."""
    secret = openai_secret("http://127.0.0.1:9/v1", "-")
    database = home / "ledger.db"
    return LocalMode(
        Options(database=database, secret=secret, master_key="sk-1234", meter_seconds=3_600, exports=exports)
    )


def settled_without_exports(home: Path, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The delays of settlement where nothing is exported."""
    home.mkdir()
    times, local = SettlementTimes(), local_mode(home, Exports())
    with monkeypatch.context() as patched:
        times.watch(patched)
        answer(local, BEFORE, times)
        within(60, lambda: times.answered.keys() <= times.settled.keys())
        local.close()
    return times.delays()


def test_ten_thousand_records_arrive_and_no_booking_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = settled_without_exports(tmp_path / "before", monkeypatch)
    times = SettlementTimes()
    times.watch(monkeypatch)
    with ExitStack() as running:
        webhook, otlp = (running.enter_context(ReceiverProcess(tmp_path / name)) for name in ("webhook", "otlp"))
        environment = {
            "VECTORGATE_EXPORT_WEBHOOK": f"http://127.0.0.1:{webhook.port}/",
            "VECTORGATE_EXPORT_WEBHOOK_KEY": SIGNING_KEY,
            "VECTORGATE_EXPORT_OTLP": f"http://127.0.0.1:{otlp.port}/",
        }
        local = local_mode(tmp_path, Exports.read(environment))
        running.callback(local.close)
        ids = answer(local, ROWS, times, [webhook, otlp])
        for receiver in (webhook, otlp):
            receiver.kill()
            receiver.start()
        ended = time.monotonic()
        within(600, lambda: local._stores.ledger.answered(1) == [] and left(local) == 0)
        caught_up = time.monotonic() - ended
    settled = list(times.settled)  # calls of one millisecond settle in the order of their ids
    assert sorted(settled) == sorted(ids)
    posts, requests = list(kept_in(webhook.file)), list(kept_in(otlp.file))
    records, found = list(map(verified, posts)), [attributes(span) for span in spans(requests)]
    assert_in_order(records, settled)
    assert_in_order(
        [{"id": each["vectorgate.id"], "vector_store_id": each["gen_ai.data_source.id"]} for each in found], settled
    )
    delays = times.delays()
    assert delays[-1] < before[-1] + 1.0
    for name, of in (("without exports", before), ("with exports", delays)):
        sys.stdout.write(f"\nbooked after (s), {name}: median {of[len(of) // 2]:.2f}, longest {of[-1]:.2f}")
    for name, count, receiver in (("webhook", len(records), webhook), ("otlp", len(found), otlp)):
        sys.stdout.write(f"\n{name}: {count} arrived of {ROWS}, killed {receiver.kills} times")
    sys.stdout.write(f"\ncaught up {caught_up:.1f} s after the last call\n")


def left(local: LocalMode) -> int:
    """The rows that a destination does not have yet."""
    ledger = local._stores.ledger
    assert isinstance(ledger, SqliteLedger)
    ((count,),) = ledger._database.rows("SELECT count(*) FROM export_log", ())
    return int(count)

"""Settlement and the exporters of local mode around one database, without threads."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from local.exports import Exporters, Exports
from tests.factories.ledger import OPENAI, answered, begun
from tests.fakes.clock import FakeClock
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.bootstrap import price_book, system_random
from vectorgate.ids import ObjectId
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.sqlite import Database, SqliteOutbox, stores_on
from vectorgate.persistence.stores import Deps
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.fakes.receiver import Delivery
    from vectorgate.ledger.entry import LedgerEntry

SIGNING_KEY: Final = "whsec_" + base64.b64encode(b"k" * 32).decode()
STORES: Final = 7


class NoSecrets:
    """SecretSource: of no provider."""

    def read(self, name: str) -> str:
        raise KeyError(name)


@dataclass
class Settling:
    """Rows that settle, and what exports them."""

    environment: Mapping[str, str]
    database: Database
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    begun: int = 0

    def __post_init__(self) -> None:
        clock = self.clock.clock()
        self.outbox = SqliteOutbox(self.database, clock.unix_ms)
        self.stores = stores_on(self.database, in_settlement=self.outbox.settled)
        self.settlement = SettlementService(self.stores.ledger, price_book(), self.telemetry)
        self.transport = PooledTransport(clock)
        self.exporters = self._exporters()

    def _exporters(self) -> Exporters:
        clock = self.clock.clock()
        deps = Deps(
            stores=self.stores,
            credentials=Credentials(NoSecrets(), {}, clock),
            transport=self.transport,
            telemetry=self.telemetry,
            clock=clock,
            randomness=system_random(),
        )
        return Exporters(Exports.read(self.environment), self.outbox, deps)

    def restart(self) -> None:
        """Go on as a new process does."""
        self.exporters = self._exporters()

    def answer(self, number: int, **fields: Any) -> list[LedgerEntry]:
        """So many calls of a few stores were answered."""
        numbers = range(self.begun, self.begun + number)
        self.begun += number
        rows = [
            answered(begun(at, team_id="red"), vector_store_id=ObjectId(f"vs_{at % STORES}"), **fields)
            for at in numbers
        ]
        for row in rows:
            self.stores.ledger.begin(row)
        return rows

    def settle(self, number: int, **fields: Any) -> list[str]:
        """So many calls were answered, and settle; the ids of their rows."""
        rows = self.answer(number, **fields)
        while self.settlement.settle_waiting(20):
            pass
        return [row.id for row in rows]

    def tick(self, *, times: int = 1) -> None:
        """Each exporter looks at the outbox, so many times, with a quarter of an hour between."""
        for _ in range(times):
            self.exporters.start(lambda _name, _seconds, tick: tick())
            self.clock.skip(1_000)

    def dead_letters(self) -> list[tuple[Any, ...]]:
        """Destination, row and reason."""
        return self.database.rows("SELECT destination, id, reason FROM export_dead_letters ORDER BY place", ())


@contextlib.contextmanager
def settling(environment: Mapping[str, str], home: Path | None = None) -> Iterator[Settling]:
    """Rows that settle in memory, or in a folder."""
    database = Database(str(home / "ledger.db") if home is not None else ":memory:")
    made = Settling(environment, database)
    try:
        yield made
    finally:
        made.transport.close()
        database.close()


def verified(got: Delivery, key: str = SIGNING_KEY) -> dict[str, Any]:
    """The record in a webhook's request, whose signature is checked as standardwebhooks does."""
    identifier, moment = got.headers["webhook-id"], got.headers["webhook-timestamp"]
    secret = base64.b64decode(key.removeprefix("whsec_"))
    signed = f"{identifier}.{moment}.".encode() + got.body
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    assert f"v1,{expected}" in got.headers["webhook-signature"].split(" ")
    document = json.loads(got.body)
    assert document["type"] == "usage.record"
    record: dict[str, Any] = document["data"]
    assert record["id"] == identifier
    return record


def assert_in_order(records: Iterable[Mapping[str, Any]], settled: Sequence[str]) -> None:
    """Each row came at least once, and for the first time in the order of settlement, store by store."""
    first: dict[str, list[str]] = {}
    for record in records:
        of_store = first.setdefault(record["vector_store_id"], [])
        if record["id"] not in of_store:
            of_store.append(record["id"])
    assert sorted(id_ for ids in first.values() for id_ in ids) == sorted(settled)
    places = {id_: place for place, id_ in enumerate(settled)}
    for ids in first.values():
        assert [places[id_] for id_ in ids] == sorted(places[id_] for id_ in ids)


__all__ = ["OPENAI", "SIGNING_KEY", "Settling", "assert_in_order", "settling", "verified"]

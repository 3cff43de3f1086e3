"""The meter over a provider and a ledger in memory, at a time that a test sets."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from tests.factories.ledger import answered_row
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import CrashTelemetry
from tests.simulation.environment import NO_FAULTS, SimulatedEnvironment
from tests.simulation.provider import BASE_URL, SimulatedProvider
from vectorgate.bootstrap import build_meter, price_book
from vectorgate.clock import Clock
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.ledger.entry import uuid7
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.sqlite import open_stores
from vectorgate.persistence.stores import Deps
from vectorgate.providers.credentials import Credentials
from vectorgate.settings import Settings
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.sqlite import SqliteLedger
    from vectorgate.persistence.stores import Stores

OPENAI = ProviderName("openai")
MIDNIGHT = 20_516 * DAY_S
SECRET = json.dumps({"base_url": BASE_URL, "api_key": "sk-proj-secret-0123456789"})


class CountingTelemetry(CrashTelemetry):
    """Telemetry that remembers what was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[str] = []

    def count(self, name: str, value: int = 1) -> None:
        del value
        self.counted.append(name)

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        del error, entry
        self.counted.append(metric)


@dataclass
class MeterHarness:
    """A provider, a meter, and a ledger."""

    stores: Stores = field(default_factory=open_stores)
    environment: SimulatedEnvironment = field(
        default_factory=lambda: SimulatedEnvironment(1, rates=NO_FAULTS, now=float(MIDNIGHT), faultless=True)
    )
    telemetry: CountingTelemetry = field(default_factory=CountingTelemetry)

    def __post_init__(self) -> None:
        self.provider = SimulatedProvider(self.environment)
        settings = Settings(table="-", secrets={OPENAI: "secret"})
        clock = Clock(wall=lambda: self.environment.now, monotonic=lambda: self.environment.now, sleep=lambda _: None)
        self.meter = build_meter(
            settings,
            Deps(
                stores=self.stores,
                credentials=Credentials(FakeSecretSource(SECRET), settings.secrets, clock),
                transport=self.provider,
                telemetry=self.telemetry,
                clock=clock,
                randomness=self.environment.randomness(),
            ),
        )
        self.sampler = self.meter.sampler

    def store(self, name: str, size: int, *, tenant: str | None = "team:red") -> str:
        made = self.provider.make_store({"name": name})
        made.size = size
        if tenant is not None:
            row = Ownership(
                ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(made.id)),
                tenant=TenantId(tenant),
                key_id=KeyId("k"),
                created_at=made.created_at,
                end_user="u",
            )
            cast("SqliteLedger", self.stores.ledger).insert_ownership([row])
        return made.id

    def retire(self, seconds: int) -> None:
        """Whatever is owned was deleted through the gateway, so long after the first midnight."""
        database = cast("SqliteLedger", self.stores.ledger)._database
        database.change("UPDATE ownership SET retired_at = ?", (MIDNIGHT + seconds,))

    def at(self, seconds: float) -> int:
        """Let it be so long after the first midnight, and tick."""
        self.environment.now = MIDNIGHT + seconds
        return self.sampler.tick()

    def records(self) -> list[LedgerEntry]:
        SettlementService(self.stores.ledger, price_book(), self.telemetry).settle_waiting(1_000)
        query = RecordQuery(start_ms=(MIDNIGHT - 30 * DAY_S) * 1000, end_ms=(MIDNIGHT + 30 * DAY_S) * 1000, limit=1_000)
        rows = self.stores.ledger.search(query)
        return sorted(rows, key=lambda row: (row.started_ms, row.vector_store_id or ""))

    def change(self, operation: str, seconds: int) -> None:
        """Such a request passed through the gateway, so long after the first midnight."""
        started_ms = (MIDNIGHT + seconds) * 1000
        row = answered_row(seconds, operation=operation)
        self.stores.ledger.begin(row.changed(id=uuid7(started_ms, seconds), started_ms=started_ms))

    def waiting(self, seconds: int) -> OperationId:
        """A row that was answered so long ago, and is not settled."""
        began_ms = int(self.environment.now - seconds) * 1000
        row = answered_row(seconds).changed(id=uuid7(began_ms, seconds), started_ms=began_ms)
        self.stores.ledger.begin(row)
        return row.id

    def sizes(self) -> list[int]:
        """What the last look saw."""
        return [meter.size for meter in self.stores.meters.meters(OPENAI)]

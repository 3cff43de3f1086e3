"""What a simulated deployment consists of: its keys, limits and files, its stores, and the processes around them."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, cast

from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import CrashTelemetry
from tests.helpers.memory_stores import copied_stores
from tests.simulation.dynamodb import SimulatedDynamo
from tests.simulation.environment import ChangeStream, CrashingConnection, FaultyStore
from tests.simulation.indexes import LATE_INDEX_S, IndexedLedger
from tests.simulation.prices import BOOK
from tests.simulation.provider import BASE_URL
from tests.simulation.responses import MODEL
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import build_gateway, build_meter
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.sqlite import open_stores
from vectorgate.persistence.stores import Deps, Stores
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.credentials import Credentials
from vectorgate.settings import Settings
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.simulation.environment import SimulatedEnvironment
    from tests.simulation.provider import SimulatedProvider
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ledger.reconciliation import Reconciler
    from vectorgate.metering.sampler import Sampler
    from vectorgate.metering.worker import MeterWorker
    from vectorgate.persistence.sqlite import Database, SqliteLedger

PROVIDER: Final = ProviderName("openai")
SECRET: Final = json.dumps({"base_url": BASE_URL, "api_key": "sk-proj-secret-0123456789"})
SETTINGS: Final = Settings(table="-", secrets={PROVIDER: "secret"})
# Two keys of one team, and one that is a tenant of its own.
KEYS: Final[Mapping[str, str | None]] = {"sk-simulated-a": "red", "sk-simulated-b": "red", "sk-simulated-c": None}
FILES: Final = 3  # files that each tenant owns from the start
# Of keys for a day, of a team for a month, of end users without a period. One of each is reached before a seed of 2,000
# ends, by calls whose other accounts have room left. One end user has a soft limit only, and still an account.
KEY_LIMITS: Final = {"sk-simulated-b": NanoUSD(10**9), "sk-simulated-c": NanoUSD(7_200)}
OTHER_LIMITS: Final = {
    Subject(BudgetScope.TEAM, "red"): Limit(since=0, max_budget=NanoUSD(11_500), duration="1mo"),
    Subject(BudgetScope.END_USER, "émile"): Limit(since=0, max_budget=NanoUSD(3_000)),
    Subject(BudgetScope.END_USER, "東京"): Limit(since=0, max_budget=NanoUSD(10**9)),
    Subject(BudgetScope.END_USER, "u3"): Limit(since=0, soft_budget=NanoUSD(1_000)),
}
MAX_OUTPUT: Final = 128  # tokens of a response of each key
NO_LIMIT: Final = 10**30  # nano-dollars


@cache
def _template() -> Database:
    """Return a database with the keys, limits and files that exist from the start."""
    stores = open_stores()
    ledger = cast("SqliteLedger", stores.ledger)
    ledger.insert_ownership(files())
    add_callers(stores)
    return ledger._database


def add_callers(stores: Stores) -> None:
    """Add the keys, and the limits of others."""
    for secret in KEYS:
        stores.keys.add_key(_key(secret))
    for subject, limit in OTHER_LIMITS.items():
        stores.budgets.add_limit(subject, limit)


def files() -> list[Ownership]:
    """Return what is owned from the start."""
    return [row for team in sorted(set(KEYS.values()), key=str) for row in _files(team)]


class Deployment:
    """One database behind faulty ports, and processes of it. `streamed`: its ledger's changes are in a stream.

    `on_dynamodb`: the ports are sound, and each request of theirs to DynamoDB is faulty.

    Each process has a clock of its own, so that making one draws from the seed. A streamed one finds open rows as the
    table does, by indexes that lag; the longest lag is `longest_lag` seconds.
    """

    def __init__(
        self,
        environment: SimulatedEnvironment,
        provider: SimulatedProvider,
        *,
        streamed: bool,
        longest_lag: float = LATE_INDEX_S,
        on_dynamodb: bool = False,
    ) -> None:
        self._environment, self._provider = environment, provider
        self.stream, self.telemetry = ChangeStream(), CrashTelemetry()
        self._dynamo = SimulatedDynamo(environment, self.stream) if on_dynamodb else None
        if self._dynamo is not None:
            self.stores = self._dynamo.stores
            self._dynamo.start(files())
            add_callers(self.stores)
            self._dynamo.begin_faults()
            return
        self._open_sqlite(longest_lag if streamed else None)

    @property
    def database(self) -> Database:
        """The rows. Of a deployment on DynamoDB a copy of them."""
        return self._database if self._dynamo is None else self._dynamo.copied()

    def answered(self, ids: Iterable[str]) -> list[str]:
        """Which of these rows are not settled."""
        if self._dynamo is not None:
            return self._dynamo.answered(ids)
        wanted = sorted(ids)
        marks = ",".join("?" * len(wanted))
        # The question marks are our own.
        statement = f"SELECT id FROM operations WHERE state = 'answered' AND id IN ({marks})"  # noqa: S608
        return [id_ for (id_,) in self._database.rows(statement, wanted)]

    def held(self) -> list[str]:
        """The accounts on DynamoDB that still hold something of an operation."""
        return [] if self._dynamo is None else self._dynamo.held()

    def close(self) -> None:
        """Close the database."""
        if self._dynamo is None:
            self._database.close()

    def _open_sqlite(self, longest_lag: float | None) -> None:
        environment, streamed = self._environment, longest_lag is not None
        sound = copied_stores(_template())
        self._database = cast("SqliteLedger", sound.ledger)._database
        self._database._connection = CrashingConnection(self._database._connection, environment)  # type: ignore[assignment]
        ports = {each.name: getattr(sound, each.name) for each in fields(sound) if each.name != "close"}
        if longest_lag is not None:
            ports["ledger"] = IndexedLedger(sound.ledger, environment, longest_lag)
        wrapped: dict[str, Any] = {
            name: FaultyStore(port, environment, self.stream.record if name == "ledger" and streamed else None)
            for name, port in ports.items()
        }
        self.stores = replace(sound, **wrapped)

    def new_settlement(self) -> SettlementService:
        """Start a process that settles."""
        return SettlementService(self.stores.ledger, BOOK, self.telemetry)

    def new_sampler(self) -> Sampler:
        """Start a process that samples what is stored."""
        return replace(self.new_meter().sampler, book=BOOK)

    def new_reconciler(self) -> Reconciler:
        """Start a process that reconciles."""
        return self.new_meter().reconciler

    def new_meter(self) -> MeterWorker:
        """Start a process of the meter, with the shipped prices."""
        return build_meter(SETTINGS, self._deps())

    def new_gateway(self) -> Gateway:
        """Start a process of the gateway."""
        return build_gateway(SETTINGS, self._deps(), book=BOOK)

    def _deps(self) -> Deps:
        clock = self._environment.clock()
        return Deps(
            stores=self.stores,
            credentials=Credentials(FakeSecretSource(SECRET), SETTINGS.secrets, clock),
            transport=self._provider,
            telemetry=self.telemetry,
            clock=clock,
            randomness=self._environment.randomness(),
        )


def tenant_of(secret: str) -> TenantId:
    """Return the tenant that owns what a key creates."""
    return _key(secret).tenant


def limits() -> dict[tuple[str, str], int]:
    """Return the limit of each account, in nano-dollars, by scope and id."""
    keys = {("key", str(key_id_of(secret))): int(limit) for secret, limit in KEY_LIMITS.items()}
    others = {
        (str(subject.scope), subject.id): NO_LIMIT if limit.max_budget is None else int(limit.max_budget)
        for subject, limit in OTHER_LIMITS.items()
    }
    return keys | others


def _key(secret: str) -> VirtualKey:
    return VirtualKey(
        id=key_id_of(secret),
        created_at=0,
        alias=secret[-1],
        team_id=KEYS[secret],
        max_budget=KEY_LIMITS.get(secret),
        budget_duration="1d" if secret in KEY_LIMITS else None,
        models=(f"{MODEL}*",),
        max_output_tokens=MAX_OUTPUT,
    )


def _files(team: str | None) -> list[Ownership]:
    secret = next(secret for secret in KEYS if KEYS[secret] == team)
    return [
        Ownership(
            ref=ObjectRef(PROVIDER, ObjectKind.FILE, ObjectId(f"file-{team}-{number}")),
            tenant=tenant_of(secret),
            key_id=KeyId(key_id_of(secret)),
            created_at=0,
            snapshot='{"bytes":1}',  # a day of its storage is reserved, and released: more than any call costs
        )
        for number in range(FILES)
    ]

"""One seed: clients, processes that come and go, a provider that fails, and the reckoning at the end.

::

    clients ──> gateway 0 | gateway 1 ──> Perilous stores (SQLite in memory) and Truth (the provider)
                                               │ notifications: late, twice, never, in any order
    bookkeeper <───────────────────────────────┘   and a sweep now and then

A seed is one of two deployments. On AWS the stream's notifications book, and the meter books, minutes later, what none
of them told of; on one machine there is no stream, and the bookkeeper looks for itself.

Every process dies at random points and is started again with an empty memory and another clock. When all clients are
done, nothing fails any more, the sweeps run, and `checks` compares the books with the truth.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, cast

from tests.simulation.checks import differences, digest
from tests.simulation.clients import FULL_METADATA, Client, Logical
from tests.simulation.prices import BOOK
from tests.simulation.upstream import BASE_URL, LATEST, Truth
from tests.simulation.world import (
    MAX_SKEW,
    T0,
    Odds,
    Perilous,
    PerilousConnection,
    Silent,
    SimulatedCrash,
    Stream,
    World,
)
from vectorgate.api.errors import ApiError
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import Deps, build_gateway, build_meter
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId, key_id_of
from vectorgate.ledger.entry import State
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.persistence.dynamodb.stream import answered_entries
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.credentials import Credentials
from vectorgate.settings import Settings
from vectorgate.store_errors import StoreError
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.simulation.world import Tally
    from vectorgate.api.http import Request, Response
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.reconciliation import Reconciler
    from vectorgate.metering.sampler import Sampler
    from vectorgate.metering.worker import MeterWorker
    from vectorgate.persistence.sqlite import SqliteLedger

PROVIDER: Final = ProviderName("openai")
SETTINGS: Final = Settings(table="-", secrets={PROVIDER: "secret"})
# Two keys of one team, and one that is a tenant of its own.
KEYS: Final[Mapping[str, str | None]] = {"sk-simulated-a": "red", "sk-simulated-b": "red", "sk-simulated-c": None}
FILES: Final = 3  # files that each tenant owns from the start
GATEWAYS: Final = 2
CUT_SECONDS: Final = 30.0  # after which API Gateway and Lambda give a request up
BATCH: Final = 60  # notifications of one delivery, at most
DELIVERY: Final = 1 / 20  # probabilities after each call of a client
METERED: Final = 8  # every eighth seed has a meter: a record for each store doubles the rows
STREAMED: Final = 16  # of so many seeds, the first half are deployed on AWS
TICK: Final = 1 / 100
SWEEP: Final = 1 / 200
SWEEPS: Final = 3  # after which nothing is open: it becomes old enough, is missed once, and is missed again
LOOK: Final = 120.0  # seconds between them
FOREIGN: Final = 1 / 400
# Of keys for a day, of a team for a month, of end users for ever. One of each is met before a seed of 2,000 ends, by
# calls whose other accounts have room left. One end user has none to keep to, and an account all the same.
KEY_LIMITS: Final = {"sk-simulated-b": NanoUSD(10**9), "sk-simulated-c": NanoUSD(6_000)}
OTHER_LIMITS: Final = {
    Subject(BudgetScope.TEAM, "red"): Limit(since=0, max_budget=NanoUSD(9_500), duration="1mo"),
    Subject(BudgetScope.END_USER, "émile"): Limit(since=0, max_budget=NanoUSD(2_500)),
    Subject(BudgetScope.END_USER, "東京"): Limit(since=0, max_budget=NanoUSD(10**9)),
    Subject(BudgetScope.END_USER, "u3"): Limit(since=0, soft_budget=NanoUSD(1_000)),
}
RESTART: Final = 1 / 500
NO_LIMIT: Final = 10**30  # nano-dollars


@dataclass(frozen=True, slots=True)
class Result:
    """What a seed came to."""

    tally: Tally
    differences: list[str]
    digest: str


class FakeSecretSource:
    """The provider's secret."""

    def read(self, name: str) -> str:
        """The same for every name."""
        return json.dumps({"base_url": BASE_URL, "api_key": f"sk-proj-{name}-0123456789"})


class Simulation:
    """A world with everybody in it."""

    def __init__(self, seed: int, *, odds: Odds | None = None, crash_at: frozenset[int] = frozenset()) -> None:
        self.world = World(seed, odds=odds or Odds(), crash_at=crash_at, meanwhile=self._meanwhile)
        self.truth = Truth(self.world)
        self.stream = Stream()
        self.telemetry = Silent()
        self.delivered: set[tuple[str, State]] = set()
        self.logical: list[Logical] = []
        self.limits = _limits()
        self.tenants = {secret: tenant_of(secret) for secret in KEYS}
        self.streamed = seed % STREAMED < STREAMED // 2
        self.metered = seed % METERED == 0
        self._open_stores()
        self.client = Client(self.world, self.truth, self.ask, self.logical)
        self.longest_pause = 0.0
        self._sampled_at: float = self.world.now
        self._books = self._new_settlement()
        self._sampler = self._new_sampler()
        self._reconciler = self._new_reconciler()
        self._gateways = [self._new_gateway() for _ in range(GATEWAYS)]

    def run(self, creates: int, *, hashed: bool = True) -> Result:
        """So many logical creates and what else clients do meanwhile; then the reckoning."""
        self.client.most = creates
        while len(self.logical) < creates:
            self.step()
        return self.reckon(hashed=hashed)

    def step(self) -> None:
        """A client acts, and perhaps somebody else does."""
        world = self.world
        world.now += world.dice.expovariate(0.5)
        self.client.act()
        if world.randomness(DELIVERY):
            self.book()
        if self.metered and world.randomness(TICK):
            self.tick()
        if world.randomness(SWEEP):
            self.find_out()
        if world.randomness(FOREIGN):
            self._make_foreign()
        if world.randomness(RESTART):
            self._gateways[world.dice.randrange(GATEWAYS)] = self._new_gateway()

    def reckon(self, *, hashed: bool = True) -> Result:
        """Everything recovers, and is compared with the truth. `hashed`: by which a replay is recognised."""
        self.recover()
        found = [*self.client.complaints, *differences(self)]
        self.world.tally.operations = len(self.logical)
        self.world.tally.seeds = 1
        self.world.tally.differences = len(found)
        result = Result(self.world.tally, found, digest(self) if hashed else "")
        self.database.close()
        return result

    def recover(self) -> None:
        """Start every process anew, and let the sweeps do what is theirs."""
        self.world.calm, self.world.cut_at = True, float("inf")
        self.truth.catch_up(wait=True)
        self.world.now += LATEST
        self._gateways = [self._new_gateway() for _ in range(GATEWAYS)]
        self._books = self._new_settlement()
        self._reconciler = self._new_reconciler()
        for _ in range(SWEEPS):
            self.world.now += LOOK
            self._reconciler.sweep()
        if self.metered:
            self._end_the_day()
        self._book_all()
        self.world.now += LATE_SECONDS
        if self.streamed:
            self._book_late()

    def ask(self, request: Request) -> Response | None:
        """One of the gateways' answer; None when the connection breaks, because the process does."""
        world, place = self.world, self.world.dice.randrange(GATEWAYS)
        outer, world.cut_at = world.cut_at, world.now + CUT_SECONDS
        try:
            return self._gateways[place].handle(request)
        except SimulatedCrash:
            self._gateways[place] = self._new_gateway()
            return None
        finally:
            world.cut_at = outer

    def book(self) -> None:
        """The bookkeeper gets a batch of the stream, or looks for itself."""
        outer, self.world.cut_at = self.world.cut_at, float("inf")
        try:
            if self.streamed:
                self._deliver()
            else:
                self._books.settle_waiting(self.world.dice.randrange(1, BATCH))
        except StoreError:
            pass
        except SimulatedCrash:
            self._books = self._new_settlement()
        finally:
            self.world.cut_at = outer

    def _book_all(self) -> None:
        """All that the stream tells, or all that waits."""
        while self.stream.rows:
            self._deliver()
        while not self.streamed and self._books.settle_waiting(500):
            pass

    def _book_late(self) -> None:
        """The meter books what began long ago and still waits."""
        replace(self._new_meter(), settlement=self._books).settle_late()

    def sweep(self) -> None:
        """The bookkeeper books all that there is, and begins anew if it died of the first time."""
        for _ in range(2):
            try:
                self._book_all()
            except SimulatedCrash:
                self._books = self._new_settlement()

    def find_out(self) -> None:
        """The reconciler looks at what is open, on AWS after what is late was booked."""
        outer, self.world.cut_at = self.world.cut_at, float("inf")
        try:
            if self.streamed:
                self._book_late()
            self._reconciler.sweep()
        except StoreError:
            pass
        except SimulatedCrash:
            self._books, self._reconciler = self._new_settlement(), self._new_reconciler()
        finally:
            self.world.cut_at = outer

    def tick(self) -> None:
        """The meter samples, as far as it gets."""
        self._sampler = self._sampler if self.world.randomness(0.9) else self._new_sampler()
        try:
            self._sampler.sample(PROVIDER)
        except (StoreError, ApiError):
            pass
        except SimulatedCrash:
            self._sampler = self._new_sampler()
        else:
            self._sampled()

    def _sampled(self) -> None:
        self.longest_pause = max(self.longest_pause, self.world.now - self._sampled_at + 2 * MAX_SKEW + 1)
        self._sampled_at = self.world.now

    def _end_the_day(self) -> None:
        """Midnight passes, the meter looks once more, and once more for nothing."""
        self._sampler = self._new_sampler()
        self._sampler.sample(PROVIDER)
        self._sampled()
        self.world.now = self.midnight + MAX_SKEW + 1
        self._sampler.sample(PROVIDER)
        if self._sampler.sample(PROVIDER) != 0:
            self.client.complaints.append("a day was charged twice")

    @property
    def midnight(self) -> int:
        """The end of the day in which the seed began."""
        return (int(T0) // 86_400 + 1) * 86_400

    def _deliver(self) -> None:
        """A batch as Lambda hands it over: what fails comes again from there on, what is reported done does not."""
        world, waiting = self.world, self.stream.rows
        size = world.dice.randrange(1, BATCH)
        batch, waiting[:] = waiting[:size], waiting[size:]
        kept = [entry for entry in batch if not world.randomness(world.odds.stream_lost)]
        world.tally.lost += len(batch) - len(kept)
        if not world.calm:
            waiting += [entry for entry in kept if world.randomness(world.odds.stream_again)]
        if world.randomness(0.2):
            world.dice.shuffle(kept)
        news = {(entry.id, entry.state) for entry in kept}
        world.tally.duplicates += len(kept) - len(news - self.delivered)
        self.delivered |= news
        try:
            failed = self._books.settle_batch(answered_entries(_event(kept)))
        except SimulatedCrash:
            waiting[:0] = kept
            raise
        done = int(failed[0]) if failed else len(kept)
        waiting[:0] = kept[done:]
        self._check_booked(kept[:done])

    def _check_booked(self, entries: list[LedgerEntry]) -> None:
        """What the bookkeeper does not hand back is booked."""
        ids = {entry.id for entry in entries if entry.state is State.ANSWERED}
        marks = ",".join("?" * len(ids))
        # The question marks are our own.
        statement = f"SELECT id FROM operations WHERE state = 'answered' AND id IN ({marks})"  # noqa: S608
        for (left,) in self.database.rows(statement, sorted(ids)):
            self.client.complaints.append(f"{left} was reported as booked")

    def _make_foreign(self) -> None:
        """Made past the gateway: unlike ours, or of the last create's name, but with metadata that none of ours has."""
        alike = bool(self.logical) and self.world.randomness(0.5)
        metadata = {**FULL_METADATA, "k15": "w"} if alike else {"c": "d"}
        self.truth.make_foreign(self.logical[-1].name if alike else "not made here", metadata)

    def _meanwhile(self) -> None:
        """What overlaps with an effect of a process: the bookkeeper, the reconciler, another client."""
        kind = self.world.dice.random()
        if kind < 0.5:
            self.book()
        elif kind < 0.55:
            self.find_out()
        else:
            self.client.act()

    def _open_stores(self) -> None:
        """Every port behind its perils. What stands in the rows at the start was written in peace."""
        sound = open_stores()
        ledger = cast("SqliteLedger", sound.ledger)
        ledger.insert_ownership([row for team in set(KEYS.values()) for row in _files(team)])
        for secret in KEYS:
            sound.keys.add_key(_key(secret))
        for subject, limit in OTHER_LIMITS.items():
            sound.budgets.add_limit(subject, limit)
        self.database = ledger._database
        self.database._connection = PerilousConnection(self.database._connection, self.world)  # type: ignore[assignment]
        ports = {each.name: getattr(sound, each.name) for each in fields(sound) if each.name != "close"}
        wrapped: dict[str, Any] = {
            name: Perilous(port, self.world, self.stream.note if name == "ledger" and self.streamed else None)
            for name, port in ports.items()
        }
        self.stores = replace(sound, **wrapped)

    def _new_settlement(self) -> SettlementService:
        return SettlementService(self.stores.ledger, BOOK, self.telemetry)

    def _new_sampler(self) -> Sampler:
        return replace(self._new_meter().sampler, book=BOOK)

    def _new_reconciler(self) -> Reconciler:
        return self._new_meter().reconciler

    def _new_meter(self) -> MeterWorker:
        return build_meter(SETTINGS, self._new_deps())

    def _new_gateway(self) -> Gateway:
        return build_gateway(SETTINGS, self._new_deps(), book=BOOK)

    def _new_deps(self) -> Deps:
        """A process' own clock, around what all of them share."""
        clock = self.world.clock()
        return Deps(
            stores=self.stores,
            credentials=Credentials(FakeSecretSource(), SETTINGS.secrets, clock),
            transport=self.truth,
            telemetry=self.telemetry,
            clock=clock,
            randomness=self.world.chances(),
        )


def _event(entries: list[LedgerEntry]) -> dict[str, object]:
    records = [
        {"dynamodb": {"NewImage": operation_item(entry), "SequenceNumber": str(place)}}
        for place, entry in enumerate(entries)
    ]
    return {"Records": records}


def _key(secret: str) -> VirtualKey:
    return VirtualKey(
        id=key_id_of(secret),
        created_at=0,
        alias=secret[-1],
        team_id=KEYS[secret],
        max_budget=KEY_LIMITS.get(secret),
        budget_duration="1d" if secret in KEY_LIMITS else None,
    )


def _limits() -> dict[tuple[str, str], int]:
    """The most of everybody who has an account, by scope and id."""
    keys = {("key", str(key_id_of(secret))): int(most) for secret, most in KEY_LIMITS.items()}
    others = {(str(who.scope), who.id): limit.max_budget for who, limit in OTHER_LIMITS.items()}
    return keys | {who: NO_LIMIT if most is None else int(most) for who, most in others.items()}


def tenant_of(secret: str) -> TenantId:
    """Who owns what this key makes."""
    return _key(secret).tenant


def _files(team: str | None) -> list[Ownership]:
    secret = next(secret for secret in KEYS if KEYS[secret] == team)
    return [
        Ownership(
            ref=ObjectRef(PROVIDER, ObjectKind.FILE, ObjectId(f"file-{team}-{number}")),
            tenant=tenant_of(secret),
            key_id=KeyId(key_id_of(secret)),
            created_at=0,
            snapshot='{"bytes":1}',  # of which a day is set aside, and given back: more than any call costs
        )
        for number in range(FILES)
    ]

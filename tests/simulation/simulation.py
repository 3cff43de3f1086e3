"""One seed: clients, processes that start and end, a provider that fails, and the comparison at the end.

::

    clients ──> gateway 0 | gateway 1 ──> stores with faults (SQLite in memory), SimulatedProvider
                                               │ notifications: late, twice, never, in any order
    settlement <───────────────────────────────┘   and a sweep now and then

A seed is one of three deployments. On AWS, notifications of the table's stream lead to settlement, and minutes later
the meter settles the rows of which no notification arrived; in every fourth of these seeds the stores are DynamoDB's.
In local mode there is no stream, and settlement polls.

Every process crashes at random points and starts again with empty memory and another clock. When all clients are done,
faults end, the sweeps run, and `checks` compares the ledger with the state of the provider.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tests.fakes.faults import SimulatedCrash
from tests.simulation.checks import differences, digest
from tests.simulation.clients import FULL_METADATA, Clients, LogicalCreate
from tests.simulation.deployment import KEYS, PROVIDER, Deployment, limits, tenant_of
from tests.simulation.environment import MAX_SKEW, T0, FaultRates, SimulatedEnvironment
from tests.simulation.indexes import LATE_INDEX_S, LATEST_INDEX_S
from tests.simulation.provider import LATEST, SimulatedProvider
from vectorgate.api.errors import ApiError
from vectorgate.api.http import EVENT_STREAM, Body, Response
from vectorgate.auth.authenticate import key_id_of
from vectorgate.ledger.entry import State
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.persistence.dynamodb.stream import answered_entries
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from tests.simulation.environment import Tally
    from vectorgate.api.http import ByteStream, Request
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.sqlite import Database

GATEWAYS: Final = 2
PLATFORM_TIMEOUT_S: Final = 30.0  # after which API Gateway and Lambda end a request
BATCH: Final = 60  # notifications of one delivery, at most
METERED: Final = 8  # every eighth seed has a meter: a record for each store doubles the rows
STREAMED: Final = 16  # of so many seeds, the first half are deployed on AWS
ON_DYNAMODB: Final = 4  # and of those in every fourth the database is DynamoDB, as it is on AWS, and not SQLite
SWEEPS: Final = 3  # after which no row is open: it has to become old enough, and to be missed twice
SWEEP_INTERVAL_S: Final = 120.0
# By the longest lag of an index: after so long every row was looked at when the index showed it.
LAST_LOOK_S: Final = {LATE_INDEX_S: 20 * 60.0, LATEST_INDEX_S: 25 * 3_600.0}
# Probabilities after each call of a client.
DELIVERY: Final = 1 / 20
SAMPLE: Final = 1 / 100
RECONCILE: Final = 1 / 200
FOREIGN: Final = 1 / 400
RESTART: Final = 1 / 500


@dataclass(frozen=True, slots=True)
class Result:
    """The result of a seed."""

    tally: Tally
    differences: list[str]
    digest: str


class Simulation:
    """A deployment, its clients and its provider. `delivered`: the notifications that were delivered already."""

    def __init__(self, seed: int, *, rates: FaultRates | None = None, crash_at: frozenset[int] = frozenset()) -> None:
        self.environment = SimulatedEnvironment(
            seed, rates=rates or FaultRates(), crash_at=crash_at, interleaved=self._interleaved
        )
        self.provider = SimulatedProvider(self.environment)
        self.delivered: set[tuple[str, State]] = set()
        self.creates: list[LogicalCreate] = []
        self.limits = limits()
        self.tenants = {secret: tenant_of(secret) for secret in KEYS}
        self.key_ids = {secret: str(key_id_of(secret)) for secret in KEYS}
        self.streamed = seed % STREAMED < STREAMED // 2
        self.on_dynamodb = self.streamed and seed % ON_DYNAMODB == ON_DYNAMODB - 1
        self.metered = seed % METERED == 0
        self.longest_lag = LATE_INDEX_S if self.metered else LATEST_INDEX_S
        self.deployment = Deployment(
            self.environment,
            self.provider,
            streamed=self.streamed,
            longest_lag=self.longest_lag,
            on_dynamodb=self.on_dynamodb,
        )
        self.stream = self.deployment.stream
        self.clients = Clients(self.environment, self.provider, self.handle, self.creates)
        self.longest_pause = 0.0
        self._sampled_at: float = self.environment.now
        self._settlement = self.deployment.new_settlement()
        self._sampler = self.deployment.new_sampler()
        self._reconciler = self.deployment.new_reconciler()
        self._gateways = [self.deployment.new_gateway() for _ in range(GATEWAYS)]
        if self.streamed:
            self.environment.faultless = True
            self._list_open()  # the schedule's first tick
            self.environment.faultless = False

    def run(self, creates: int, *, with_digest: bool = True) -> Result:
        """Run until clients have made so many logical creates, then recover and compare."""
        self.clients.limit = creates
        while len(self.creates) < creates:
            self.step()
        return self.check(with_digest=with_digest)

    def step(self) -> None:
        """Have a client act, and perhaps another process."""
        environment = self.environment
        environment.now += environment.rng.expovariate(0.5)
        self.clients.act()
        if environment.happens(DELIVERY):
            self.settle()
        if self.metered and environment.happens(SAMPLE):
            self.sample()
        if environment.happens(RECONCILE):
            self.reconcile()
        if environment.happens(FOREIGN):
            self._make_foreign()
        if environment.happens(RESTART):
            self._gateways[environment.rng.randrange(GATEWAYS)] = self.deployment.new_gateway()

    def check(self, *, with_digest: bool = True) -> Result:
        """Recover, and compare the ledger with the provider. `with_digest`: so that replays can be compared."""
        self.recover()
        found = [*self.clients.violations, *self.provider.responses.violations, *differences(self)]
        tally = self.environment.tally
        tally.operations = len(self.creates)
        tally.seeds = 1
        tally.differences = len(found)
        result = Result(tally, found, digest(self) if with_digest else "")
        self.deployment.close()
        return result

    @property
    def database(self) -> Database:
        """The rows, to be compared."""
        return self.deployment.database

    def recover(self) -> None:
        """End all faults, restart every process, and sweep until no row is open."""
        self.environment.faultless, self.environment.killed_at = True, float("inf")
        self.provider.execute_late_requests(wait=True)
        self.environment.now += LATEST
        self._gateways = [self.deployment.new_gateway() for _ in range(GATEWAYS)]
        self._settlement = self.deployment.new_settlement()
        self._reconciler = self.deployment.new_reconciler()
        if self.streamed:
            self.environment.now += LAST_LOOK_S[self.longest_lag]
        for _ in range(SWEEPS):
            self.environment.now += SWEEP_INTERVAL_S
            self._list_open()
            self._reconciler.sweep()
        if self.metered:
            self._end_the_day()
        self._drain()
        self.environment.now += LATE_SECONDS
        if self.streamed:
            self._settle_late()

    def handle(self, request: Request, leaves_after: int | None = None) -> Response | None:
        """Return a gateway's answer, or None if its process crashes, which breaks the connection.

        Of a stream, what arrived of it: up to that crash, or to the event after which the client disconnects.
        """
        environment, place = self.environment, self.environment.rng.randrange(GATEWAYS)
        outer, environment.killed_at = environment.killed_at, environment.now + PLATFORM_TIMEOUT_S
        events: list[bytes] = []
        try:
            response = self._gateways[place].handle(request)
            if isinstance(response.body, Body):
                return response
            read(response.body, events, leaves_after)
        except SimulatedCrash:
            environment.crashed = False
            self._gateways[place] = self.deployment.new_gateway()
            if not events:
                return None
        finally:
            environment.killed_at = outer
        return Response(status=200, headers={"content-type": EVENT_STREAM}, body=Body.of(b"".join(events)))

    def settle(self) -> None:
        """Settle a batch of the stream, or of what is waiting."""
        outer, self.environment.killed_at = self.environment.killed_at, float("inf")
        try:
            if self.streamed:
                self._deliver()
            else:
                self._settlement.settle_waiting(self.environment.rng.randrange(1, BATCH))
        except StoreError:
            pass
        except SimulatedCrash:
            self.environment.crashed = False
            self._settlement = self.deployment.new_settlement()
        finally:
            self.environment.killed_at = outer

    def settle_all(self) -> None:
        """Settle until nothing is waiting, and once more in case the first process crashed."""
        for _ in range(2):
            try:
                self._drain()
            except SimulatedCrash:
                self.environment.crashed = False
                self._settlement = self.deployment.new_settlement()

    def _drain(self) -> None:
        while self.stream.rows:
            self._deliver()
        while not self.streamed and self._settlement.settle_waiting(500):
            pass

    def _list_open(self) -> None:
        """Have the meter look at what began since its last tick."""
        self.deployment.new_meter().list_open()

    def _settle_late(self) -> None:
        """Have the meter settle what has been waiting for long."""
        replace(self.deployment.new_meter(), settlement=self._settlement).settle_late()

    def reconcile(self) -> None:
        """Resolve open rows; on AWS the meter first settles what has been waiting for long."""
        outer, self.environment.killed_at = self.environment.killed_at, float("inf")
        try:
            if self.streamed:
                self._list_open()
                self._settle_late()
            self._reconciler.sweep()
        except StoreError:
            pass
        except SimulatedCrash:
            self.environment.crashed = False
            self._settlement = self.deployment.new_settlement()
            self._reconciler = self.deployment.new_reconciler()
        finally:
            self.environment.killed_at = outer

    def sample(self) -> None:
        """Have the meter sample what is stored, until a fault ends it."""
        self._sampler = self._sampler if self.environment.happens(0.9) else self.deployment.new_sampler()
        try:
            self._sampler.sample(PROVIDER)
        except (StoreError, ApiError):
            pass
        except SimulatedCrash:
            self.environment.crashed = False
            self._sampler = self.deployment.new_sampler()
        else:
            self._record_sample()

    def _record_sample(self) -> None:
        skew = 2 * MAX_SKEW + abs(self.environment.ahead)
        self.longest_pause = max(self.longest_pause, self.environment.now - self._sampled_at + skew + 1)
        self._sampled_at = self.environment.now

    def _end_the_day(self) -> None:
        """Sample before midnight, and twice after it: the second time finds nothing to charge."""
        self._sampler = self.deployment.new_sampler()
        self._sampler.sample(PROVIDER)
        self._record_sample()
        self.environment.now = self.midnight - self.environment.ahead + MAX_SKEW + 1
        self._sampler.sample(PROVIDER)
        if self._sampler.sample(PROVIDER) != 0:
            self.clients.violations.append("a day was charged twice")

    @property
    def midnight(self) -> int:
        """The end of the day in which the seed began, in Unix seconds."""
        return (int(T0) // 86_400 + 1) * 86_400

    def _deliver(self) -> None:
        """Deliver a batch as Lambda does: it repeats from the first failure on, and not what was reported as done."""
        environment, waiting = self.environment, self.stream.rows
        size = environment.rng.randrange(1, BATCH)
        batch, waiting[:] = waiting[:size], waiting[size:]
        kept = [entry for entry in batch if not environment.happens(environment.rates.stream_lost)]
        environment.tally.lost += len(batch) - len(kept)
        if not environment.faultless:
            waiting += [entry for entry in kept if environment.happens(environment.rates.stream_again)]
        if environment.happens(0.2):
            environment.rng.shuffle(kept)
        new = {(entry.id, entry.state) for entry in kept}
        environment.tally.duplicates += len(kept) - len(new - self.delivered)
        self.delivered |= new
        try:
            failed = self._settlement.settle_batch(answered_entries(_event(kept)))
        except SimulatedCrash:
            waiting[:0] = kept
            raise
        done = int(failed[0]) if failed else len(kept)
        waiting[:0] = kept[done:]
        self._check_settled(kept[:done])

    def _check_settled(self, entries: list[LedgerEntry]) -> None:
        """Note a violation for each entry that was reported as done and is not settled."""
        ids = {entry.id for entry in entries if entry.state is State.ANSWERED}
        for left in self.deployment.answered(ids):
            self.clients.violations.append(f"{left} was reported as settled")

    def _make_foreign(self) -> None:
        """Create a store without the gateway: of the last create's name with other metadata, or of another name."""
        alike = bool(self.creates) and self.environment.happens(0.5)
        metadata = {**FULL_METADATA, "k15": "w"} if alike else {"c": "d"}
        self.provider.make_foreign(self.creates[-1].name if alike else "not made here", metadata)
        self.provider.responses.make_foreign()

    def _interleaved(self) -> None:
        """Have settlement, the reconciler or another client act during an effect of a process."""
        kind = self.environment.rng.random()
        if kind < 0.5:
            self.settle()
        elif kind < 0.55:
            self.reconcile()
        else:
            self.clients.act()


def read(stream: ByteStream, events: list[bytes], leaves_after: int | None) -> None:
    """Add the events of a stream as they arrive, up to the one after which the client disconnects."""
    for event in stream:
        events.append(event)
        if len(events) == leaves_after:
            stream.close()


def _event(entries: list[LedgerEntry]) -> dict[str, object]:
    """Return the stream's event of these entries."""
    records = [
        {"dynamodb": {"NewImage": operation_item(entry), "SequenceNumber": str(place)}}
        for place, entry in enumerate(entries)
    ]
    return {"Records": records}

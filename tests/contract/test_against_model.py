"""The engines, and the simulation's fake of DynamoDB, compared with a dictionary, for any calls in any order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule
from moto import mock_aws

from tests.factories.ledger import BLUE, KEY, OPENAI, RED, STORE, T0, begun, own, ref
from tests.harnesses.store_backends import Backend, FakeBackend, MotoBackend, SqliteBackend
from vectorgate.ledger.entry import SUCCESSORS, IllegalTransition, LedgerEntry, State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.rollups import MEASURES, Bucket, Rollup, Scope, rollups_of
from vectorgate.persistence.validation import INITIAL_STATES
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.tenancy.ownership import ObjectRef, Ownership

NUMBERS = st.integers(0, 3)
STATES = st.sampled_from(State)
OBJECTS = st.dictionaries(st.sampled_from("abc"), st.sampled_from([RED, BLUE]), max_size=2)
RETIRED = st.sets(st.sampled_from("abc"), max_size=1)
SPENDS = st.integers(0, 2**55)


class Model:
    """The contract on dictionaries."""

    def __init__(self) -> None:
        self.rows: dict[str, LedgerEntry] = {}
        self.owned: dict[ObjectRef, Ownership] = {}
        self.sums: dict[Bucket, Rollup] = {}

    def begin(self, entry: LedgerEntry) -> None:
        if entry.state not in INITIAL_STATES:
            raise IllegalTransition
        if entry.id in self.rows:
            raise AlreadyExists
        self.rows[entry.id] = entry

    def advance(
        self, entry: LedgerEntry, since: State, owned: list[Ownership], *, retired: list[ObjectRef], at: int
    ) -> None:
        if entry.state not in SUCCESSORS[since] or entry.state is State.SETTLED:
            raise IllegalTransition
        foreign = any(self.owned.get(row.ref, row).tenant != row.tenant for row in owned)
        missing = any(gone not in self.owned for gone in retired)
        if entry.id not in self.rows or self.rows[entry.id].state is not since or foreign or missing:
            raise StateConflict
        self.rows[entry.id] = entry
        for row in owned:
            self.owned.setdefault(row.ref, row)
        for gone in retired:
            before = self.owned[gone]
            self.owned[gone] = replace(before, retired_at=before.retired_at or at)

    def settle(self, settled: list[LedgerEntry], rollups: list[Rollup]) -> None:
        if any(entry.id not in self.rows or self.rows[entry.id].state is not State.ANSWERED for entry in settled):
            raise StateConflict
        self.rows |= {entry.id: entry for entry in settled}
        for row in rollups:
            old = self.sums.get(row.bucket, Rollup(row.bucket))
            both = {name: getattr(old, name) + getattr(row, name) for name in MEASURES}
            self.sums[row.bucket] = Rollup(row.bucket, **both)


def outcome(act: Callable[[], None]) -> type[Exception] | None:
    """Return the outcome of a call."""
    try:
        act()
    except (AlreadyExists, StateConflict, IllegalTransition) as error:
        return type(error)
    return None


class Engines(RuleBasedStateMachine):
    """Makes the same calls of all; each has the same outcome, and the rows at the end are the same."""

    def __init__(self) -> None:
        super().__init__()
        self.mock = mock_aws()
        self.mock.start()
        self.sqlite = SqliteBackend(":memory:")
        self.engines: list[Backend] = [self.sqlite, MotoBackend(), FakeBackend()]
        self.model = Model()

    @rule(number=NUMBERS, state=STATES)
    def begin(self, number: int, state: State) -> None:
        entry = begun(number, state=state)
        expected = outcome(lambda: self.model.begin(entry))
        for engine in self.engines:
            assert outcome(lambda engine=engine: engine.ledger.begin(entry)) is expected  # type: ignore[misc]

    @rule(number=NUMBERS, since=STATES, to=STATES, objects=OBJECTS, gone=RETIRED, code=NUMBERS)
    def advance(
        self, *, number: int, since: State, to: State, objects: dict[str, str], gone: set[str], code: int
    ) -> None:
        entry = begun(number, state=to, status_code=code, vector_store_id="vs_1")
        owned = [own(ref(name), tenant, created_at=code) for name, tenant in objects.items()]  # type: ignore[arg-type]
        retired = [ref(name) for name in sorted(gone - set(objects))]
        at = code + 1
        expected = outcome(lambda: self.model.advance(entry, since, owned, retired=retired, at=at))
        for engine in self.engines:
            found = outcome(
                lambda engine=engine: engine.ledger.advance(entry, since=since, owned=owned, retired=retired, at=at)  # type: ignore[misc]
            )
            assert found is expected

    @rule(number=NUMBERS, objects=OBJECTS)
    def live_on(self, number: int, objects: dict[str, str]) -> None:
        self.begin(number, State.STARTED)
        self.advance(number=number, since=State.STARTED, to=State.ANSWERED, objects=objects, gone=set(), code=number)

    @rule(numbers=st.sets(NUMBERS, min_size=1), spend=SPENDS)
    def settle(self, numbers: set[int], spend: int) -> None:
        entries = [begun(number, state=State.SETTLED, spend=spend) for number in sorted(numbers)]
        sums = rollups_of(entries)
        expected = outcome(lambda: self.model.settle(entries, sums))
        for engine in self.engines:
            assert outcome(lambda engine=engine: engine.ledger.settle(entries, sums)) is expected  # type: ignore[misc]

    def teardown(self) -> None:
        try:
            for engine in self.engines:
                self.compare(engine)
        finally:
            self.sqlite.database.close()
            self.mock.stop()

    def compare(self, engine: Backend) -> None:
        """Return all that can be read."""
        by_time = sorted(self.model.rows.values(), key=lambda row: row.started_ms)
        waiting = [row for row in by_time if row.state is State.ANSWERED]
        assert [engine.ledger.entry(row.id) for row in by_time] == by_time
        assert list(engine.ledger.answered(9)) == waiting
        assert engine.ledger.unsettled([row.id for row in by_time]) == {row.id for row in waiting}
        assert list(engine.ledger.search(RecordQuery(start_ms=T0, end_ms=T0 + 9, limit=9))) == by_time[::-1]
        assert engine.ownership.owners([ref(name) for name in "abc"]) == self.model.owned
        for tenant in (RED, BLUE):
            owned = [row for row in self.model.owned.values() if row.accessible_to(tenant)]
            listed = engine.ownership.owned_by(tenant, OPENAI, STORE, start=None, ascending=True, limit=9)
            assert list(listed) == sorted(owned, key=lambda row: (row.created_at, row.ref.id))
        sums = [row for row in self.model.sums.values() if row.bucket.scope is Scope.KEY]
        assert list(engine.reports.rollups(Scope.KEY, KEY, "2026-03")) == sums


TestEngines = Engines.TestCase
TestEngines.settings = settings(
    max_examples=settings().max_examples // 8,  # 2, and 12 of make thorough
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

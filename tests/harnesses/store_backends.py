"""The engines that the contract suite runs on, and ways to make them fail."""

from __future__ import annotations

import sqlite3
import threading
import uuid
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError

from tests.fakes.clock import FakeClock
from tests.fakes.dynamodb import FakeDynamo
from tests.fakes.randomness import never_the_turn
from tests.helpers.quick_moto import quicken
from vectorgate.persistence.dynamodb import TABLE_DEFINITION, DynamoTable, stores_of
from vectorgate.persistence.sqlite import (
    Database,
    SqliteAssignments,
    SqliteAudit,
    SqliteBudgets,
    SqliteIngest,
    SqliteKeys,
    SqliteLedger,
    SqliteMeters,
    SqliteOwnership,
    SqliteRates,
    SqliteReports,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

    from vectorgate.audit.ports import AuditLog
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.ledger.assignments import AssignmentStore
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.ledger.report_ports import ReportStore
    from vectorgate.metering.ports import MeterStore
    from vectorgate.rate_limits.ports import RateStore
    from vectorgate.tenancy.ports import OwnershipStore


class Backend(ABC):
    """One engine behind every port."""

    ledger: LedgerStore
    ownership: OwnershipStore
    assignments: AssignmentStore
    keys: KeyStore
    reports: ReportStore
    budgets: BudgetStore
    meters: MeterStore
    ingest: IngestStore
    audit: AuditLog
    rates: RateStore

    @abstractmethod
    def failing_requests(self, *, written: bool) -> AbstractContextManager[None]:
        """Fail each request in the block: before it is written, or after it, so that the answer alone is lost."""

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        """Make each request in the block atomic, so that threads may run them. Most engines do it themselves."""
        yield


class SqliteBackend(Backend):
    """SQLite, in a file or in memory."""

    def __init__(self, path: str) -> None:
        self.database = Database(path)
        self.ledger = SqliteLedger(self.database)
        self.ownership = SqliteOwnership(self.database)
        self.assignments = SqliteAssignments(self.database)
        self.keys = SqliteKeys(self.database)
        self.reports = SqliteReports(self.database)
        self.budgets = SqliteBudgets(self.database)
        self.meters = SqliteMeters(self.database)
        self.ingest = SqliteIngest(self.database)
        self.audit = SqliteAudit(self.database)
        self.rates = SqliteRates(self.database)

    @contextmanager
    def failing_requests(self, *, written: bool) -> Iterator[None]:
        with self.connected_by(FailingConnection(self.database._connection, -1 if written else 0)):
            yield

    @contextmanager
    def connected_by(self, connection: FailingConnection) -> Iterator[FailingConnection]:
        """Have the database use another connection, until the block ends."""
        sound = self.database._connection
        self.database._connection = connection  # type: ignore[assignment]
        try:
            yield connection
        finally:
            self.database._connection = sound


class FailingConnection:
    """A connection that fails at its `sound`-th statement, or with -1 after the statement that commits."""

    def __init__(self, connection: sqlite3.Connection, sound: int) -> None:
        self._connection = connection
        self._sound = sound
        self.statements = 0

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        return self._run(self._connection.execute, arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        return self._run(self._connection.executemany, arguments)

    def rollback(self) -> None:
        self._connection.rollback()

    def _run(self, run: Callable[..., sqlite3.Cursor], arguments: tuple[Any, ...]) -> sqlite3.Cursor:
        if self.statements == self._sound:
            raise sqlite3.OperationalError("disk I/O error")
        self.statements += 1
        cursor = run(*arguments)
        if self._sound == -1 and not self._connection.in_transaction:
            raise sqlite3.OperationalError("disk I/O error")
        return cursor


class DynamoBackend(Backend):
    """DynamoDB at an endpoint, which runs the requests of several threads at once."""

    def __init__(self, endpoint_url: str | None = None) -> None:
        self.time = FakeClock()
        self.table = DynamoTable(
            f"contract-{uuid.uuid4().hex}",
            clock=self.time.clock(),
            randomness=never_the_turn(),
            region="us-east-1",
            endpoint_url=endpoint_url,
        )
        self.table.client.create_table(TableName=self.table.name, **TABLE_DEFINITION)
        self._open()

    def _open(self) -> None:
        stores = stores_of(self.table)
        self.ledger, self.ownership = stores.ledger, stores.ownership
        self.assignments = stores.assignments
        self.keys, self.reports, self.budgets = stores.keys, stores.reports, stores.budgets
        self.meters, self.ingest, self.audit = stores.meters, stores.ingest, stores.audit
        self.rates = stores.rates

    def item(self, key: dict[str, Any]) -> dict[str, Any]:
        """Return the item of a key."""
        return dict(self.table.client.get_item(TableName=self.table.name, Key=key)["Item"])

    @contextmanager
    def failing_requests(self, *, written: bool) -> Iterator[None]:
        def fail(**_: object) -> None:
            raise BotoCoreError

        with self.hook("after-call.dynamodb" if written else "before-send.dynamodb", fail):
            yield

    @contextmanager
    def hook(self, event: str, handler: Callable[..., Any]) -> Iterator[None]:
        """Call `handler` before all others at a botocore event, until the block ends."""
        events = self.table.client.meta.events
        events.register_first(event, handler)
        try:
            yield
        finally:
            events.unregister(event, handler)


class MotoBackend(DynamoBackend):
    """moto's DynamoDB in this process. It takes no lock around checking a condition and writing."""

    def __init__(self) -> None:
        quicken()
        super().__init__()

    @contextmanager
    def one_at_a_time(self) -> Iterator[None]:
        turn = threading.Lock()

        def enter(**_: object) -> None:
            turn.acquire()

        def leave(**_: object) -> None:
            turn.release()

        with self.hook("before-send.dynamodb", enter), self.hook("response-received.dynamodb", leave):
            yield


class FakeBackend(DynamoBackend):
    """The simulation's fake of a DynamoDB client."""

    def __init__(self) -> None:
        self.time = FakeClock()
        self.table = DynamoTable("fake", clock=self.time.clock(), randomness=never_the_turn())
        self.table.__dict__["client"] = FakeDynamo()
        self._open()


@contextmanager
def dynamo_at(endpoint_url: str, environment: pytest.MonkeyPatch) -> Iterator[DynamoBackend]:
    """Create a table on an emulated DynamoDB, and drop it at the end of the block."""
    environment.setenv("AWS_ACCESS_KEY_ID", "test")
    environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
    backend = DynamoBackend(endpoint_url)
    client = backend.table.client  # a test may replace it
    yield backend
    client.delete_table(TableName=backend.table.name)

"""A deployment's DynamoDB: each request may crash its process, fail, meet another transaction, or lose its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError

from tests.fakes.dynamodb import FakeDynamo, refusal
from tests.helpers.memory_stores import memory_stores
from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb import DynamoTable, stores_of
from vectorgate.persistence.dynamodb.rollups import has_sums, rollup_of_item
from vectorgate.persistence.dynamodb.schema import entry_of_item, ownership_item, ownership_of_item
from vectorgate.persistence.sqlite.rollups import add_rollups

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tests.simulation.environment import ChangeStream, SimulatedEnvironment
    from vectorgate.persistence.sqlite import Database, SqliteLedger
    from vectorgate.tenancy.ownership import Ownership

WRITES: Final = frozenset({"put_item", "update_item", "delete_item", "transact_write_items"})
_ROW: Final = (
    "INSERT INTO operations (id, state, started_ms, key_id, end_user, record) VALUES (:id, :state, :started_ms, "
    ":key_id, :end_user, :record)"
)
_ACCOUNT: Final = "INSERT INTO accounts (scope, id, period, reserved, spent) VALUES (?, ?, ?, ?, ?)"


class SimulatedDynamo:
    """The stores on one table. Its stream has the answered rows as they are written."""

    def __init__(self, environment: SimulatedEnvironment, stream: ChangeStream) -> None:
        self._environment = environment
        self._table = DynamoTable("simulated", clock=environment.clock(), randomness=environment.randomness())
        self._dynamo = StreamedDynamo(stream)
        self._table.__dict__["client"] = self._dynamo
        self.stores = stores_of(self._table, exported_in_order=True)

    def start(self, owned: Iterable[Ownership]) -> None:
        """Add what is owned from the start."""
        for row in owned:
            self._table.put(ownership_item(row))

    def begin_faults(self) -> None:
        """Have the requests fail from now on, until all faults end."""
        self._table.__dict__["client"] = FaultyDynamo(self._dynamo, self._environment)

    def answered(self, ids: Iterable[str]) -> list[str]:
        """Return which of these rows are not settled."""
        rows = (self._dynamo.items.get((f"OP#{id_}", "STATE"), {}) for id_ in sorted(ids))
        return [row["id"]["S"] for row in rows if row.get("state") == {"S": State.ANSWERED}]

    def copied(self) -> Database:
        """Return the rows as a database of SQLite has them. What accounts hold of no operation is left out."""
        stores = memory_stores()
        ledger = cast("SqliteLedger", stores.ledger)
        items = list(self._dynamo.items.values())
        rows = [entry for item in items if (entry := entry_of_item(item)) is not None]
        ledger.insert_ownership([ownership_of_item(each) for each in _of(items, "OWN#") if each["SK"]["S"] == "0"])
        with ledger._database.transaction() as connection:
            connection.executemany(_ROW, [_columns(entry) for entry in rows])
            add_rollups(connection, [rollup_of_item(each) for each in filter(has_sums, _of(items, "USE#"))])
            connection.executemany(_ACCOUNT, [_account(each) for each in _of(items, "BUD#") if "committed" in each])
        return ledger._database

    def held(self) -> list[str]:
        """Return the accounts that hold something of an operation, or whose sum is not that of its parts."""
        found = []
        for item in _of(list(self._dynamo.items.values()), "BUD#"):
            sums = [int(item.get(name, {"N": "0"})["N"]) for name in ("committed", "reserved", "spent")]
            if "holds" in item or sums[0] != sums[1] + sums[2]:
                found.append(f"an account holds what is over: {item}")
        return found


class StreamedDynamo(FakeDynamo):
    """A table whose stream has each row that is answered."""

    def __init__(self, stream: ChangeStream) -> None:
        super().__init__()
        self._stream = stream

    def _replace(self, key: tuple[str, str], old: dict[str, Any], new: dict[str, Any]) -> None:
        super()._replace(key, old, new)
        if key[0].startswith("OP#") and new.get("state") == {"S": State.ANSWERED}:
            entry = entry_of_item(new)
            if entry is not None:
                self._stream.rows.append(entry)


class FaultyDynamo:
    """A client whose requests may crash, fail, conflict, lose their answers, or be interleaved with another process.

    A crash at a read is one before the next write, or after the last.
    """

    def __init__(self, dynamo: FakeDynamo, environment: SimulatedEnvironment) -> None:
        self._dynamo = dynamo
        self._environment = environment

    def __getattr__(self, name: str) -> Any:
        act: Callable[..., Any] = getattr(self._dynamo, name)
        environment = self._environment

        def request(**asked: Any) -> Any:
            if environment.faultless:
                return act(**asked)
            environment.interleave()
            if name in WRITES:
                environment.crash_point()
            if environment.happens(environment.rates.unavailable):
                raise BotoCoreError
            if name in WRITES and environment.happens(environment.rates.conflict):
                environment.tally.conflicts += 1
                raise _conflict(asked.get("TransactItems", ()))
            answer = act(**asked)
            if name in WRITES:
                environment.crash_point()
            environment.interleave()
            if environment.happens(environment.rates.unavailable):
                environment.tally.ambiguous += 1
                raise BotoCoreError
            return answer

        self.__dict__[name] = request
        return request


def _conflict(actions: Sequence[object]) -> Exception:
    if not actions:
        return refusal("TransactionConflictException")
    return refusal(
        "TransactionCanceledException", [{"Code": "TransactionConflict"}, *[{"Code": "None"}] * len(actions)]
    )


def _of(items: list[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    return [item for item in items if item["PK"]["S"].startswith(prefix)]


def _columns(entry: Any) -> dict[str, Any]:
    from vectorgate.persistence.sqlite.ledger import _columns as columns  # noqa: PLC0415 - the adapter's own

    return columns(entry)


def _account(item: dict[str, Any]) -> tuple[str, str, str, int, int]:
    _, scope, id_ = item["PK"]["S"].split("#")
    sums = [int(item.get(name, {"N": "0"})["N"]) for name in ("reserved", "spent")]
    return scope, id_, item["SK"]["S"], sums[0], sums[1]

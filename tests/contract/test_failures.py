"""Lost requests, lost answers, races, and errors of the engines: the rows that they leave, and what callers get."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    NoCredentialsError,
    ParamValidationError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from tests.factories.ledger import KEY, OPENAI, RED, STORE, T0, answered, begun, own, ref, settled
from tests.harnesses.store_backends import DynamoBackend, FailingConnection, SqliteBackend
from tests.helpers.threads import at_once
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import Account, BudgetScope, Limit, Reservation, Subject, account_ref
from vectorgate.idempotency.service import explicit_record
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.rollups import Scope, rollups_of
from vectorgate.persistence.dynamodb.schema import operation_key
from vectorgate.persistence.dynamodb.table import PATIENT_PAUSES_S, PAUSES_S
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists, StateConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.harnesses.store_backends import Backend

THREADS = 8
ROW = begun()
ANSWER = answered(ROW)
FINAL = settled(ANSWER)


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_begin_is_unavailable_and_wrote_all_or_nothing(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.begin(ROW)
    assert stores.ledger.entry(ROW.id) == (ROW if written else None)


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_advance_is_unavailable_and_wrote_all_or_nothing(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    stores.ledger.begin(ROW)
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.advance(ANSWER, since=State.STARTED, owned=[own(ref())])
    assert stores.ledger.entry(ROW.id) == (ANSWER if written else ROW)
    assert bool(stores.ownership.owners([ref()])) is written


@pytest.mark.parametrize("written", [False, True])
def test_a_lost_settlement_is_unavailable_and_wrote_all_or_nothing(stores: Backend, written: bool) -> None:  # noqa: FBT001  # a parameter of the test
    stores.ledger.begin(ANSWER)
    with stores.failing_requests(written=written), pytest.raises(StoreUnavailable):
        stores.ledger.settle([FINAL], rollups_of([FINAL]))
    assert stores.ledger.entry(ROW.id) == (FINAL if written else ANSWER)
    assert bool(stores.reports.rollups(Scope.KEY, KEY, "2026-03")) is written


def test_sqlite_keeps_nothing_of_a_transaction_that_fails_at_any_statement(sqlite: SqliteBackend) -> None:
    sqlite.ledger.begin(ROW)
    for sound in range(5):  # BEGIN, the row, two objects, COMMIT
        with (
            sqlite.connected_by(FailingConnection(sqlite.database._connection, sound)),
            pytest.raises(StoreUnavailable),
        ):
            sqlite.ledger.advance(ANSWER, since=State.STARTED, owned=[own(ref("a")), own(ref("b"))])
        assert sqlite.ledger.entry(ROW.id) == ROW
        assert not sqlite.ownership.owners([ref("a"), ref("b")])
    sqlite.ledger.advance(ANSWER, since=State.STARTED, owned=[own(ref("a")), own(ref("b"))])


def race(stores: Backend, act: Callable[[int], None]) -> Counter[str]:
    """Run a call in several threads at once, and count the outcomes."""

    def run(number: int) -> str:
        try:
            act(number)
        except StoreError as error:
            return type(error).__name__
        return "won"

    with stores.one_at_a_time():
        return Counter(at_once(THREADS, run))


def test_of_several_that_race_to_begin_one_wins(stores: Backend) -> None:
    outcomes = race(stores, lambda number: stores.ledger.begin(begun(key_alias=str(number))))
    assert outcomes == {"won": 1, AlreadyExists.__name__: THREADS - 1}


def test_of_several_that_race_to_advance_one_wins(stores: Backend) -> None:
    stores.ledger.begin(ROW)
    ways = [ANSWER, ROW.transition(State.VOIDED), ROW.transition(State.UNCERTAIN)]
    outcomes = race(stores, lambda number: stores.ledger.advance(ways[number % 3], since=State.STARTED))
    assert outcomes == {"won": 1, StateConflict.__name__: THREADS - 1}


def test_of_several_that_race_with_ownership_one_wins_and_its_objects_alone_exist(stores: Backend) -> None:
    stores.ledger.begin(ROW)
    refs = [ref(f"vs_{number}") for number in range(THREADS)]
    outcomes = race(
        stores, lambda number: stores.ledger.advance(ANSWER, since=State.STARTED, owned=[own(refs[number])])
    )
    assert outcomes == {"won": 1, StateConflict.__name__: THREADS - 1}
    assert len(stores.ownership.owners(refs)) == 1


def test_of_several_that_race_to_settle_one_wins_and_counts_once(stores: Backend) -> None:
    stores.ledger.begin(ANSWER)
    outcomes = race(stores, lambda _: stores.ledger.settle([FINAL], rollups_of([FINAL])))
    assert outcomes == {"won": 1, StateConflict.__name__: THREADS - 1}
    assert [row.calls for row in stores.reports.rollups(Scope.KEY, KEY, "2026-03")] == [1]


ACCOUNT = Account(Subject(BudgetScope.KEY, KEY), "ever")
CLAIM = explicit_record(ROW, "n", "f")
EVERY_CALL: dict[str, Callable[[Any], object]] = {
    "begin": lambda to: to.ledger.begin(ROW),
    "advance": lambda to: to.ledger.advance(ANSWER, since=State.STARTED),
    "advance with ownership": lambda to: to.ledger.advance(ANSWER, since=State.STARTED, owned=[own(ref())]),
    "settle": lambda to: to.ledger.settle([FINAL], []),
    "unsettled": lambda to: to.ledger.unsettled([ROW.id]),
    "entry": lambda to: to.ledger.entry(ROW.id),
    "entries": lambda to: to.ledger.entries([ROW.id]),
    "answered": lambda to: to.ledger.answered(1),
    "search": lambda to: to.ledger.search(RecordQuery(start_ms=T0, end_ms=T0 + 1, limit=1)),
    "owners": lambda to: to.ownership.owners([ref()]),
    "owned_by": lambda to: to.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=1),
    "keep_snapshot": lambda to: to.ownership.keep_snapshot(ref(), RED, "{}"),
    "key": lambda to: to.keys.key(KEY),
    "claims": lambda to: to.ledger.idempotency_records(RED, "n", start="0", limit=1),
    "open_rows": lambda to: to.ledger.open_rows(T0, 1),
    "bind": lambda to: to.ledger.bind(CLAIM),
    "bind by takeover": lambda to: to.ledger.bind(CLAIM, takeover_of=CLAIM),
    "own": lambda to: to.ledger.own(own(ref())),
    "keep_answer": lambda to: to.ledger.keep_answer(CLAIM),
    "limits": lambda to: to.budgets.limits([ACCOUNT.subject]),
    "balances": lambda to: to.budgets.balances([ACCOUNT]),
    "add_limit": lambda to: to.budgets.add_limit(ACCOUNT.subject, Limit(since=0)),
    "replace_limit": lambda to: to.budgets.replace_limit(ACCOUNT.subject, Limit(since=0, version=2)),
    "add_key": lambda to: to.keys.add_key(VirtualKey(id=KEY, created_at=0)),
    "replace_key": lambda to: to.keys.replace_key(VirtualKey(id=KEY, created_at=0, version=2)),
    "delete_key": lambda to: to.keys.delete_key(KEY),
    "rollups": lambda to: to.reports.rollups(Scope.KEY, KEY, "2026-03"),
}


def refusal(code: str, **more: object) -> ClientError:
    """Return an error of DynamoDB's."""
    response: Any = {"Error": {"Code": code, "Message": "no"}, **more}
    return ClientError(response, "Any")


CANCELLED = "TransactionCanceledException"
CONFLICT = refusal(CANCELLED, CancellationReasons=[{"Code": "None"}, {"Code": "TransactionConflict"}])
FOREIGN_ERRORS = [
    BotoCoreError(),
    ConnectTimeoutError(endpoint_url="x"),
    ReadTimeoutError(endpoint_url="x"),
    NoCredentialsError(),
    ParamValidationError(report="x"),
    ResponseParserError("x"),
    CONFLICT,
    refusal(CANCELLED),
    refusal(CANCELLED, CancellationReasons=[{"Code": "ItemCollectionSizeLimitExceeded"}]),
    refusal("ThrottlingException"),
    refusal("ProvisionedThroughputExceededException"),
    refusal("TransactionConflictException"),
    refusal("AccessDeniedException"),
    refusal("ResourceNotFoundException"),
    refusal("ValidationException"),
    refusal("InternalServerError"),
]


class FailingClient:
    """A client that raises an error at the first `times` calls, and then calls the sound client."""

    def __init__(self, error: Exception, sound: Any = None, times: int = 1 << 30) -> None:
        self._error = error
        self._sound = sound
        self._left = times

    def __getattr__(self, name: str) -> Callable[..., object]:
        def call(**arguments: object) -> object:
            self._left -= 1
            if self._left >= 0:
                raise self._error
            return getattr(self._sound, name)(**arguments)

        return call


@pytest.mark.parametrize("error", FOREIGN_ERRORS, ids=repr)
def test_no_error_of_botocore_leaks(dynamo: DynamoBackend, error: Exception) -> None:
    dynamo.table.__dict__["client"], sound = FailingClient(error), dynamo.table.client
    for call in EVERY_CALL.values():
        with pytest.raises(StoreUnavailable):
            call(dynamo)
    dynamo.table.__dict__["client"] = sound


@pytest.mark.parametrize("call", EVERY_CALL)
def test_no_error_of_sqlite_leaks(sqlite: SqliteBackend, call: str) -> None:
    with sqlite.failing_requests(written=False), pytest.raises(StoreUnavailable):
        EVERY_CALL[call](sqlite)


def test_a_contended_transaction_is_tried_again_after_jittered_pauses(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(ANSWER)
    dynamo.table.__dict__["client"] = FailingClient(CONFLICT, dynamo.table.client, times=len(PAUSES_S))
    dynamo.ledger.settle([FINAL], [])
    assert len(dynamo.time.slept) == len(PAUSES_S)
    assert all(0 <= pause_taken < pause for pause_taken, pause in zip(dynamo.time.slept, PAUSES_S, strict=True))
    assert dynamo.ledger.entry(ROW.id) == FINAL


@pytest.mark.parametrize(("error", "tokens"), [(refusal("TransactionInProgressException"), 1), (CONFLICT, 3)])
def test_a_transaction_keeps_its_token_until_it_is_decided(
    dynamo: DynamoBackend, error: ClientError, tokens: int
) -> None:
    sound: Any = dynamo.table.client
    seen: list[str] = []

    class Busy:
        def transact_write_items(self, ClientRequestToken: str, **arguments: object) -> object:  # noqa: N803  # boto3's name
            seen.append(ClientRequestToken)
            if len(seen) < 3:
                raise error
            return sound.transact_write_items(ClientRequestToken=ClientRequestToken, **arguments)

    dynamo.ledger.begin(ANSWER)
    dynamo.table.__dict__["client"] = Busy()
    dynamo.ledger.settle([FINAL], [])
    assert (len(seen), len(set(seen))) == (3, tokens)


def test_a_contended_budget_is_waited_for_longer_than_anything_else(dynamo: DynamoBackend) -> None:
    sound = dynamo.table.client
    contended = FailingClient(refusal("TransactionConflictException"), sound, times=len(PATIENT_PAUSES_S))
    dynamo.table.__dict__["client"] = SimpleNamespace(update_item=contended.update_item, put_item=sound.put_item)
    entry = begun(budgets=(account_ref(ACCOUNT),), reserved=NanoUSD(1))
    dynamo.ledger.begin(entry, reserve=[Reservation(ACCOUNT, NanoUSD(1), NanoUSD(1))])
    assert len(dynamo.time.slept) == len(PATIENT_PAUSES_S) > len(PAUSES_S)


def test_keys_that_a_throttled_table_leaves_unprocessed_are_asked_for_again(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(ROW)
    dynamo.ledger.advance(ANSWER, since=State.STARTED, owned=[own(ref("a")), own(ref("b"))])
    sound: Any = dynamo.table.client

    class Slow:
        def batch_get_item(self, RequestItems: dict[str, Any]) -> object:  # noqa: N803  # boto3's name
            ((name, request),) = RequestItems.items()
            answer: Any = sound.batch_get_item(RequestItems={name: {**request, "Keys": request["Keys"][:1]}})
            rest = request["Keys"][1:]
            return {**answer, "UnprocessedKeys": {name: {**request, "Keys": rest}} if rest else {}}

    dynamo.table.__dict__["client"] = Slow()
    assert len(dynamo.ownership.owners([ref("a"), ref("b"), ref("c")])) == 2
    assert len(dynamo.time.slept) == 2
    with pytest.raises(StoreUnavailable):
        dynamo.ownership.owners([ref(f"vs_{number}") for number in range(len(PAUSES_S) + 2)])


def test_a_put_that_botocore_repeats_knows_its_own_first_attempt(dynamo: DynamoBackend) -> None:
    attempts: list[int] = []

    def repeat_once(attempts_so_far: list[int] = attempts, **_: object) -> float | None:
        attempts_so_far.append(1)
        return 0.0 if len(attempts_so_far) == 1 else None

    with dynamo.hook("needs-retry.dynamodb.PutItem", repeat_once):
        dynamo.ledger.begin(ROW)
        assert len(attempts) == 2
        attempts.clear()
        dynamo.ledger.advance(ANSWER, since=State.STARTED)
        assert len(attempts) == 2
        attempts.clear()
        with pytest.raises(StateConflict):
            dynamo.ledger.advance(ANSWER, since=State.STARTED)
    assert dynamo.ledger.entry(ROW.id) == ANSWER


def test_unknown_attributes_of_a_row_are_left_alone(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(ROW)
    item = dynamo.item(operation_key(ROW.id)) | {"of_the_future": {"SS": ["x"]}}
    dynamo.table.client.put_item(TableName=dynamo.table.name, Item=item)
    assert dynamo.ledger.entry(ROW.id) == ROW


def test_a_sqlite_file_outlives_its_process(tmp_path: Path) -> None:
    path = str(tmp_path / "gate.db")
    first = open_stores(path)
    first.ledger.begin(ROW)
    first.close()
    second = open_stores(path)
    assert second.ledger.entry(ROW.id) == ROW
    second.close()
    with pytest.raises(StoreUnavailable):
        second.ledger.entry(ROW.id)


def test_a_sqlite_file_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    path = str(tmp_path / "gate.db")
    with suppress(StoreError):
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA user_version = 999")
        connection.close()
    with pytest.raises(StoreUnavailable, match="999"):
        open_stores(path)


def test_sqlite_never_turns_a_sum_into_a_float(sqlite: SqliteBackend) -> None:
    _, total, *_ = rollups_of([settled(ANSWER, spend=2**62)])
    sqlite.ledger.settle([], [total])
    with pytest.raises(StoreUnavailable):
        sqlite.ledger.settle([], [total])
    with pytest.raises(ValueError, match="64 bits"):
        sqlite.ledger.settle([], rollups_of([settled(ANSWER, spend=2**63)]))
    assert [row.spend for row in sqlite.reports.rollups(Scope.KEY, KEY, "2026-03")] == [2**62]


def test_sqlite_announces_each_row_that_is_to_be_settled() -> None:
    answered_calls: list[int] = []
    stores = open_stores(on_answered=lambda: answered_calls.append(1))
    stores.ledger.begin(ROW)
    assert answered_calls == []
    stores.ledger.advance(ANSWER, since=State.STARTED)
    stores.ledger.begin(begun(2, state=State.ANSWERED))
    stores.ledger.begin(begun(3, state=State.VOIDED))
    stores.ledger.settle([FINAL], [])
    assert answered_calls == [1, 1]
    stores.close()

"""What each write of the ledger costs on DynamoDB: calls by name, and write units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import BLUE, KEY, answered, begun, operation_id, own, ref, settled
from tests.fakes.openai import store_document
from tests.helpers.call_recorder import KIB, CallRecorder
from vectorgate.budgets.model import Account, BudgetScope, Reservation, Subject, account_ref
from vectorgate.idempotency.service import explicit_record, explicit_record_name, with_answer
from vectorgate.ids import ObjectKind
from vectorgate.ledger.assignments import Assignment
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import rollups_of
from vectorgate.persistence.dynamodb import DynamoLedger
from vectorgate.persistence.dynamodb.budgets import account_key
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.openai import snapshot_of
from vectorgate.tenancy.sharing import Permission, Share, with_share

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.store_backends import DynamoBackend

METADATA = {"project": "rag-system", "environment": "production", "vectorgate_operation": "0" * 36}
FULL = begun(
    key_alias="a key's alias of some length",
    team_id="red",
    user_id="somebody@example.com",
    fingerprint="f" * 64,
    upstream_request_id="req_" + "0" * 32,
)


def cost(dynamo: DynamoBackend, act: Callable[[], object]) -> tuple[dict[str, int], int]:
    """Check the calls and the write units, and that no item exceeds the KiB that the units assume."""
    with CallRecorder().watching(dynamo.table.client) as recorder:
        act()
    assert recorder.largest_item <= KIB
    return dict(recorder.calls), recorder.write_units


def test_begin_is_one_put_of_two_units(dynamo: DynamoBackend) -> None:
    assert cost(dynamo, lambda: dynamo.ledger.begin(FULL)) == ({"PutItem": 1}, 2)


def test_beginning_a_voided_row_is_one_put_of_two_units(dynamo: DynamoBackend) -> None:
    assert cost(dynamo, lambda: dynamo.ledger.begin(begun(state=State.VOIDED))) == ({"PutItem": 1}, 2)


def test_advance_is_one_put_of_one_unit(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(FULL)
    assert cost(dynamo, lambda: dynamo.ledger.advance(answered(FULL), since=State.STARTED)) == ({"PutItem": 1}, 1)


def test_voiding_is_one_put_of_one_unit(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(FULL)
    voided = FULL.transition(State.VOIDED)
    assert cost(dynamo, lambda: dynamo.ledger.advance(voided, since=State.STARTED)) == ({"PutItem": 1}, 1)


def test_an_unknown_outcome_costs_a_unit_of_the_index_when_it_is_noted_and_one_when_it_is_found_out(
    dynamo: DynamoBackend,
) -> None:
    dynamo.ledger.begin(FULL)
    uncertain = FULL.transition(State.UNCERTAIN)
    assert cost(dynamo, lambda: dynamo.ledger.advance(uncertain, since=State.STARTED)) == ({"PutItem": 1}, 2)
    voided = uncertain.transition(State.VOIDED)
    assert cost(dynamo, lambda: dynamo.ledger.advance(voided, since=State.UNCERTAIN)) == ({"PutItem": 1}, 2)


def test_advance_with_one_object_is_one_transaction_of_five_units(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(FULL)
    measured = cost(dynamo, lambda: dynamo.ledger.advance(answered(FULL), since=State.STARTED, owned=[own(ref())]))
    assert measured == ({"TransactWriteItems": 1}, 5)


def test_keeping_a_stores_description_costs_no_more_than_its_owner_alone(dynamo: DynamoBackend) -> None:
    """The row of a store with a name and two keys of metadata stays within a KiB."""
    described = snapshot_of(
        ObjectKind.VECTOR_STORE, store_document("vs_1", name="My Document Store", metadata=METADATA)
    )
    dynamo.ledger.begin(FULL)
    store = own(ref(), snapshot=described)
    measured = cost(dynamo, lambda: dynamo.ledger.advance(answered(FULL), since=State.STARTED, owned=[store]))
    assert measured == ({"TransactWriteItems": 1}, 5)
    measured = cost(dynamo, lambda: dynamo.ownership.keep_snapshot(ref(), store.tenant, "{}"))
    assert measured == ({"UpdateItem": 1}, 2)


def test_retiring_one_object_is_one_transaction_of_five_units(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(begun(1))
    dynamo.ledger.advance(answered(begun(1)), since=State.STARTED, owned=[own(ref())])
    dynamo.ledger.begin(FULL)
    measured = cost(dynamo, lambda: dynamo.ledger.advance(answered(FULL), since=State.STARTED, retired=[ref()], at=9))
    assert measured == ({"TransactWriteItems": 1}, 5)


def test_retiring_a_shared_store_is_two_transactions(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(begun(1))
    dynamo.ledger.advance(answered(begun(1)), since=State.STARTED, owned=[own(ref())])
    shared = with_share(own(ref()), BLUE, Share(Permission.READ, 9))
    given = Assignment(begun(2, state=State.ANSWERED), shared, own(ref()))
    assert cost(dynamo, lambda: dynamo.assignments.assign([given])) == ({"TransactWriteItems": 1}, 10)
    dynamo.ledger.begin(FULL)
    calls, _ = cost(dynamo, lambda: dynamo.ledger.advance(answered(FULL), since=State.STARTED, retired=[ref()], at=9))
    assert calls == {"TransactWriteItems": 2}  # the first is refused, for the store is shared


# A row is 2 units, as it is in a transaction, a rollup 2. All rows here share six rollups: of their key,
# tenant, end user, store and two tags. That of a store names the rows, and is over a KiB from 17 of them on.
@pytest.mark.parametrize(("rows", "units"), [(1, 1 * 2 + 6 * 2), (15, 15 * 2 + 6 * 2)])
def test_settling_costs_two_units_a_row_and_two_a_rollup(dynamo: DynamoBackend, rows: int, units: int) -> None:
    entries = [answered(begun(number)) for number in range(rows)]
    for entry in entries:
        dynamo.ledger.begin(entry)
    final = [settled(entry) for entry in entries]
    assert len(rollups_of(final)) == 6
    measured = cost(dynamo, lambda: dynamo.ledger.settle(final, rollups_of(final)))
    assert measured == ({"TransactWriteItems": 1}, units)


def test_creating_a_store_costs_a_settlement_no_unit_and_two_a_partition_where_rows_are_exported(
    dynamo: DynamoBackend,
) -> None:
    exporting = DynamoLedger(dynamo.table, exported_in_order=True)
    for first, ledger, more in ((0, dynamo.ledger, 0), (4, exporting, 2 * 2)):  # in two of the four partitions
        rows = [answered(begun(number), vector_store_id=f"vs_{number}") for number in range(first, first + 4)]
        for entry in rows:
            dynamo.ledger.begin(entry)
        final = [settled(entry, spend=0) for entry in rows]
        sums = rollups_of(final)  # of key, tenant, end user and two tags
        assert len(sums) == 5
        measured = cost(dynamo, lambda ledger=ledger, final=final, sums=sums: ledger.settle(final, sums))  # type: ignore[misc]
        assert measured == ({"TransactWriteItems": 1}, 4 * 2 + 5 * 2 + more)


RECORD = explicit_record(FULL, explicit_record_name(FULL.operation, "key"), "f" * 64)
ACCOUNT = Account(Subject(BudgetScope.KEY, KEY), "2026-03-04")
FUNDED = FULL.changed(
    idempotency_name=RECORD.name, budgets=(account_ref(ACCOUNT),), reserved=NanoUSD(10**12), fuzzy_fingerprint="l" * 32
)
RESERVATION = Reservation(ACCOUNT, NanoUSD(10**12), NanoUSD(10**15))


def test_binding_a_record_is_one_put_of_one_unit(dynamo: DynamoBackend) -> None:
    assert cost(dynamo, lambda: dynamo.ledger.bind(RECORD)) == ({"PutItem": 1}, 1)


def test_a_budget_adds_one_update_of_one_unit_to_begin(dynamo: DynamoBackend) -> None:
    measured = cost(dynamo, lambda: dynamo.ledger.begin(FUNDED, reserve=[RESERVATION]))
    assert measured == ({"PutItem": 1, "UpdateItem": 1}, 2 + 1)


def test_an_account_that_holds_forty_operations_is_one_unit_and_one_of_three_hundred_five(
    dynamo: DynamoBackend,
) -> None:
    def begin(number: int) -> None:
        entry = begun(number, budgets=(account_ref(ACCOUNT),), reserved=NanoUSD(10**12))
        dynamo.ledger.begin(entry, reserve=[Reservation(ACCOUNT, NanoUSD(10**12), NanoUSD(10**15))])

    for number in range(40):
        begin(number)
    assert cost(dynamo, lambda: begin(40))[1] == 2 + 1
    ids = [operation_id(number).replace("-", "") for number in range(41, 300)]
    dynamo.table.update(
        account_key(ACCOUNT),
        UpdateExpression="ADD holds :holds",
        ExpressionAttributeValues={":holds": {"BS": [bytes.fromhex(id_) for id_ in ids]}},
    )
    with CallRecorder().watching(dynamo.table.client) as recorder:
        begin(300)
    assert recorder.write_units == 2 + 5


def test_owning_is_one_put_of_two_units_also_with_a_stores_description(dynamo: DynamoBackend) -> None:
    document = store_document("vs_1", name="My Document Store", metadata=METADATA)
    store = own(ref(), snapshot=snapshot_of(ObjectKind.VECTOR_STORE, document), operation_id=FULL.id)
    assert cost(dynamo, lambda: dynamo.ledger.own(store)) == ({"PutItem": 1}, 2)


def test_keeping_a_small_answer_is_one_put_of_one_unit(dynamo: DynamoBackend) -> None:
    dynamo.ledger.bind(RECORD)
    kept = with_answer(RECORD, 200, b"x" * 500)  # a store without metadata is about that
    assert cost(dynamo, lambda: dynamo.ledger.keep_answer(kept)) == ({"PutItem": 1}, 1)


def test_releasing_a_budget_is_one_transaction_of_four_units(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(FUNDED, reserve=[RESERVATION])
    voided = FUNDED.transition(State.VOIDED)
    measured = cost(dynamo, lambda: dynamo.ledger.advance(voided, since=State.STARTED))
    assert measured == ({"TransactWriteItems": 1}, 4)


def test_a_budget_adds_two_units_to_a_settlement(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(FUNDED, reserve=[RESERVATION])
    dynamo.ledger.advance(answered(FUNDED), since=State.STARTED)
    final = settled(answered(FUNDED))
    measured = cost(dynamo, lambda: dynamo.ledger.settle([final], rollups_of([final])))
    assert measured == ({"TransactWriteItems": 1}, 2 + 6 * 2 + 2)


def test_a_refused_write_is_one_call(dynamo: DynamoBackend) -> None:
    dynamo.ledger.begin(begun(1))
    dynamo.ledger.advance(answered(begun(1)), since=State.STARTED, owned=[own(ref())])
    dynamo.ledger.begin(FULL)
    calls, _ = cost(dynamo, lambda: dynamo.ledger.advance(answered(FULL), since=State.STARTED, owned=[own(ref())]))
    assert calls == {"TransactWriteItems": 2}  # a conditional put is refused; then the owner is checked


def test_reads_are_one_call(dynamo: DynamoBackend) -> None:
    assert cost(dynamo, lambda: dynamo.ledger.entry(FULL.id)) == ({"GetItem": 1}, 0)
    many = [ref(f"vs_{number}") for number in range(101)]
    assert cost(dynamo, lambda: dynamo.ownership.owners(many)) == ({"BatchGetItem": 2}, 0)

"""The calls of AWS that a create makes, counted through the whole pipeline."""

from __future__ import annotations

from collections import Counter

from tests.harnesses.dynamodb_gateway import dynamodb_gateway
from vectorgate.ledger.settlement import settle


def test_a_create_with_a_cached_key_is_four_single_writes_and_settles_in_one_transaction() -> None:
    with dynamodb_gateway() as harness:
        harness.create()  # caches the key and the secret
        harness.settlement.settle_waiting(10)
        before = Counter(harness.recorder.calls)
        assert harness.create().status == 200
        # The row, its record, the owner of the store, the answered row.
        assert harness.recorder.calls - before == {"PutItem": 4}

        answered = harness.settlement.ledger.answered(10)
        before = Counter(harness.recorder.calls)
        assert len(settle(answered, harness.settlement.ledger, harness.settlement.book)) == 1
        assert harness.recorder.calls - before == {"TransactWriteItems": 1}


def test_the_first_create_reads_the_key_once_and_the_next_one_does_not() -> None:
    with dynamodb_gateway() as harness:
        harness.create()
        assert harness.recorder.calls["GetItem"] == 1
        harness.create()
        assert harness.recorder.calls["GetItem"] == 1


def test_the_pages_create_by_a_key_and_team_with_budgets_reads_files_balances_and_sizes_in_one_call_each() -> None:
    with dynamodb_gateway() as harness:
        harness.create_of_reference_page()  # caches key, limits and secret
        harness.settlement.settle_waiting(10)
        before, units = Counter(harness.recorder.calls), harness.recorder.write_units
        assert harness.create_of_reference_page().status == 200
        # The owners of the files, the two balances, and the sizes of the files.
        assert harness.recorder.calls - before == {"BatchGetItem": 3, "UpdateItem": 2, "PutItem": 4}
        assert harness.recorder.write_units - units == 8  # two of them for two accounts

        (row,) = harness.settlement.ledger.answered(10)
        assert [name.partition("/")[0] for name in row.budgets] == ["key", "team"]
        assert row.reserved  # a day's storage of the two files
        before, units = Counter(harness.recorder.calls), harness.recorder.write_units
        assert len(settle([row], harness.settlement.ledger, harness.settlement.book)) == 1
        assert harness.recorder.calls - before == {"TransactWriteItems": 1}
        assert harness.recorder.write_units - units == 10

"""What a create asks of AWS, counted through the whole descent."""

from __future__ import annotations

from collections import Counter

from tests.harnesses.dynamodb_gateway import counted
from vectorgate.ledger.settlement import settle


def test_a_create_with_a_cached_key_begins_concludes_and_settles_in_one_write_each() -> None:
    with counted() as whole:
        whole.create()  # reads the key and the secret, which the next one finds cached
        whole.settlement.settle_waiting(10)
        before = Counter(whole.recorder.calls)
        assert whole.create().status == 200
        begun_and_concluded = whole.recorder.calls - before
        assert begun_and_concluded == {"TransactWriteItems": 2}

        answered = whole.settlement.ledger.answered(10)
        before = Counter(whole.recorder.calls)
        assert settle(answered, whole.settlement.ledger, whole.settlement.book) == 1
        assert whole.recorder.calls - before == {"TransactWriteItems": 1}


def test_the_first_create_reads_the_key_once_and_the_next_one_does_not() -> None:
    with counted() as whole:
        whole.create()
        assert whole.recorder.calls["GetItem"] == 1
        whole.create()
        assert whole.recorder.calls["GetItem"] == 1


def test_the_pages_create_by_a_key_and_team_with_budgets_reads_files_balances_and_sizes_in_one_call_each() -> None:
    with counted() as whole:
        whole.create_as_the_page_does()  # reads key, limits and secret
        whole.settlement.settle_waiting(10)
        before, units = Counter(whole.recorder.calls), whole.recorder.write_units
        assert whole.create_as_the_page_does().status == 200
        # Whose the files are, what the two accounts hold, and how large the files are.
        assert whole.recorder.calls - before == {"BatchGetItem": 3, "TransactWriteItems": 2}
        assert whole.recorder.write_units - units == 17  # two accounts more than a create without a budget

        (row,) = whole.settlement.ledger.answered(10)
        assert [name.partition("/")[0] for name in row.budgets] == ["key", "team"]
        assert row.reserved  # a day of the two files
        before, units = Counter(whole.recorder.calls), whole.recorder.write_units
        assert settle([row], whole.settlement.ledger, whole.settlement.book) == 1
        assert whole.recorder.calls - before == {"TransactWriteItems": 1}
        assert whole.recorder.write_units - units == 15

"""The audit: records that are written with a change or not at all, and their pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.test_assignments import row_of
from tests.factories.ledger import KEY
from vectorgate.audit.model import AuditQuery, AuditRecord
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ledger.entry import uuid7
from vectorgate.store_errors import AlreadyExists, StateConflict, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.store_backends import Backend

T0 = 1_772_600_767_000  # 2026-03-04
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
ROW, RED = VirtualKey(id=KEY, created_at=0), Subject(BudgetScope.TEAM, "red")


def record(number: int, at_ms: int = T0, **fields: Any) -> AuditRecord:
    """A change of a key."""
    values: dict[str, Any] = {
        "actor": "master_key",
        "action": "updated",
        "kind": "key",
        "target": KEY,
        "route": "POST /key/update",
        "request_id": "r",
    }
    return AuditRecord(id=uuid7(at_ms, number), at_ms=at_ms, **values | fields)


def found(stores: Backend, **query: Any) -> list[AuditRecord]:
    """The records of a query."""
    everything: dict[str, Any] = {"start_ms": T0 - 90 * DAY_MS, "end_ms": T0 + 90 * DAY_MS, "limit": 1_000}
    return list(stores.audit.search(AuditQuery(**everything | query)))


CHANGES: dict[str, tuple[Callable[[Backend, AuditRecord], object], Callable[[Backend, AuditRecord], object]]] = {
    "add_key": (
        lambda _, __: None,
        lambda to, audit: to.keys.add_key(ROW, audit=audit),
    ),
    "replace_key": (
        lambda to, _: to.keys.add_key(ROW),
        lambda to, audit: to.keys.replace_key(replace(ROW, version=2), audit=audit),
    ),
    "delete_key": (
        lambda to, _: to.keys.add_key(ROW),
        lambda to, audit: to.keys.delete_key(KEY, audit=audit),
    ),
    "add_limit": (
        lambda _, __: None,
        lambda to, audit: to.budgets.add_limit(RED, Limit(since=0), audit=audit),
    ),
    "replace_limit": (
        lambda to, _: to.budgets.add_limit(RED, Limit(since=0)),
        lambda to, audit: to.budgets.replace_limit(RED, Limit(since=0, version=2), audit=audit),
    ),
    "assign": (
        lambda _, __: None,
        lambda to, audit: to.assignments.assign([row_of(1)], audit=[audit]),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_written_with_its_record_and_a_refused_one_leaves_none(stores: Backend, name: str) -> None:
    prepare, change = CHANGES[name]
    prepare(stores, record(1))
    assert found(stores) == []
    change(stores, record(1, before="{}", after='{"a":1}', actor_alias="ops"))
    assert found(stores) == [record(1, before="{}", after='{"a":1}', actor_alias="ops")]
    try:
        assert change(stores, record(2)) is False  # a second deletion
    except (AlreadyExists, StateConflict):
        assert name != "delete_key"
    assert len(found(stores)) == 1


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_whose_record_cannot_be_written_is_not_made(stores: Backend, name: str) -> None:
    prepare, change = CHANGES[name]
    prepare(stores, record(1))
    with stores.failing_requests(written=False), pytest.raises(StoreUnavailable):
        change(stores, record(1))
    assert found(stores) == []
    change(stores, record(1))  # so it was not made before
    assert len(found(stores)) == 1


def test_a_record_is_added_once_and_never_replaced(stores: Backend) -> None:
    stores.audit.add(record(1))
    with pytest.raises(AlreadyExists):
        stores.audit.add(record(1, target="other"))
    assert found(stores) == [record(1)]


def test_records_come_newest_first_in_pages_over_the_ends_of_months(stores: Backend) -> None:
    times = [T0 + number * HOUR_MS * 400 for number in range(-3, 4)]  # 17 days apart
    records = [record(number, at_ms) for at_ms in times for number in (1, 2)]
    for each in records:
        stores.audit.add(each)
    newest = records[::-1]
    assert found(stores) == newest
    pages: list[AuditRecord] = []
    while page := found(stores, limit=3, before=(pages[-1].at_ms, pages[-1].id) if pages else None):
        pages += page
    assert pages == newest
    assert found(stores, start_ms=times[2], end_ms=times[4]) == newest[6:10]
    assert found(stores, start_ms=times[4], before=(times[2], records[4].id)) == []
    assert found(stores, limit=0) == []


def test_a_range_of_more_than_a_year_and_an_id_that_is_none_are_refused(stores: Backend) -> None:
    for query in ({"start_ms": 0, "end_ms": 400 * DAY_MS}, {"start_ms": -1}, {"before": (T0, "a#b")}):
        with pytest.raises(ValueError, match=r"not a|too long"):
            found(stores, **query)
    with pytest.raises(ValueError, match="not a time"):
        stores.audit.add(record(1, 10**13))

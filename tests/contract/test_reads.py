"""OwnershipStore, KeyStore, ReportStore and the search of the ledger."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import (
    AZURE,
    BLUE,
    KEY,
    OPENAI,
    OTHER_KEY,
    RED,
    STORE,
    T0,
    answered,
    begun,
    operation_id,
    own,
    ref,
    settled,
)
from vectorgate.auth.keys.model import IndexPermission, VirtualKey
from vectorgate.ids import ObjectKind
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import MAX_SEARCH_MS, RecordQuery
from vectorgate.ledger.rollups import Bucket, Rollup, Scope
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harnesses.store_backends import Backend
    from vectorgate.tenancy.ownership import Ownership

DAY_MS = 86_400_000


def give(stores: Backend, rows: Sequence[Ownership]) -> None:
    """Write ownership, with an operation's row."""
    for number, first in enumerate(range(0, len(rows), 90)):
        entry = begun(number)
        stores.ledger.begin(entry)
        stores.ledger.advance(answered(entry), since=State.STARTED, owned=rows[first : first + 90])


def test_owners_are_those_that_exist_however_many_are_asked_for(stores: Backend) -> None:
    rows = [own(ref(f"vs_{number}")) for number in range(120)]
    give(stores, rows)
    refs = [row.ref for row in rows] + [ref(f"absent_{number}") for number in range(90)]
    assert stores.ownership.owners(refs) == {row.ref: row for row in rows}
    assert not stores.ownership.owners([])


def test_one_id_is_another_object_at_another_provider_or_of_another_kind(stores: Backend) -> None:
    places = [ref(kind=kind, provider=provider) for kind, provider in product(ObjectKind, (OPENAI, AZURE))]
    give(stores, [own(place, tenant) for place, tenant in zip(places, (RED, BLUE) * len(ObjectKind), strict=True)])
    owners = stores.ownership.owners(places)
    assert [owners[place].tenant for place in places] == [RED, BLUE] * len(ObjectKind)


def test_a_list_holds_one_tenants_objects_of_one_kind_at_one_provider(stores: Backend) -> None:
    everything = [
        own(ref(f"{tenant[5:]}_{kind}_{provider}", kind, provider), tenant)
        for tenant, kind, provider in product((RED, BLUE), ObjectKind, (OPENAI, AZURE))
    ]
    give(stores, everything)
    for row in everything:
        listed = stores.ownership.owned_by(
            row.tenant, row.ref.provider, row.ref.kind, start=None, ascending=True, limit=9
        )
        assert list(listed) == [row]


@pytest.mark.parametrize("ascending", [True, False])
@pytest.mark.parametrize("page", [1, 3, 100])
def test_pages_follow_on_one_another_in_either_order_with_ties(stores: Backend, page: int, ascending: bool) -> None:  # noqa: FBT001  # a parameter of the test
    rows = [
        own(ref(f"vs_{id_}"), created_at=when) for id_, when in zip("Zb-aA_0", (9, 9, 10, 9, 10, 100, 9), strict=True)
    ]
    give(stores, [*rows, own(ref("foreign"), BLUE, created_at=9)])
    expected = sorted(rows, key=lambda row: (row.created_at, row.ref.id), reverse=not ascending)
    seen: list[Ownership] = []
    start = None
    while found := stores.ownership.owned_by(RED, OPENAI, STORE, start=start, ascending=ascending, limit=page):
        seen += found
        start = (found[-1].created_at, found[-1].ref.id)
    assert seen == expected


def test_more_than_a_page_of_the_engine_is_listed(stores: Backend) -> None:
    rows = [own(ref(f"vs_{number:03d}")) for number in range(130)]
    give(stores, rows)
    assert list(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=125)) == rows[:125]
    assert list(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=0)) == []


def test_a_page_may_begin_at_what_no_longer_exists(stores: Backend) -> None:
    give(stores, [own(ref("a"), created_at=1), own(ref("c"), created_at=3)])
    listed = stores.ownership.owned_by(RED, OPENAI, STORE, start=(2, "b"), ascending=True, limit=9)
    assert [row.ref.id for row in listed] == ["c"]


FULL_KEY = VirtualKey(
    id=KEY,
    created_at=5,
    alias="ключ",
    team_id="red",
    user_id="émile",
    expires_at=2**40,
    blocked=True,
    indexes={"docs": frozenset({IndexPermission.READ, IndexPermission.WRITE}), "ünï": frozenset()},
    metadata='{"a": 1}',
    tags=("billing", "ünï"),
)


@pytest.mark.parametrize("key", [FULL_KEY, VirtualKey(id=KEY, created_at=0)], ids=["full", "bare"])
def test_a_key_is_read_back_as_it_was_added(stores: Backend, key: VirtualKey) -> None:
    stores.keys.add_key(key)
    assert stores.keys.key(KEY) == key
    assert stores.keys.key(OTHER_KEY) is None


def test_a_key_is_added_once(stores: Backend) -> None:
    stores.keys.add_key(FULL_KEY)
    with pytest.raises(AlreadyExists):
        stores.keys.add_key(replace(FULL_KEY, blocked=False))
    assert stores.keys.key(KEY) == FULL_KEY


def test_a_key_is_deleted_once_and_may_be_added_again(stores: Backend) -> None:
    stores.keys.add_key(FULL_KEY)
    assert stores.keys.delete_key(KEY)
    assert not stores.keys.delete_key(KEY)
    assert stores.keys.key(KEY) is None
    stores.keys.add_key(FULL_KEY)


def test_a_key_is_replaced_by_the_next_version_of_it_alone(stores: Backend) -> None:
    second = replace(FULL_KEY, alias=None, blocked=True, version=FULL_KEY.version + 1)
    with pytest.raises(StateConflict):
        stores.keys.replace_key(second)
    stores.keys.add_key(FULL_KEY)
    stores.keys.replace_key(second)
    assert stores.keys.key(KEY) == second
    for stale in (FULL_KEY, second, replace(second, version=9)):
        with pytest.raises(StateConflict):
            stores.keys.replace_key(stale)
    assert stores.keys.key(KEY) == second


def test_sums_of_a_month_come_in_the_order_of_their_buckets(stores: Backend) -> None:
    days = ["2026-03-31", "2026-03-01", "2026-02-28", "2026-04-01"]
    sums = [
        Rollup(Bucket(scope, whose, day, provider, operation), 1, 0, NanoUSD(2**53 + 1))
        for scope, whose in ((Scope.TENANT, RED), (Scope.END_USER, "team:red"), (Scope.TENANT, "team:blüe"))
        for day in days
        for provider, operation in (("openai", "b c"), ("-", "a"), ("openai", "a"))
    ]
    stores.ledger.settle([], sums)
    stores.ledger.settle([], [sums[0]._replace(calls=3, failures=2, spend=NanoUSD(-1))])
    expected = sorted((row for row in sums[:12] if row.bucket.day[:7] == "2026-03"), key=lambda row: row.bucket)
    expected[expected.index(sums[0])] = sums[0]._replace(calls=4, failures=2, spend=NanoUSD(2**53))
    assert list(stores.reports.rollups(Scope.TENANT, RED, "2026-03")) == expected
    assert list(stores.reports.rollups(Scope.KEY, RED, "2026-03")) == []


def search(stores: Backend, start_ms: int, end_ms: int, limit: int = 100) -> list[int]:
    """Return when the rows that a search finds began, in milliseconds after T0."""
    query = RecordQuery(start_ms=start_ms, end_ms=end_ms, limit=limit)
    return [entry.started_ms - T0 for entry in stores.ledger.search(query)]


def test_a_search_finds_the_newest_rows_of_a_range_first(stores: Backend) -> None:
    moments = [0, 1, 2, 3, DAY_MS, 2 * DAY_MS, -DAY_MS]
    for number, moment in enumerate(moments):
        stores.ledger.begin(begun(number, started_ms=T0 + moment, state=State.VOIDED))
    assert search(stores, T0 + 1, T0 + 3) == [2, 1]
    assert search(stores, T0 - DAY_MS, T0 + 2 * DAY_MS) == [DAY_MS, 3, 2, 1, 0, -DAY_MS]
    assert search(stores, T0 - DAY_MS, T0 + 3 * DAY_MS, limit=3) == [2 * DAY_MS, DAY_MS, 3]
    assert search(stores, T0, T0) == []
    assert search(stores, T0, T0 + 9, limit=0) == []


def test_a_search_goes_on_after_the_last_row_of_another_even_within_one_millisecond(stores: Backend) -> None:
    rows = [begun(number, started_ms=T0 + number // 3, state=State.VOIDED) for number in range(9)]
    for row in rows:
        stores.ledger.begin(row)
    in_order = sorted(rows, key=lambda row: (row.started_ms, row.id), reverse=True)
    for place, last in enumerate(in_order):
        before = last.started_ms, last.id
        query = RecordQuery(start_ms=T0, end_ms=T0 + 9, limit=2, before=before)
        assert list(stores.ledger.search(query)) == in_order[place + 1 : place + 3]
        assert list(stores.ledger.search(replace(query, start_ms=T0 + 5))) == []
    with pytest.raises(ValueError, match="not an id"):
        stores.ledger.search(RecordQuery(start_ms=T0, end_ms=T0 + 9, limit=2, before=(T0, "a#b")))  # type: ignore[arg-type]


def test_rows_are_read_by_their_ids_however_many(stores: Backend) -> None:
    rows = [begun(number) for number in range(101)]
    for row in rows:
        stores.ledger.begin(row)
    wanted = [row.id for row in rows] + [operation_id(999)]
    assert stores.ledger.entries(wanted) == {row.id: row for row in rows}
    assert stores.ledger.entries([rows[0].id] * 2) == {rows[0].id: rows[0]}
    assert stores.ledger.entries([]) == {}


def test_a_search_of_more_than_a_year_is_refused(stores: Backend) -> None:
    with pytest.raises(ValueError, match="too long"):
        search(stores, T0, T0 + MAX_SEARCH_MS + 1)


BAD_IDS = ["a#b", "", "a/b", "a b", "ü", "x" * 129, "a\n"]


@pytest.mark.parametrize("bad", BAD_IDS)
def test_an_id_that_cannot_be_a_part_of_a_key_is_refused_everywhere(stores: Backend, bad: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        stores.ownership.owners([ref(bad)])
    with pytest.raises(ValueError, match="not an id"):
        stores.ownership.owned_by(RED, bad, STORE, start=None, ascending=True, limit=1)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        stores.ownership.owned_by(RED, OPENAI, STORE, start=(1, bad), ascending=True, limit=1)
    with pytest.raises(ValueError, match="not an id"):
        stores.keys.key(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        stores.keys.add_key(replace(FULL_KEY, id=bad))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        stores.keys.delete_key(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        stores.ledger.entry(bad)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        stores.ledger.unsettled([bad])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="not an id"):
        stores.ledger.begin(replace(begun(), id=bad))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not an id"):
        stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[own(ref(bad))])


@pytest.mark.parametrize("bad", ["a#b", "", "a\x00", "x" * 257])
def test_a_label_that_cannot_be_a_part_of_a_key_is_refused_everywhere(stores: Backend, bad: str) -> None:
    with pytest.raises(ValueError, match="not a label"):
        stores.ledger.begin(begun(end_user=bad))
    with pytest.raises(ValueError, match="not a label"):
        stores.ledger.begin(begun(tenant=f"team:{bad}"))
    with pytest.raises(ValueError, match="not a label"):
        stores.reports.rollups(Scope.END_USER, bad, "2026-03")
    with pytest.raises(ValueError, match="not a label"):
        stores.ledger.settle([], [Rollup(Bucket(Scope.KEY, bad, "2026-03-01", "-", "o"), 1, 0, NanoUSD(0))])
    assert stores.ledger.entry(operation_id(0)) is None


def test_days_and_months_are_checked(stores: Backend) -> None:
    with pytest.raises(ValueError, match="not a month"):
        stores.reports.rollups(Scope.KEY, KEY, "2026-03#")
    with pytest.raises(ValueError, match="not a day"):
        stores.ledger.settle([], [Rollup(Bucket(Scope.KEY, KEY, "2026-3-1", "-", "o"), 1, 0, NanoUSD(0))])


def test_times_that_would_not_sort_as_text_are_refused(stores: Backend) -> None:
    for created_at in (-1, 10**10):
        with pytest.raises(ValueError, match="sorts"):
            stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[own(ref(), created_at=created_at)])
    with pytest.raises(ValueError, match="sorts"):
        stores.ledger.begin(replace(begun(), started_ms=10**13))
    with pytest.raises(ValueError, match="sorts"):
        search(stores, -1, 5)


def test_a_team_may_have_the_longest_of_names(stores: Backend) -> None:
    tenant = "team:" + "東" * 256
    entry = begun(tenant=tenant)
    stores.ledger.begin(entry)
    stores.ledger.advance(answered(entry), since=State.STARTED, owned=[own(ref(), tenant)])  # type: ignore[arg-type]
    stores.ledger.settle([settled(answered(entry))], [])
    assert stores.ownership.owned_by(tenant, OPENAI, STORE, start=None, ascending=True, limit=1)  # type: ignore[arg-type]

"""Lists: the tenant's objects alone, in OpenAI's order, by its cursors, with the provider's current data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.openai import store_document
from tests.fakes.upstream import refusal
from vectorgate.api.http import Request
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.persistence.sqlite import open_stores
from vectorgate.tenancy import list_operations
from vectorgate.tenancy.listing import OwnedList
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Sequence

    import openai

    from tests.harnesses.gateway import Connect, GatewayHarness

OPENAI = ProviderName("openai")
EMPTY: dict[str, object] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
RED, BLUE = TenantId("team:red"), TenantId("team:blue")


@pytest.fixture
def client(harness: GatewayHarness, connect: Connect) -> openai.OpenAI:
    connect(harness.key("sk-blue-lister", team="blue")).vector_stores.create(name="foreign")
    return connect(harness.key("sk-red-lister", team="red"))


def made(harness: GatewayHarness, client: openai.OpenAI, count: int) -> list[str]:
    """Create stores a second apart, and return their ids, oldest first."""
    ids = []
    for _ in range(count):
        harness.openai.created_at += 1
        ids.append(client.vector_stores.create(name="x").id)
    harness.upstream.forget()
    return ids


def test_the_newest_comes_first_and_pages_join_without_gap_or_repetition(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    ids = made(harness, client, 7)
    assert [store.id for store in client.vector_stores.list(limit=3)] == ids[::-1]
    assert [store.id for store in client.vector_stores.list(limit=3, order="asc")] == ids


@pytest.mark.parametrize(("limit", "more"), [(2, True), (3, False), (4, False)])
def test_has_more_is_exact(harness: GatewayHarness, client: openai.OpenAI, limit: int, *, more: bool) -> None:
    made(harness, client, 3)
    assert client.vector_stores.list(limit=limit).has_more is more


def test_a_store_that_vanished_at_the_provider_is_not_shown_and_not_promised(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    ids = made(harness, client, 4)
    del harness.openai.stores[ids[0]], harness.openai.stores[ids[2]]
    page = client.vector_stores.list(limit=2)
    assert ([store.id for store in page.data], page.has_more) == ([ids[3], ids[1]], False)


def test_a_list_shows_each_store_as_the_provider_has_it_now(harness: GatewayHarness, client: openai.OpenAI) -> None:
    (store,) = made(harness, client, 1)
    harness.openai.stores[store] = store_document(store, status="in_progress", usage_bytes=77)
    (shown,) = client.vector_stores.list().data
    assert (shown.status, shown.usage_bytes) == ("in_progress", 77)


def test_the_cost_of_a_page_does_not_grow_with_what_is_owned(harness: GatewayHarness, client: openai.OpenAI) -> None:
    made(harness, client, 9)
    assert len(client.vector_stores.list(limit=2).data) == 2
    assert harness.upstream.calls == 1  # a page of the provider's list names the page, and if it is the last


@pytest.mark.parametrize(
    ("path", "cursors"),
    [
        ("/v1/vector_stores", ["after"]),
        ("/v1/vector_stores", ["before"]),
        ("/v1/vector_stores", ["after", "before"]),
        ("/v1/files", ["after"]),  # which has no `before`
    ],
)
def test_past_a_foreign_cursor_there_is_as_little_as_past_an_absent_one(
    harness: GatewayHarness, client: openai.OpenAI, path: str, cursors: list[str]
) -> None:
    client.vector_stores.create(name="x")
    client.files.create(file=("notes.md", b"x"), purpose="assistants")
    harness.upstream.forget()
    names = ("vs_0", "vs_absent", "after") if path.endswith("stores") else ("file-0", "file-absent", "after")
    for name in names:
        assert page_of(harness, client.api_key, path, dict.fromkeys(cursors, name)) == EMPTY
    assert harness.upstream.calls == 0


def test_an_own_cursor_beside_a_foreign_one_shows_nothing(harness: GatewayHarness, client: openai.OpenAI) -> None:
    ids = made(harness, client, 3)
    assert client.vector_stores.list(after=ids[2], before="vs_0").data == []
    assert client.vector_stores.list(after="vs_0", before=ids[0]).data == []


def test_a_limit_of_zero_is_as_good_as_none(harness: GatewayHarness, client: openai.OpenAI) -> None:
    """The official clients' own tests send cursors that name no object."""
    ids = made(harness, client, 21)
    page = client.vector_stores.list(limit=0, order="asc")
    assert ([store.id for store in page.data], page.has_more) == (ids[:20], True)
    assert client.vector_stores.list(after="after", before="before", limit=0, order="asc").data == []
    file = client.files.create(file=("notes.md", b"x"), purpose="assistants").id
    assert [file.id for file in client.files.list(limit=0)] == [file]
    assert client.files.list(after="after", limit=0, order="asc", purpose="purpose").data == []


def test_a_client_that_deletes_while_paging_reaches_the_end(harness: GatewayHarness, client: openai.OpenAI) -> None:
    ids = made(harness, client, 5)
    deleted = [client.vector_stores.delete(store.id).id for store in client.vector_stores.list(limit=2)]
    assert deleted == ids[::-1]
    assert client.vector_stores.list().data == []


def test_a_list_of_files_by_purpose_promises_no_page_that_is_empty(client: openai.OpenAI) -> None:
    for _ in range(3):
        client.files.create(file=("notes.md", b"x"), purpose="assistants")
    assert client.files.list(purpose="assistants", limit=3).has_more is False
    assert client.files.list(purpose="batch", limit=1).has_more is False


def test_of_many_stores_no_other_is_begun_once_most_cannot_be_had(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    ids = made(harness, client, 60)
    harness.upstream.always(refusal(500))
    assert [store.id for store in client.vector_stores.list(limit=60)] == ids[::-1]
    assert len({received.path for received in harness.upstream.received}) < 20


@pytest.mark.parametrize("stores", [1, 7])
def test_each_store_is_asked_for_again_as_a_single_read_is(
    harness: GatewayHarness, client: openai.OpenAI, stores: int
) -> None:
    ids = made(harness, client, stores)
    harness.upstream.will(*[refusal(500)] * min(stores, 2))
    assert [shown.id for shown in client.vector_stores.list(order="asc")] == ids


def uploaded(harness: GatewayHarness, client: openai.OpenAI, *statuses: str) -> list[str]:
    """Create files with these statuses, and return their ids, oldest first."""
    ids = []
    for harness.openai.file_status in statuses:
        harness.openai.created_at += 1
        ids.append(client.files.create(file=("notes.md", b"x"), purpose="assistants").id)
    harness.upstream.forget()
    return ids


def test_a_file_that_the_provider_was_not_done_with_is_shown_as_it_is_now(
    harness: GatewayHarness, client: openai.OpenAI
) -> None:
    done, pending, waiting, failed, gone = uploaded(
        harness, client, "processed", "pending", "uploaded", "error", "uploaded"
    )
    harness.openai.files[pending]["status"] = "processed"
    del harness.openai.files[gone]
    shown = [(file.id, file.status) for file in client.files.list(order="asc")]
    assert shown == [(done, "processed"), (pending, "processed"), (waiting, "uploaded"), (failed, "error")]
    assert sorted(received.path for received in harness.upstream.received) == sorted(
        f"/v1/files/{name}" for name in (pending, waiting, gone)
    )


def test_files_of_another_purpose_are_not_asked_for(harness: GatewayHarness, client: openai.OpenAI) -> None:
    uploaded(harness, client, "pending")
    assert client.files.list(purpose="batch").data == []
    assert harness.upstream.calls == 0


@pytest.mark.parametrize("status", [401, 403, 429, 500])
def test_a_list_of_files_does_not_fail_with_the_provider(
    harness: GatewayHarness, client: openai.OpenAI, status: int
) -> None:
    ids = uploaded(harness, client, "pending", "pending", "processed")
    harness.upstream.always(refusal(status))
    assert [(file.id, file.status) for file in client.files.list(order="asc")] == list(
        zip(ids, ["pending", "pending", "processed"], strict=True)
    )


def test_a_list_of_files_asks_for_a_hundred_at_most(
    harness: GatewayHarness, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_operations, "MAX_REFRESHED_FILES", 3)
    ids = uploaded(harness, client, *["pending"] * 5)
    for file in harness.openai.files.values():
        file["status"] = "processed"
    shown = [(file.id, file.status) for file in client.files.list(limit=5)]
    assert shown == list(zip(ids[::-1], ["processed"] * 3 + ["pending"] * 2, strict=True))
    assert harness.upstream.calls == 3


def test_an_empty_list_has_no_ends(harness: GatewayHarness) -> None:
    assert page_of(harness, harness.key("sk-without-objects", team="without-objects"), "/v1/vector_stores", {}) == EMPTY


def page_of(harness: GatewayHarness, key: str, path: str, query: dict[str, str]) -> object:
    """Request a page, and return its document."""
    request = Request(method="GET", path=path, query=query, headers={"authorization": f"Bearer {key}"})
    return json.loads(harness.gateway.handle(request).read_body())


# ------------------------------------------------------------------------------------------------------ by a model

OBJECTS = st.lists(st.tuples(st.integers(0, 5), st.booleans(), st.booleans(), st.booleans()), max_size=14)


@settings(max_examples=150, deadline=None)
@given(
    objects=OBJECTS,
    limit=st.integers(1, 6),
    order=st.sampled_from(["asc", "desc"]),
    after=st.none() | st.integers(0, 13),
    before=st.none() | st.integers(0, 13),
)
def test_every_page_is_the_one_that_a_sorted_list_would_give(
    objects: list[tuple[int, bool, bool, bool]], limit: int, order: str, after: int | None, before: int | None
) -> None:
    """Each object is (created_at, owned, deleted at the provider, deleted here); cursors are indexes of objects."""
    stores = open_stores()
    rows = [
        Ownership(
            ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(f"vs_{place}")),
            tenant=RED if owned else BLUE,
            key_id="k",  # type: ignore[arg-type]
            created_at=created_at,
            retired_at=9 if deleted else None,
        )
        for place, (created_at, owned, _, deleted) in enumerate(objects)
    ]
    stores.ledger.insert_ownership(rows)  # type: ignore[attr-defined]
    gone = {f"vs_{place}" for place, (_, _, gone, _) in enumerate(objects) if gone}
    query = {"limit": str(limit), "order": order}
    cursors = {
        name: rows[place]
        for name, place in (("after", after), ("before", before))
        if place is not None and place < len(rows)
    }
    query |= {name: row.ref.id for name, row in cursors.items()}

    def describe(found: Sequence[Ownership]) -> list[dict[str, object] | None]:
        return [None if row.ref.id in gone else {"id": row.ref.id} for row in found]

    page = OwnedList(stores.ownership, RED, OPENAI, ObjectKind.VECTOR_STORE).page(query, describe)
    stores.close()
    assert page == expected(rows, gone, cursors, limit, descending=order == "desc")


def expected(
    rows: list[Ownership], gone: set[str], cursors: dict[str, Ownership], limit: int, *, descending: bool
) -> dict[str, object]:
    """Return the page, from a sorted list."""
    if any(row.tenant != RED for row in cursors.values()):
        rows = []

    def place(row: Ownership) -> tuple[int, str]:
        return row.created_at, row.ref.id

    listed = sorted(
        (row for row in rows if row.accessible_to(RED) and row.ref.id not in gone), key=place, reverse=descending
    )
    if "after" in cursors:
        edge = place(cursors["after"])
        listed = [row for row in listed if (place(row) < edge if descending else place(row) > edge)]
    if "before" in cursors:
        edge = place(cursors["before"])
        listed = [row for row in listed if (place(row) > edge if descending else place(row) < edge)]
    backwards = "before" in cursors and "after" not in cursors
    taken = [row.ref.id for row in (listed[-limit:] if backwards else listed[:limit])]
    return {
        "object": "list",
        "data": [{"id": name} for name in taken],
        "first_id": taken[0] if taken else None,
        "last_id": taken[-1] if taken else None,
        "has_more": len(listed) > limit,
    }

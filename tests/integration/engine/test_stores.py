"""Vector stores, their files and batches, through the real client over a real socket."""

import pytest
from openai import BadRequestError, NotFoundError, OpenAI

DEMO = ["file-abc123", "file-def456"]
STRATEGY = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 50}}


def test_an_empty_store_has_every_member(client: OpenAI) -> None:
    store = client.vector_stores.with_raw_response.create().http_response.json()
    assert store["id"].startswith("vs_")
    assert len(store["id"]) == len("vs_") + 32
    created_at = store.pop("created_at")
    assert store == {
        "id": store["id"],
        "object": "vector_store",
        "name": "",
        "description": None,
        "usage_bytes": 0,
        "bytes": 0,
        "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": created_at,
        "metadata": {},
    }


def test_create_echoes_what_was_asked(client: OpenAI) -> None:
    store = client.vector_stores.create(
        name="n", description="d", metadata={"k": "v"}, expires_after={"anchor": "last_active_at", "days": 7}
    )
    assert (store.name, store.to_dict()["description"], store.metadata) == ("n", "d", {"k": "v"})
    assert store.expires_after
    assert store.expires_after.days == 7
    assert store.expires_at == (store.last_active_at or 0) + 7 * 86_400
    assert client.vector_stores.retrieve(store.id) == store


def test_modify_replaces_clears_and_leaves(client: OpenAI) -> None:
    store = client.vector_stores.create(
        name="n", metadata={"a": "1", "b": "2"}, expires_after={"anchor": "last_active_at", "days": 1}
    )
    replaced = client.vector_stores.update(store.id, metadata={"c": "3"})
    assert (replaced.name, replaced.metadata, replaced.expires_after) == ("n", {"c": "3"}, store.expires_after)
    cleared = client.vector_stores.update(store.id, name=None, metadata=None, expires_after=None)
    assert (cleared.name, cleared.metadata, cleared.expires_after, cleared.expires_at) == ("", {}, None, None)


def test_a_store_with_files_completes_and_weighs_something(client: OpenAI) -> None:
    store = client.vector_stores.create(file_ids=DEMO)
    files = [client.vector_stores.files.poll(file_id, vector_store_id=store.id) for file_id in DEMO]
    done = client.vector_stores.retrieve(store.id)
    assert (done.status, done.file_counts.completed, done.file_counts.total) == ("completed", 2, 2)
    assert done.usage_bytes == sum(file.usage_bytes for file in files) > 0
    client.vector_stores.files.delete(DEMO[0], vector_store_id=store.id)
    left = client.vector_stores.retrieve(store.id)
    assert (left.usage_bytes, left.file_counts.total) == (files[1].usage_bytes, 1)
    assert client.files.retrieve(DEMO[0]).id == DEMO[0]


def test_deleting_a_store_leaves_its_files(client: OpenAI) -> None:
    store = client.vector_stores.create(file_ids=DEMO)
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(NotFoundError, match=f"No vector store found with id '{store.id}'."):
        client.vector_stores.retrieve(store.id)
    assert client.files.retrieve(DEMO[0]).id == DEMO[0]


def test_unknown_files_create_nothing(client: OpenAI) -> None:
    before = client.vector_stores.list(limit=1).data
    with pytest.raises(NotFoundError, match=r"Files \[file-x, file-y\] were not found"):
        client.vector_stores.create(file_ids=["file-x", DEMO[0], "file-y"])
    assert client.vector_stores.list(limit=1).data == before


def test_a_file_keeps_its_attributes_and_strategy(client: OpenAI) -> None:
    store = client.vector_stores.create()
    file = client.vector_stores.files.create_and_poll(
        DEMO[0],
        vector_store_id=store.id,
        attributes={"s": "x", "n": 1.5, "b": True},
        chunking_strategy=STRATEGY,  # type: ignore[arg-type]
    )
    assert file.status == "completed"
    assert file.attributes == {"s": "x", "n": 1.5, "b": True}
    assert file.chunking_strategy
    assert file.chunking_strategy.to_dict() == STRATEGY
    replaced = client.vector_stores.files.update(DEMO[0], vector_store_id=store.id, attributes={"z": "1"})
    assert replaced.attributes == {"z": "1"}
    assert client.vector_stores.files.update(DEMO[0], vector_store_id=store.id, attributes=None).attributes is None
    assert len(list(client.vector_stores.files.content(DEMO[0], vector_store_id=store.id))) > 3


def test_the_default_strategy_is_static_800_400(client: OpenAI) -> None:
    store = client.vector_stores.create(file_ids=[DEMO[0]], chunking_strategy={"type": "auto"})
    (file,) = client.vector_stores.files.list(store.id)
    assert file.to_dict()["chunking_strategy"] == {
        "type": "static",
        "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400},
    }


def test_failures_say_why(client: OpenAI) -> None:
    bad = {
        "a.exe": b"MZ",
        "b.txt": b"",
        "c.pdf": b"%PDF-1.4 nonsense",
        "d.json": b"{",
        "e.txt": b"\xff\xfe\xfa\x00\x01",
    }
    files = [client.files.create(file=item, purpose="assistants").id for item in bad.items()]
    store = client.vector_stores.create(name="failures")
    batch = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[*files, DEMO[0]])
    assert (batch.status, batch.file_counts.failed, batch.file_counts.completed) == ("completed", 5, 1)
    failed = list(client.vector_stores.files.list(store.id, filter="failed", order="asc"))
    codes = [file.last_error.code for file in failed if file.last_error and file.last_error.message]
    assert codes == ["unsupported_file", "invalid_file", "invalid_file", "invalid_file", "invalid_file"]
    assert {file.usage_bytes for file in failed} == {0}


def test_a_batch_of_failures_failed(client: OpenAI) -> None:
    file = client.files.create(file=("a.exe", b"MZ"), purpose="assistants")
    store = client.vector_stores.create()
    assert client.vector_stores.file_batches.create_and_poll(store.id, file_ids=[file.id]).status == "failed"


def test_both_forms_of_a_batch(client: OpenAI) -> None:
    store = client.vector_stores.create()
    shared = client.vector_stores.file_batches.create_and_poll(store.id, file_ids=DEMO, attributes={"a": "all"})
    assert (shared.object, shared.status, shared.file_counts.completed) == ("vector_store.file_batch", "completed", 2)
    own = client.vector_stores.file_batches.create_and_poll(
        store.id, files=[{"file_id": DEMO[0], "attributes": {"a": "own"}}, {"file_id": DEMO[1]}]
    )
    files = client.vector_stores.file_batches.list_files(own.id, vector_store_id=store.id, order="asc")
    assert [(file.id, file.attributes) for file in files] == [(DEMO[0], {"a": "own"}), (DEMO[1], None)]


def test_a_batch_belongs_to_its_store(client: OpenAI) -> None:
    one, other = client.vector_stores.create(), client.vector_stores.create()
    batch = client.vector_stores.file_batches.create(one.id, file_ids=DEMO)
    with pytest.raises(NotFoundError, match=batch.id):
        client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=other.id)


def test_upload_and_poll_does_all_of_it(client: OpenAI) -> None:
    store = client.vector_stores.create()
    file = client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("a.md", b"# Hello"))
    assert file.status == "completed"


def test_a_file_not_in_the_store_is_not_found(client: OpenAI) -> None:
    store = client.vector_stores.create()
    with pytest.raises(NotFoundError, match=f"No file found with id '{DEMO[0]}' in vector store '{store.id}'."):
        client.vector_stores.files.retrieve(DEMO[0], vector_store_id=store.id)


def test_paging_visits_everything_once(client: OpenAI) -> None:
    ids = [client.vector_stores.create(name=f"page {n}").id for n in range(7)]
    mine = [store.id for store in client.vector_stores.list(limit=2) if store.id in ids]
    assert mine == ids[::-1]


def test_before_is_the_page_directly_before(client: OpenAI) -> None:
    ids = [client.vector_stores.create(name=f"page {n}").id for n in range(6)]
    page = client.vector_stores.list(limit=2, order="asc", before=ids[4])
    assert [store.id for store in page.data] == ids[2:4]
    assert page.has_more
    between = client.vector_stores.list(order="asc", after=ids[0], before=ids[3])
    assert [store.id for store in between.data] == ids[1:3]
    assert not between.has_more


def test_an_unknown_cursor_is_not_found(client: OpenAI) -> None:
    with pytest.raises(NotFoundError):
        client.vector_stores.list(after="vs_nowhere")


def test_an_empty_page_has_null_ids(client: OpenAI) -> None:
    store = client.vector_stores.create()
    page = client.vector_stores.files.with_raw_response.list(store.id).http_response.json()
    assert page == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}


def test_a_limit_of_zero_is_as_good_as_none(client: OpenAI) -> None:
    made = {client.vector_stores.create().id for _ in range(21)}
    page = client.vector_stores.list(limit=0)
    assert len(page.data) == 20
    assert {store.id for store in page.data} < made
    assert client.files.list(limit=0).data == client.files.list().data


def test_limits_have_ranges(client: OpenAI) -> None:
    with pytest.raises(BadRequestError) as low:
        client.vector_stores.list(limit=-1)
    assert (low.value.code, low.value.param) == ("integer_below_min_value", "limit")
    with pytest.raises(BadRequestError) as high:
        client.vector_stores.list(limit=101)
    assert high.value.message.endswith("Expected a value <= 100, but got 101 instead.")

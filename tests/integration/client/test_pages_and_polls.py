"""Lists that continue by themselves, and polling: against local mode."""

from __future__ import annotations

import asyncio
import hashlib
import io
from typing import TYPE_CHECKING

import pytest

import vectorgate
from tests.fakes.upstream import answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.upstream import FaultyUpstream
    from vectorgate.client.client import Client


@pytest.mark.usefixtures("through")
def test_iterating_over_a_list_continues_with_the_pages_that_follow() -> None:
    store = vectorgate.vector_stores.create(name="paged")
    texts = [(f"{number}.txt", b"text") for number in range(5)]
    batch = vectorgate.vector_stores.file_batches.upload_and_poll(store.id, files=texts, poll_interval_ms=20)
    assert (batch.status, batch.file_counts.completed) == ("completed", 5)

    files = vectorgate.vector_stores.files.list(store.id, limit=2)
    assert (len(files.data), len(files), files.has_more, files.has_next_page()) == (2, 2, True, True)
    everything = [file.id for file in files]
    assert len(everything) == len(set(everything)) == 5
    assert [len(page.data) for page in files.iter_pages()] == [2, 2, 1]
    last = list(files.iter_pages())[-1]
    with pytest.raises(RuntimeError, match="No next page"):
        last.get_next_page()

    async def main() -> list[str]:
        listed = vectorgate.vector_stores.file_batches.alist_files(batch.id, vector_store_id=store.id, limit=2)
        first = await listed
        assert [item.id for item in first.data] == [item.id for item in (await listed).data]
        again = [item.id async for item in first]
        assert again == [item.id async for item in listed]
        return again

    assert sorted(asyncio.run(main())) == sorted(everything)


@pytest.mark.usefixtures("through")
def test_the_helpers_upload_attach_and_wait() -> None:
    async def main() -> None:
        stores = vectorgate.vector_stores
        store = await stores.acreate(name="helped", expires_after={"anchor": "last_active_at", "days": 1})
        many = [(f"{number}.md", b"# About returns: thirty days.") for number in range(6)]
        batch = await stores.file_batches.aupload_and_poll(store.id, files=many, max_concurrency=3, poll_interval_ms=20)
        assert batch.file_counts.completed == 6
        file = await stores.files.aupload_and_poll(
            store.id, file=io.BytesIO(b"Shipping takes two days."), attributes={"n": 1.5}, poll_interval_ms=20
        )
        assert (file.status, file.attributes) == ("completed", {"n": 1.5})
        found = await stores.asearch(
            store.id, "how long does shipping take?", filters={"type": "eq", "key": "n", "value": 1.5}
        )
        assert [result.content[0].text for result in found] == ["Shipping takes two days."]
        assert (await stores.files.acontent(file.id, vector_store_id=store.id)).data[0].text.startswith("Shipping")
        assert (await vectorgate.files.await_for_processing(file.id)).status == "processed"
        assert (await stores.adelete(store.id)).deleted
        with pytest.raises(vectorgate.NotFoundError):
            await stores.aretrieve(store.id)

    asyncio.run(main())


def test_polling_goes_at_the_server_s_pace_and_ends(gateway: Client, server: FaultyUpstream) -> None:
    waiting = {"id": "file-1", "status": "in_progress"}
    server.will(*[answer(200, waiting, {"openai-poll-after-ms": "5"})] * 3, answer(200, {"status": "failed"}))
    assert gateway.vector_stores.files.poll("file-1", vector_store_id="vs_1").status == "failed"
    assert server.calls == 4
    server.always(answer(200, waiting))
    for wait in (0.0, 0.05):
        with pytest.raises(TimeoutError):
            gateway.vector_stores.files.poll(
                "file-1", vector_store_id="vs_1", max_wait_seconds=wait, poll_interval_ms=10
            )
    with pytest.raises(ValueError, match="finite"):
        gateway.vector_stores.files.poll("file-1", vector_store_id="vs_1", max_wait_seconds=float("inf"))


def test_a_failed_upload_ends_the_others(gateway: Client, server: FaultyUpstream) -> None:
    server.always(answer(400, {"error": {"message": "no"}}))
    with pytest.raises(vectorgate.BadRequestError):
        asyncio.run(gateway.vector_stores.file_batches.aupload_and_poll("vs_1", files=[b"a", b"b", b"c"]))
    assert not any("batches" in received.path for received in server.received)


@pytest.mark.usefixtures("through")
def test_a_file_in_parts_is_searched_like_another(tmp_path: Path) -> None:
    text = b"Returns are accepted within thirty days. " * 2_000
    path = tmp_path / "returns.md"
    path.write_bytes(text)
    md5 = hashlib.md5(text).hexdigest()  # noqa: S324 - OpenAI's checksum
    done = vectorgate.uploads.upload_file_chunked(
        file=path, mime_type="text/markdown", purpose="assistants", part_size=30_000, md5=md5
    )
    assert done.file
    file = done.file.id
    assert (done.status, done.file.filename, done.file.bytes) == ("completed", "returns.md", len(text))

    async def main() -> None:
        stream = io.BytesIO(b"xx" + text)
        stream.seek(2)
        again = await vectorgate.uploads.aupload_file_chunked(
            file=stream, filename="b.md", mime_type="text/markdown", purpose="assistants", user="ann"
        )
        assert again.file
        assert (again.file.filename, again.file.bytes, stream.closed) == ("b.md", len(text), False)
        given_up = await vectorgate.uploads.acreate(
            bytes=1, filename="c.md", mime_type="text/markdown", purpose="assistants"
        )
        assert (await vectorgate.uploads.acancel(given_up.id)).status == "cancelled"
        store = await vectorgate.vector_stores.acreate()
        files = vectorgate.vector_stores.files
        attached = await files.acreate_and_poll(file, vector_store_id=store.id, poll_interval_ms=20)
        assert attached.status == "completed"
        found = await vectorgate.vector_stores.asearch(store.id, "until when can it be returned?")
        assert found.data[0].file_id == file

    asyncio.run(main())


def test_the_file_of_an_upload_in_parts_may_be_text_that_is_its_path(
    gateway: Client, server: FaultyUpstream, tmp_path: Path
) -> None:
    path = tmp_path / "returns.md"
    path.write_bytes(b"thirty days")
    gateway.uploads.upload_file_chunked(file=str(path), mime_type="text/markdown", purpose="assistants")
    created, part, _ = server.received
    assert (created.document["bytes"], created.document["filename"]) == (11, "returns.md")
    assert b"thirty days" in part.body
    with pytest.raises(FileNotFoundError):
        gateway.uploads.upload_file_chunked(file=str(tmp_path / "none"), mime_type="a/b", purpose="assistants")


def test_parts_have_a_size_that_every_entry_point_takes_unless_the_caller_names_one(
    gateway: Client, server: FaultyUpstream
) -> None:
    gateway.uploads.upload_file_chunked(file=bytes(9_000_000), mime_type="a/b", purpose="vision")
    created, *parts, completed = server.received
    assert (created.document["bytes"], created.document["filename"]) == (9_000_000, "upload")
    assert [len(part.body) // 1_000_000 for part in parts] == [4, 4, 1]
    assert all(len(part.body) < 4_400_000 for part in parts)
    assert completed.document == {"part_ids": ["vs_1"] * 3}
    with pytest.raises(ValueError, match="at least one byte"):
        gateway.uploads.upload_file_chunked(file=b"a", mime_type="a/b", purpose="vision", part_size=0)
    assert server.calls == 5

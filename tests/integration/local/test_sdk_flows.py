"""Typical flows of the official SDK, sync and async, through the gateway to the embedded engine."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.harnesses.local_process import KEY, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

POEM = b"The tides obey the moon. Sailors watch the almanac before they leave the harbour at night."
RECIPE = b"Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot."

Client = openai.OpenAI | openai.AsyncOpenAI


@pytest.fixture(scope="module")
def local_mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path_factory.mktemp("flows") / "home") as running:
        yield running


@pytest.fixture(params=[openai.OpenAI, openai.AsyncOpenAI], ids=["sync", "async"])
def run(request: pytest.FixtureRequest, local_mode: LocalProcess) -> Callable[[Callable[[Any], Awaitable[None]]], None]:
    """A function that runs a flow, which is written once for both clients."""

    async def whole(flow: Callable[[Any], Awaitable[None]]) -> None:
        client: Client = request.param(base_url=f"{local_mode.url}/v1", api_key=KEY, max_retries=0)
        try:
            await flow(client)
        finally:
            await _now(client.close())

    return lambda flow: asyncio.run(whole(flow))


async def _now(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


async def _all(pages: Any) -> list[Any]:
    """Return every item of every page, by the SDK's own paging."""
    if hasattr(pages, "__aiter__"):
        return [item async for item in pages]
    return list(pages)


async def _refused(kind: type[openai.APIStatusError], call: Callable[[], Any]) -> openai.APIStatusError:
    with pytest.raises(kind) as caught:
        await _now(call())
    return caught.value


def test_upload_and_poll_search_content_and_attributes(run: Any) -> None:
    async def flow(client: Any) -> None:
        store = await _now(client.vector_stores.create(name="flows", metadata={"team": "a"}))
        attached = await _now(
            client.vector_stores.files.upload_and_poll(vector_store_id=store.id, file=("tides.txt", POEM))
        )
        assert attached.status == "completed"
        updated = await _now(
            client.vector_stores.files.update(attached.id, vector_store_id=store.id, attributes={"topic": "sea"})
        )
        assert updated.attributes == {"topic": "sea"}
        sea = {"type": "eq", "key": "topic", "value": "sea"}
        found = await _all(client.vector_stores.search(store.id, query="when is high water?", filters=sea))
        assert [hit.file_id for hit in found] == [attached.id]
        assert 0 <= found[0].score <= 1
        parts = await _all(client.vector_stores.files.content(attached.id, vector_store_id=store.id))
        assert "".join(part.text for part in parts) == POEM.decode()
        gone = await _now(client.vector_stores.files.delete(attached.id, vector_store_id=store.id))
        assert gone.deleted
        assert (await _now(client.files.retrieve(attached.id))).filename == "tides.txt"

    run(flow)


def test_batches_run_report_each_failure_and_are_cancelled(run: Any) -> None:
    async def flow(client: Any) -> None:
        store = await _now(client.vector_stores.create())
        good = await _now(client.files.create(file=("bread.md", RECIPE), purpose="assistants"))
        bad = await _now(client.files.create(file=("photo.png", b"\x89PNG"), purpose="assistants"))
        files = [{"file_id": good.id, "attributes": {"n": 1}}, {"file_id": bad.id}]
        batch = await _now(client.vector_stores.file_batches.create_and_poll(store.id, files=files))
        assert (batch.file_counts.completed, batch.file_counts.failed) == (1, 1)
        failed = await _all(
            client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, filter="failed")
        )
        assert [(file.id, file.last_error.code) for file in failed] == [(bad.id, "unsupported_file")]
        again = await _now(client.vector_stores.file_batches.create(store.id, file_ids=[good.id]))
        cancelled = await _now(client.vector_stores.file_batches.cancel(again.id, vector_store_id=store.id))
        assert cancelled.status in {"cancelled", "completed"}

    run(flow)


def test_lists_page_through_everything_once_in_both_orders(run: Any) -> None:
    async def flow(client: Any) -> None:
        made = [(await _now(client.vector_stores.create(name=f"page {n}"))).id for n in range(5)]
        newest_first = [store.id for store in await _all(client.vector_stores.list(limit=2)) if store.id in made]
        oldest_first = [
            store.id for store in await _all(client.vector_stores.list(limit=2, order="asc")) if store.id in made
        ]
        assert sorted(newest_first) == sorted(made)
        assert oldest_first == newest_first[::-1]
        uploaded = (await _now(client.files.create(file=("a.txt", b"a"), purpose="user_data"))).id
        assert uploaded in [file.id for file in await _all(client.files.list(purpose="user_data", limit=1))]

    run(flow)


def test_a_store_is_renamed_expires_later_and_is_deleted(run: Any) -> None:
    async def flow(client: Any) -> None:
        store = await _now(client.vector_stores.create(name="before", expires_after=_days(1)))
        renamed = await _now(client.vector_stores.update(store.id, name="after", expires_after=_days(2)))
        assert (renamed.name, renamed.expires_after.days) == ("after", 2)
        assert (await _now(client.vector_stores.delete(store.id))).deleted
        await _refused(openai.NotFoundError, lambda: client.vector_stores.retrieve(store.id))

    run(flow)


def test_content_of_a_batch_file_comes_back_byte_for_byte(run: Any) -> None:
    async def flow(client: Any) -> None:
        content = b'{"custom_id": "1"}\n\xc3\xa9\x00\xff'
        file = await _now(client.files.create(file=("in.jsonl", content), purpose="batch"))
        assert (await _now(client.files.content(file.id))).content == content
        private = await _now(client.files.create(file=("p.txt", b"p"), purpose="assistants"))
        await _refused(openai.BadRequestError, lambda: client.files.content(private.id))

    run(flow)


def test_errors_arrive_as_their_typed_classes_with_code_param_and_request_id(run: Any) -> None:
    async def flow(client: Any) -> None:
        stores = client.vector_stores
        error = await _refused(openai.BadRequestError, lambda: stores.create(expires_after=_days(366)))
        assert (error.code, error.param) == ("integer_above_max_value", "expires_after.days")
        assert error.request_id
        error = await _refused(openai.BadRequestError, lambda: stores.create(extra_body={"api_base": "http://evil"}))
        assert (error.code, error.param) == ("unknown_parameter", "api_base")
        await _refused(openai.NotFoundError, lambda: stores.create(file_ids=["file-absent"]))
        unauthenticated = client.with_options(api_key="sk-unknown")
        error = await _refused(openai.AuthenticationError, unauthenticated.vector_stores.list)
        assert error.code == "invalid_api_key"

    run(flow)


def _days(days: int) -> Any:
    return {"anchor": "last_active_at", "days": days}


def test_a_file_in_parts_is_attached_and_searched(run: Any, tmp_path: Path) -> None:
    path = tmp_path / "tides.txt"
    path.write_bytes(POEM + b"\n" + b"Filler of no weight. " * 450_000)

    async def flow(client: Any) -> None:
        big = await _now(
            client.uploads.upload_file_chunked(
                file=path, mime_type="text/plain", purpose="assistants", part_size=4_000_000
            )
        )
        assert (big.status, big.file.bytes) == ("completed", path.stat().st_size)
        upload = await _now(
            client.uploads.create(filename="poem.txt", bytes=len(POEM), mime_type="text/plain", purpose="assistants")
        )
        halves = [(await _now(client.uploads.parts.create(upload.id, data=half))).id for half in (POEM[40:], POEM[:40])]
        done = await _now(client.uploads.complete(upload.id, part_ids=halves[::-1]))
        store = await _now(client.vector_stores.create())
        attached = await _now(client.vector_stores.files.create_and_poll(done.file.id, vector_store_id=store.id))
        assert attached.status == "completed"
        found = await _all(client.vector_stores.search(store.id, query="when do sailors leave?"))
        assert [hit.file_id for hit in found] == [done.file.id]
        assert big.file.id in [file.id for file in await _all(client.files.list())]
        cancelled = await _now(
            client.uploads.create(filename="a", bytes=1, mime_type="text/plain", purpose="assistants")
        )
        assert (await _now(client.uploads.cancel(cancelled.id))).status == "cancelled"
        await _refused(openai.BadRequestError, lambda: client.uploads.parts.create(cancelled.id, data=b"a"))
        await _refused(openai.NotFoundError, lambda: client.uploads.cancel("upload_absent"))

    run(flow)

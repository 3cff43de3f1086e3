"""The Responses API of local mode by openai's clients, sync and async: the embedded model answers from a store."""

from __future__ import annotations

import asyncio
import inspect
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest

from tests.harnesses.local_process import KEY, LocalProcess
from vectorgate.client.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MODEL: Final = "embedded-extractive"
DOCUMENTS: Final = {
    "tides.md": "The tides obey the moon. Sailors watch the almanac before they leave the harbour at night.",
    "bread.md": "Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot.",
}
ANSWER: Final = f'tides.md: "{DOCUMENTS["tides.md"]}"'


@pytest.fixture(scope="module")
def local_mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path_factory.mktemp("responses") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def store(local_mode: LocalProcess) -> str:
    """A store of two documents."""
    with openai.OpenAI(base_url=f"{local_mode.url}/v1", api_key=KEY) as client:
        files = [(name, text.encode()) for name, text in DOCUMENTS.items()]
        file_ids = [client.files.create(file=file, purpose="assistants").id for file in files]
        found = client.vector_stores.create(name="two").id
        client.vector_stores.file_batches.create_and_poll(found, file_ids=file_ids)
        return found


@pytest.fixture(params=[openai.OpenAI, openai.AsyncOpenAI], ids=["sync", "async"])
def run(request: pytest.FixtureRequest, local_mode: LocalProcess, store: str) -> Callable[[Any], None]:
    """A function that runs a flow, which is written once for both clients."""
    tools = [{"type": "file_search", "vector_store_ids": [store]}]
    asked = {"model": MODEL, "input": "What do the tides obey?", "tools": tools}

    async def whole(flow: Any) -> None:
        client = request.param(base_url=f"{local_mode.url}/v1", api_key=KEY, max_retries=0)
        try:
            await flow(client, asked)
        finally:
            await _now(client.close())

    return lambda flow: asyncio.run(whole(flow))


async def _now(answer: Any) -> Any:
    return await answer if inspect.isawaitable(answer) else answer


async def _all(items: Any) -> list[Any]:
    return [item async for item in items] if hasattr(items, "__aiter__") else list(items)


def cited(response: Any) -> list[str]:
    """The names of the files that an answer cites."""
    parts = [part for item in response.output if item.type == "message" for part in item.content]
    return [annotation.filename for part in parts for annotation in part.annotations]


def test_an_answer_is_made_kept_listed_and_deleted(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        made = await _now(client.responses.create(**asked))
        assert (made.output_text, cited(made)) == (ANSWER, ["tides.md"])
        kept = await _now(client.responses.retrieve(made.id, include=["file_search_call.results"]))
        assert [result.filename for result in kept.output[0].results] == ["tides.md", "bread.md"]
        (item,) = await _all(await _now(client.responses.input_items.list(made.id)))
        assert item.content[0].text == asked["input"]
        again = await _now(client.responses.create(**{**asked, "input": "And bread?"}, previous_response_id=made.id))
        assert cited(again) == ["bread.md"]
        assert again.usage.input_tokens > made.usage.input_tokens
        await _now(client.responses.delete(made.id))
        with pytest.raises(openai.NotFoundError):
            await _now(client.responses.retrieve(made.id))

    run(flow)


def test_an_answer_in_the_background_is_polled_for(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        response = await _now(client.responses.create(**asked, background=True))
        assert response.status == "queued"
        while response.status in {"queued", "in_progress"}:
            await asyncio.sleep(0.05)
            response = await _now(client.responses.retrieve(response.id))
        assert (response.output_text, cited(response)) == (ANSWER, ["tides.md"])
        assert (await _now(client.responses.cancel(response.id))).status == "completed"

    run(flow)


def test_the_model_is_listed_and_its_tokens_are_counted(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        assert [model.id for model in await _all(await _now(client.models.list()))] == [MODEL]
        assert (await _now(client.models.retrieve(MODEL))).id == MODEL
        counted = await _now(client.responses.input_tokens.count(model=MODEL, input=asked["input"]))
        assert counted.input_tokens > 0
        compacted = await _now(client.responses.compact(model=MODEL, input=asked["input"]))
        assert compacted.output[-1].type == "compaction"

    run(flow)


def test_an_answer_is_streamed_event_by_event(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        events = await _all(await _now(client.responses.create(**asked, stream=True)))
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert [event.type for event in events][:2] == ["response.created", "response.in_progress"]
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        final = events[-1].response
        assert (events[-1].type, text, cited(final)) == ("response.completed", ANSWER, ["tides.md"])
        assert await _now(client.responses.retrieve(final.id)) == final

    run(flow)


def test_the_clients_stream_helper_collects_the_answer(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        manager = client.responses.stream(**asked)
        if hasattr(manager, "__aenter__"):
            async with manager as stream:
                final = await stream.get_final_response()
        else:
            with manager as stream:
                final = stream.get_final_response()
        assert (final.output_text, cited(final)) == (ANSWER, ["tides.md"])

    run(flow)


def test_a_stream_in_the_background_is_taken_up_where_it_was_left(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        first = await _all(await _now(client.responses.create(**asked, background=True, stream=True)))
        assert [event.type for event in first][1] == "response.queued"
        stream = await _now(client.responses.retrieve(first[0].response.id, stream=True, starting_after=4))
        assert [event.sequence_number for event in await _all(stream)] == [event.sequence_number for event in first[5:]]

    run(flow)


def test_a_stream_that_cannot_begin_is_an_error_as_without_a_stream(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        for options in ({"temperature": 3}, {"reasoning": {"effort": "low"}}, {"model": "gpt-4.1"}):
            refused = []
            for stream in (False, True):
                with pytest.raises(openai.APIStatusError) as caught:
                    await _now(client.responses.create(**{**asked, **options}, stream=stream))
                refused.append((caught.value.status_code, caught.value.body))
            assert refused[0] == refused[1]

    run(flow)


def test_a_stream_in_the_background_that_breaks_is_resumed_after_its_last_event(run: Any) -> None:
    async def flow(client: Any, asked: dict[str, Any]) -> None:
        stream = await _now(client.responses.create(**asked, background=True, stream=True))
        events = [await anext(stream) if hasattr(stream, "__anext__") else next(stream) for _ in range(3)]
        await _now(stream.close())
        resumed = await _now(
            client.responses.retrieve(events[0].response.id, stream=True, starting_after=events[-1].sequence_number)
        )
        events += await _all(resumed)
        assert [event.sequence_number for event in events] == list(range(len(events)))
        assert (events[-1].type, events[-1].response.output_text) == ("response.completed", ANSWER)

    run(flow)


def test_our_sdk_resumes_it_too(local_mode: LocalProcess, store: str) -> None:
    asked: dict[str, Any] = {
        "model": MODEL,
        "input": "What do the tides obey?",
        "tools": [{"type": "file_search", "vector_store_ids": [store]}],
    }
    with Client(base_url=f"{local_mode.url}/v1", api_key=KEY) as client:
        with client.responses.create(**asked, background=True, stream=True) as stream:
            begun = [next(stream) for _ in range(3)]
        last = begun[-1].sequence_number
        assert begun[0].response is not None
        name = begun[0].response.id
        rest = list(client.responses.retrieve(name, stream=True, starting_after=last))

        async def awaited() -> list[Any]:
            async with client, await client.responses.aretrieve(name, stream=True, starting_after=last) as events:
                return [event async for event in events]

        assert [event.sequence_number for event in asyncio.run(awaited())] == [event.sequence_number for event in rest]
    numbers = [event.sequence_number for event in [*begun, *rest]]
    assert numbers == list(range(len(numbers)))
    assert rest[-1].response is not None
    assert rest[-1].response.output_text == ANSWER

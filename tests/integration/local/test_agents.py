"""OpenAI's Agents SDK against local mode: an agent answers from two documents by file search, and cites them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import openai
import pytest
from agents import (
    Agent,
    FileSearchTool,
    MessageOutputItem,
    OpenAIResponsesModel,
    RunConfig,
    Runner,
    ToolCallItem,
)
from openai.types.responses import ResponseFileSearchToolCall, ResponseOutputText

from tests.harnesses.local_process import KEY, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.result import RunResultBase

TIDES: Final = b"The tides obey the moon. Sailors watch the almanac before they leave the harbour at night."
BREAD: Final = b"Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot."
QUIET: Final = RunConfig(tracing_disabled=True)


@pytest.fixture(scope="module")
def edition(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path_factory.mktemp("agents") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def store(edition: LocalProcess) -> str:
    with openai.OpenAI(base_url=f"{edition.url}/v1", api_key=KEY) as client:
        documents = (("tides.md", TIDES), ("bread.md", BREAD))
        file_ids = [client.files.create(file=each, purpose="assistants").id for each in documents]
        found = client.vector_stores.create(name="two").id
        client.vector_stores.file_batches.create_and_poll(found, file_ids=file_ids)
        return found


def cited(result: RunResultBase) -> list[str]:
    """The names of the files that a run's messages cite."""
    messages = [item.raw_item for item in result.new_items if isinstance(item, MessageOutputItem)]
    parts = [part for message in messages for part in message.content if isinstance(part, ResponseOutputText)]
    return [each.filename for part in parts for each in part.annotations if each.type == "file_citation"]


def test_an_agent_answers_from_the_documents_run_and_streamed(edition: LocalProcess, store: str) -> None:
    async def flow() -> None:
        async with openai.AsyncOpenAI(base_url=f"{edition.url}/v1", api_key=KEY) as client:
            model = OpenAIResponsesModel("embedded-extractive", openai_client=client)
            search = FileSearchTool(vector_store_ids=[store], max_num_results=3, include_search_results=True)
            agent = Agent(name="Librarian", instructions="Answer from the files.", tools=[search], model=model)
            first = await Runner.run(agent, "What do the tides obey?", run_config=QUIET)
            assert first.final_output == f'tides.md: "{TIDES.decode()}"'
            assert cited(first) == ["tides.md"]
            (call,) = [item.raw_item for item in first.new_items if isinstance(item, ToolCallItem)]
            assert isinstance(call, ResponseFileSearchToolCall)
            assert [result.filename for result in call.results or []] == ["tides.md", "bread.md"]
            asked = [*first.to_input_list(), {"role": "user", "content": "And what is in the dough?"}]
            second = Runner.run_streamed(agent, asked, run_config=QUIET)  # type: ignore[arg-type]
            kinds = [event.type async for event in second.stream_events()]
            assert "raw_response_event" in kinds
            assert cited(second) == ["bread.md"]

    asyncio.run(flow())

"""An agent of OpenAI's Agents SDK that searches a store: apart, for the SDK takes seconds to import."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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

if TYPE_CHECKING:
    from agents.result import RunResultBase
    from openai import AsyncOpenAI

QUIET: Final = RunConfig(tracing_disabled=True)


def cited(result: RunResultBase) -> list[str]:
    """The names of the files that a run's messages cite."""
    messages = [item.raw_item for item in result.new_items if isinstance(item, MessageOutputItem)]
    parts = [part for message in messages for part in message.content if isinstance(part, ResponseOutputText)]
    return [each.filename for part in parts for each in part.annotations if each.type == "file_citation"]


async def check_agent(client: AsyncOpenAI, store: str, tides: str) -> None:
    """Ask two questions, the second streamed: each is answered from its own document of `store`, and cites it."""
    model = OpenAIResponsesModel("embedded-extractive", openai_client=client)
    search = FileSearchTool(vector_store_ids=[store], max_num_results=3, include_search_results=True)
    agent = Agent(name="Librarian", instructions="Answer from the files.", tools=[search], model=model)
    first = await Runner.run(agent, "What do the tides obey?", run_config=QUIET)
    assert first.final_output == f'tides.md: "{tides}"'
    assert cited(first) == ["tides.md"]
    (call,) = [item.raw_item for item in first.new_items if isinstance(item, ToolCallItem)]
    assert isinstance(call, ResponseFileSearchToolCall)
    assert [result.filename for result in call.results or []] == ["tides.md", "bread.md"]
    asked = [*first.to_input_list(), {"role": "user", "content": "And what is in the dough?"}]
    second = Runner.run_streamed(agent, asked, run_config=QUIET)
    kinds = [event.type async for event in second.stream_events()]
    assert "raw_response_event" in kinds
    assert cited(second) == ["bread.md"]

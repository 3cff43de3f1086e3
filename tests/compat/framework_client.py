"""A framework's own file-search sample: `framework_client.py FRAMEWORK URL STORE`, with the key in VECTORGATE_KEY.

Runs in an interpreter of its own. Prints the answers and the files that they cite, as it is streamed and as it is not.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import sys
from typing import Any

MODEL = "embedded-extractive"
QUESTION = "What do the tides obey?"

# By name: the types of this tree are checked without them.
load: Any = importlib.import_module


async def openai_agents(url: str, key: str, store: str) -> list[dict[str, Any]]:
    """OpenAI Agents SDK: an agent with the file-search tool, run and streamed."""
    agents, openai = load("agents"), load("openai")
    agents.set_tracing_disabled(True)
    agents.set_default_openai_client(openai.AsyncOpenAI(api_key=key, base_url=url), use_for_tracing=False)
    search = agents.FileSearchTool(max_num_results=3, vector_store_ids=[store], include_search_results=True)
    agent = agents.Agent(name="File searcher", instructions="Be helpful", tools=[search], model=MODEL)
    whole = await agents.Runner.run(agent, QUESTION)
    streamed = agents.Runner.run_streamed(agent, QUESTION)
    async for _ in streamed.stream_events():
        pass
    return [
        found(
            result.final_output,
            [part.annotations for item in result.new_items for part in getattr(item.raw_item, "content", [])],
        )
        for result in (whole, streamed)
    ]


async def langchain(url: str, key: str, store: str) -> list[dict[str, Any]]:
    """LangChain: a chat model with the tool bound, invoked and streamed."""
    chat = load("langchain_openai").ChatOpenAI(model=MODEL, api_key=key, base_url=url, use_responses_api=True)
    model = chat.bind_tools([{"type": "file_search", "vector_store_ids": [store]}])
    whole = await model.ainvoke(QUESTION)
    streamed: Any = None
    async for chunk in model.astream(QUESTION):
        streamed = chunk if streamed is None else streamed + chunk
    return [
        found(message.text, [block.get("annotations", []) for block in message.content if isinstance(block, dict)])
        for message in (whole, streamed)
    ]


async def pydantic_ai(url: str, key: str, store: str) -> list[dict[str, Any]]:
    """pydantic-ai: an agent with the native tool, run and streamed."""
    ai, models, native = load("pydantic_ai"), load("pydantic_ai.models.openai"), load("pydantic_ai.capabilities")
    provider = load("pydantic_ai.providers.openai").OpenAIProvider(api_key=key, base_url=url)
    settings = models.OpenAIResponsesModelSettings(openai_include_raw_annotations=True)
    model = models.OpenAIResponsesModel(MODEL, provider=provider, settings=settings)
    agent = ai.Agent(model, capabilities=[native.NativeTool(ai.FileSearchTool(file_store_ids=[store]))])
    whole = await agent.run(QUESTION)
    async with agent.run_stream(QUESTION) as streamed:
        text = await streamed.get_output()
    return [
        found(output, [(part.provider_details or {}).get("annotations", []) for part in response.parts])
        for output, response in ((whole.output, whole.response), (text, streamed.response))
    ]


async def llama_index(url: str, key: str, store: str) -> list[dict[str, Any]]:
    """LlamaIndex: `OpenAIResponses` with a built-in tool, asked and streamed."""
    responses, message = load("llama_index.llms.openai").OpenAIResponses, load("llama_index.core.llms").ChatMessage
    tools = [{"type": "file_search", "vector_store_ids": [store]}]
    model = responses(model=MODEL, api_key=key, api_base=url, built_in_tools=tools, context_window=8192)
    asked = [message(role="user", content=QUESTION)]
    whole = await model.achat(asked)
    streamed = [chunk async for chunk in await model.astream_chat(asked)][-1]
    return [
        found(answer.message.content, [answer.additional_kwargs.get("annotations", [])]) for answer in (whole, streamed)
    ]


async def litellm(url: str, key: str, store: str) -> list[dict[str, Any]]:
    """LiteLLM's SDK: `aresponses` with the tool, asked and streamed."""
    tools = [{"type": "file_search", "vector_store_ids": [store]}]
    asked = {"model": f"openai/{MODEL}", "input": QUESTION, "tools": tools, "api_key": key, "api_base": url}
    whole = await load("litellm").aresponses(**asked)
    events = [event async for event in await load("litellm").aresponses(**asked, stream=True)]
    outputs = [[item.model_dump() for item in answer.output] for answer in (whole, events[-1].response)]
    parts = [[part for item in output for part in item.get("content") or []] for output in outputs]
    return [found(each[0]["text"], [part["annotations"] for part in each]) for each in parts]


def found(text: str, annotations: list[Any]) -> dict[str, Any]:
    """An answer and the names of the files that it cites."""
    cited = [each if isinstance(each, dict) else each.model_dump() for part in annotations for each in part]
    return {"text": text, "cited": [each.get("filename") or each["title"] for each in cited]}


if __name__ == "__main__":
    framework, *where = sys.argv[1:]
    answers = asyncio.run(globals()[framework](where[0], os.environ["VECTORGATE_KEY"], where[1]))
    sys.stdout.write(json.dumps(answers) + "\n")

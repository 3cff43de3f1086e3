"""OpenAI's Agents SDK against local mode: an agent answers from two documents by file search, and cites them."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Final

import openai
import pytest

from tests.harnesses.local_process import KEY, LocalProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

TIDES: Final = b"The tides obey the moon. Sailors watch the almanac before they leave the harbour at night."
BREAD: Final = b"Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot."


@pytest.fixture(scope="module")
def local_mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalProcess]:
    with LocalProcess(tmp_path_factory.mktemp("agents") / "home") as running:
        yield running


@pytest.fixture(scope="module")
def store(local_mode: LocalProcess) -> str:
    with openai.OpenAI(base_url=f"{local_mode.url}/v1", api_key=KEY) as client:
        documents = (("tides.md", TIDES), ("bread.md", BREAD))
        file_ids = [client.files.create(file=each, purpose="assistants").id for each in documents]
        found = client.vector_stores.create(name="two").id
        client.vector_stores.file_batches.create_and_poll(found, file_ids=file_ids)
        return found


def test_an_agent_answers_from_the_documents_run_and_streamed(local_mode: LocalProcess, store: str) -> None:
    check_agent = importlib.import_module("tests.helpers.agent").check_agent  # here, or every worker would load it

    async def flow() -> None:
        async with openai.AsyncOpenAI(base_url=f"{local_mode.url}/v1", api_key=KEY) as client:
            await check_agent(client, store, TIDES.decode())

    asyncio.run(flow())

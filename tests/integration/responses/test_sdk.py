"""Responses by our own SDK, through the gateway's socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.fakes.openai_responses import TEXT
from vectorgate.client.client import Client
from vectorgate.client.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

    from tests.harnesses.gateway import GatewayHarness, GatewayServer

MODEL = "gpt-5-mini"
RED = "sk-red-responses"  # the key of `red`


@pytest.fixture
def sdk(gateway_server: GatewayServer, red: OpenAI) -> Iterator[Client]:
    del red  # which adds the key
    with Client(base_url=gateway_server.url, api_key=RED) as client:
        yield client


def test_a_response_has_its_text_its_usage_and_its_cost(sdk: Client, store: str) -> None:
    tools = [{"type": "file_search", "vector_store_ids": [store]}]
    response = sdk.responses.create(model=MODEL, input="When?", tools=tools)
    assert response.output_text == TEXT
    assert response.usage is not None
    assert response.usage.input_tokens > 0
    assert response.response_cost
    assert sdk.responses.retrieve(response.id).id == response.id
    assert [model.id for model in sdk.models.list()] == ["gpt-5", "gpt-5-mini", "gpt-5-nano"]


def test_a_background_response_is_waited_for_and_a_deleted_one_is_absent(harness: GatewayHarness, sdk: Client) -> None:
    queued = sdk.responses.create(model=MODEL, input="q", background=True)
    harness.openai.model.finish(queued.id)
    assert sdk.responses.wait_for_completion(queued.id, max_wait_seconds=5).output_text == TEXT
    sdk.responses.delete(queued.id)
    with pytest.raises(NotFoundError):
        sdk.responses.retrieve(queued.id)


def test_a_lost_create_is_not_run_twice_by_a_key_of_the_callers_own(harness: GatewayHarness, sdk: Client) -> None:
    ids = {sdk.responses.create(model=MODEL, input="q", idempotency_key="once").id for _ in range(2)}
    assert len(ids) == len(harness.openai.model.counted) == 1


def test_the_awaited_form_does_the_same(gateway_server: GatewayServer, red: OpenAI) -> None:
    del red

    async def main() -> str:
        async with Client(base_url=gateway_server.url, api_key=RED) as client:
            return (await client.responses.acreate(model=MODEL, input="q")).output_text

    assert asyncio.run(main()) == TEXT

"""Responses by Azure: the paths of Azure's clients, and of its API in each form, made, streamed, read and counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.openai_responses import TEXT
from tests.harnesses.azure import AzureGatewayHarness
from vectorgate.ledger.entry import State
from vectorgate.pricing.tokens import MILLION

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayServer

MODEL = "gpt-5-mini"
DATED = "2025-04-01-preview"
NAMED = {"custom-llm-provider": "azure"}


@pytest.fixture(scope="session")
def harness_type() -> type[AzureGatewayHarness]:
    return AzureGatewayHarness


def use_all(client: openai.OpenAI) -> None:
    """Call every operation on responses and models."""
    store = client.vector_stores.create().id
    tools: list[Any] = [{"type": "file_search", "vector_store_ids": [store]}]
    made = client.responses.create(model=MODEL, input="When?", tools=tools)
    assert made.output_text == TEXT
    with client.responses.stream(model=MODEL, input="When?", tools=tools) as stream:
        assert stream.get_final_response().output_text == TEXT
    assert client.responses.retrieve(made.id).id == made.id
    assert client.responses.input_items.list(made.id).data
    assert client.responses.input_tokens.count(model=MODEL, input="When?").input_tokens
    assert client.responses.compact(model=MODEL, input="When?").usage.input_tokens
    client.responses.cancel(client.responses.create(model=MODEL, input="When?", background=True).id)
    client.responses.delete(made.id)
    assert MODEL in [model.id for model in client.models.list()]
    assert client.models.retrieve(MODEL).id == MODEL


@pytest.mark.parametrize(("options", "prefix"), [({}, "/openai/v1/"), ({"api_version": DATED}, "/openai/")])
def test_azures_client_uses_every_operation_in_the_form_that_the_secret_says(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, options: dict[str, str], prefix: str
) -> None:
    key = harness.key("sk-of-azure", team="red", models=("*",))
    harness.set_azure_secret(**options)
    with openai.AzureOpenAI(
        azure_endpoint=gateway_server.url, api_key=key, api_version=DATED, max_retries=0, default_headers=NAMED
    ) as client:
        use_all(client)
    paths = [received.path for received in harness.azure_upstream.received]
    assert {path.removeprefix(prefix).partition("/")[0].partition("?")[0] for path in paths} == {
        "vector_stores",
        "responses",
        "models",
    }
    assert not harness.upstream.received


@pytest.mark.parametrize("prefix", ["/openai", "/openai/v1", "/v1", ""])
def test_every_prefix_reaches_responses_and_their_charge_is_azures(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, prefix: str
) -> None:
    key = harness.key("sk-of-azure", team="red", models=("*",))
    with openai.OpenAI(
        base_url=gateway_server.url + prefix, api_key=key, max_retries=0, default_headers=NAMED
    ) as client:
        made = client.responses.create(model=MODEL, input="When?")
        assert client.responses.retrieve(made.id).id == made.id
    harness.settle()
    (row,) = [row for row in harness.rows() if row.operation == "responses.create"]
    assert (row.state, row.provider, row.price_id) == (State.SETTLED, "azure", "azure.gpt-5-mini.2025-08-07")
    assert row.spend
    assert row.spend > (row.output_tokens or 0) * 2_000_000_000 // MILLION


def test_a_foreign_store_reaches_azure_by_no_path(harness: AzureGatewayHarness, gateway_server: GatewayServer) -> None:
    red, blue = (harness.key(f"sk-of-{team}", team=team, models=("*",)) for team in ("red", "blue"))
    with openai.OpenAI(base_url=gateway_server.url, api_key=red, default_headers=NAMED) as client:
        store = client.vector_stores.create().id
    harness.azure_upstream.forget()
    for prefix in ("/openai", "/openai/v1", "/v1", ""):
        with openai.OpenAI(base_url=gateway_server.url + prefix, api_key=blue, default_headers=NAMED) as client:
            for stream in (False, True):
                tools: list[Any] = [{"type": "file_search", "vector_store_ids": [store]}]
                with pytest.raises(openai.NotFoundError):
                    client.responses.create(model=MODEL, input="q", tools=tools, stream=stream)
    assert not harness.azure_upstream.received

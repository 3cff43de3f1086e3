"""Rows 1 and 2 of docs/security.md for the Azure providers: only the secret decides where a request and a key go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.azure_search_requests import BODIES, ask
from tests.fakes.azure import AZURE_KEY, SEARCH_KEY, VERSION
from tests.fakes.upstream import FaultyUpstream, answer
from tests.harnesses.azure import READ, VIRTUAL, WRITE, AzureGatewayHarness
from vectorgate.api.operations import Media
from vectorgate.azure_search.operations import INDEX_OPERATIONS, IndexOperation

if TYPE_CHECKING:
    import httpx

FIELDS = (
    "api_base",
    "base_url",
    "api_key",
    "api_version",
    "headers",
    "extra_headers",
    "endpoint",
    "resourceUri",
    "uri",
)
WITH_BODY = [row for row in INDEX_OPERATIONS if row.media is Media.JSON]


@pytest.fixture(scope="session")
def harness_type() -> type[AzureGatewayHarness]:
    return AzureGatewayHarness


@pytest.fixture
def key(harness: AzureGatewayHarness) -> str:
    """The secret of a key that may read and write a virtual index."""
    harness.index()
    return harness.index_key("sk-both-ways", READ, WRITE)


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.name)
@pytest.mark.parametrize("name", FIELDS)
def test_no_body_says_where_to_or_with_what(
    harness: AzureGatewayHarness, http: httpx.Client, key: str, row: IndexOperation, name: str
) -> None:
    answered = ask(http, key, row, json={**BODIES[row.name], name: "http://169.254.169.254/latest"})
    assert answered.status_code == 400
    assert name in answered.json()["error"]["message"]
    assert harness.asked_no_provider()


@pytest.mark.parametrize("row", INDEX_OPERATIONS, ids=lambda row: f"{row.method} {row.name}")
@pytest.mark.parametrize("name", FIELDS)
def test_no_query_says_where_to_or_with_what(
    harness: AzureGatewayHarness, http: httpx.Client, key: str, row: IndexOperation, name: str
) -> None:
    path = "/azure_ai" + row.path.format(index=VIRTUAL, key="1")
    body = BODIES.get(row.name) if row.media is Media.JSON else None
    query = {"api-version": VERSION, name: "http://169.254.169.254"}
    answered = http.request(row.method, path, params=query, json=body, headers={"api-key": key})
    assert answered.status_code == 400
    assert harness.asked_no_provider()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(harness: AzureGatewayHarness, http: httpx.Client, key: str, status: int) -> None:
    with FaultyUpstream(answer(200, {})) as elsewhere:
        there = {"location": f"{elsewhere.url}/stolen"}
        harness.search_upstream.always(answer(status, {}, there))
        harness.azure_upstream.always(answer(status, {}, there))
        named: dict[str, Any] = {"params": {"custom-llm-provider": "azure"}, "headers": {"api-key": key}}
        assert ask(http, key, INDEX_OPERATIONS[1]).status_code == 502
        assert http.post("/openai/v1/vector_stores", json={}, **named).status_code == 502
        assert elsewhere.connections == 0


def test_a_key_goes_to_its_own_host_alone(harness: AzureGatewayHarness, http: httpx.Client, key: str) -> None:
    """Every provider is asked once, and receives its own key and no other."""
    for provider in ("openai", "azure"):
        headers = {"api-key": key, "custom-llm-provider": provider}
        assert http.post("/openai/vector_stores", json={}, headers=headers).is_success
    ask(http, key, INDEX_OPERATIONS[1])
    seen = {
        name: str(stub.received)
        for name, stub in (("azure", harness.azure_upstream), ("search", harness.search_upstream))
    }
    seen["openai"] = str(harness.upstream.received)
    assert {name for name, text in seen.items() if AZURE_KEY in text} == {"azure"}
    assert {name for name, text in seen.items() if SEARCH_KEY in text} == {"search"}
    assert not any(key in text for text in seen.values())

"""Rows 1 and 2 of docs/security.md for the Azure providers: only the secret says where a request and a key go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.azure_requests import BODIES, ask
from tests.fakes.upstream import FaultyUpstream, answer
from tests.harnesses.azure import AZURE_KEY, SEARCH_KEY, VERSION, VIRTUAL, AzureGate
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


@pytest.mark.parametrize("row", WITH_BODY, ids=lambda row: row.name)
@pytest.mark.parametrize("name", FIELDS)
def test_no_body_says_where_to_or_with_what(
    harness: AzureGate, http: httpx.Client, key: str, row: IndexOperation, name: str
) -> None:
    answered = ask(http, key, row, json={**BODIES[row.name], name: "http://169.254.169.254/latest"})
    assert answered.status_code == 400
    assert name in answered.json()["error"]["message"]
    assert harness.nothing_left_here()


@pytest.mark.parametrize("row", INDEX_OPERATIONS, ids=lambda row: f"{row.method} {row.name}")
@pytest.mark.parametrize("name", FIELDS)
def test_no_query_says_where_to_or_with_what(
    harness: AzureGate, http: httpx.Client, key: str, row: IndexOperation, name: str
) -> None:
    path = "/azure_ai" + row.path.format(index=VIRTUAL, key="1")
    body = BODIES.get(row.name) if row.media is Media.JSON else None
    query = {"api-version": VERSION, name: "http://169.254.169.254"}
    answered = http.request(row.method, path, params=query, json=body, headers={"api-key": key})
    assert answered.status_code == 400
    assert harness.nothing_left_here()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(harness: AzureGate, http: httpx.Client, key: str, status: int) -> None:
    with FaultyUpstream(answer(200, {})) as elsewhere:
        there = {"location": f"{elsewhere.url}/stolen"}
        harness.search.always(answer(status, {}, there))
        harness.azure.always(answer(status, {}, there))
        named: dict[str, Any] = {"params": {"custom-llm-provider": "azure"}, "headers": {"api-key": key}}
        assert ask(http, key, INDEX_OPERATIONS[1]).status_code == 502
        assert http.post("/openai/v1/vector_stores", json={}, **named).status_code == 502
        assert elsewhere.connections == 0


def test_a_key_goes_to_its_own_host_alone(harness: AzureGate, http: httpx.Client, key: str) -> None:
    """Every provider is asked once; each one saw its own key, and no other."""
    for provider in ("openai", "azure"):
        headers = {"api-key": key, "custom-llm-provider": provider}
        assert http.post("/openai/vector_stores", json={}, headers=headers).is_success
    ask(http, key, INDEX_OPERATIONS[1])
    seen = {name: str(stub.received) for name, stub in (("azure", harness.azure), ("search", harness.search))}
    seen["openai"] = str(harness.upstream.received)
    assert {name for name, text in seen.items() if AZURE_KEY in text} == {"azure"}
    assert {name for name, text in seen.items() if SEARCH_KEY in text} == {"search"}
    assert not any(key in text for text in seen.values())

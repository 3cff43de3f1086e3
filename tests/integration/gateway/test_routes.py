"""Routes: a slash at the end, and the APIs of providers that are not configured."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import ResourceNotFoundError
from azure.search.documents.indexes import SearchIndexClient

from tests.factories.secrets import MASTER_KEY
from vectorgate.admin.routes import ROUTES
from vectorgate.api.errors import NotFound
from vectorgate.api.http import Request
from vectorgate.api.operations import OPERATIONS, Operation
from vectorgate.api.router import PREFIXES, SEARCH_PREFIX, route
from vectorgate.azure_search.operations import INDEX_OPERATIONS, IndexOperation
from vectorgate.azure_search.router import route as search_route
from vectorgate.bootstrap import build_gateway
from vectorgate.ids import ProviderName

if TYPE_CHECKING:
    import httpx

    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from vectorgate.api.http import Response

KEY = "sk-routes"
IDS = {name: "any-1" for operation in OPERATIONS for name in operation.parameters}


@pytest.fixture
def keyed(harness: GatewayHarness) -> GatewayHarness:
    harness.key(KEY, team="routes")
    return harness


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.parametrize("prefix", ["", *PREFIXES])
def test_a_slash_at_the_end_of_a_path_changes_nothing(operation: Operation, prefix: str) -> None:
    path = prefix + operation.path.format_map(IDS)
    assert route(operation.method, path + "/") == route(operation.method, path)
    with pytest.raises(NotFound):
        route(operation.method, path + "//")


@pytest.mark.parametrize("operation", INDEX_OPERATIONS, ids=lambda operation: operation.name)
def test_a_slash_at_the_end_of_a_path_changes_nothing_in_azure_ai_search(operation: IndexOperation) -> None:
    for variant in operation.path_variants:
        path = SEARCH_PREFIX + variant.format(index="docs", key="1")
        assert search_route(operation.method, path + "/") == search_route(operation.method, path)
        with pytest.raises(NotFound):
            search_route(operation.method, path + "//")


@pytest.mark.parametrize(("method", "path"), list(ROUTES))
def test_a_slash_at_the_end_of_a_path_changes_nothing_for_the_administrator(
    harness: GatewayHarness, method: str, path: str
) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    with_, without, twice = (
        harness.app.handle(Request(method=method, path=path + slash, headers=headers)) for slash in ("/", "", "//")
    )
    assert (with_.status, code_of(with_)) == (without.status, code_of(without))
    assert code_of(with_) != "unknown_url"
    assert (twice.status, code_of(twice)) == (404, "unknown_url")


def code_of(response: Response) -> object:
    """Return the code of the error in a response; None for a success."""
    document = json.loads(response.read_body())
    return document["error"]["code"] if isinstance(document, dict) and "error" in document else None


@pytest.mark.parametrize("path", ["/v1/vector_stores/", "/vector_stores/", "/openai/v1/files/"])
def test_a_list_is_served_with_a_slash_over_a_socket(keyed: GatewayHarness, http: httpx.Client, path: str) -> None:
    answer = http.get(path, headers={"authorization": f"Bearer {KEY}"})
    assert (answer.status_code, answer.json()["data"]) == (200, [])
    assert keyed.rows()[-1].operation.endswith(".list")


def test_health_is_served_with_a_slash(http: httpx.Client) -> None:
    assert {(http.get(path).status_code, http.get(path).text) for path in ("/healthz", "/healthz/")} == {
        (200, '{"status":"ok"}')
    }


@pytest.mark.parametrize("path", ["/azure_ai", "/azure_ai/", "/azure_ai/indexes", "/azure_ai/indexes/docs/docs/search"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_azure_ai_search_says_that_it_is_not_configured(keyed: GatewayHarness, method: str, path: str) -> None:
    response = keyed.gateway.handle(Request(method=method, path=path, headers={"api-key": KEY}))
    error = json.loads(response.read_body())["error"]
    assert (response.status, error["code"]) == (404, "provider_not_configured")
    assert error["message"] == "No provider of Azure AI Search ('azure_ai') is configured on this gateway."
    assert keyed.upstream.calls == 0


def test_azures_own_client_shows_that_it_is_not_configured(
    keyed: GatewayHarness, gateway_server: GatewayServer
) -> None:
    assert keyed.gateway.surfaces == ()
    url = f"http://127.0.0.1:{gateway_server.port}{SEARCH_PREFIX}"
    with (
        SearchIndexClient(url, AzureKeyCredential(KEY), api_version="2024-07-01") as client,
        pytest.raises(ResourceNotFoundError, match="No provider of Azure AI Search"),
    ):
        client.get_index("docs")


def test_what_is_not_configured_is_told_to_callers_with_a_key_alone(harness: GatewayHarness) -> None:
    assert harness.gateway.handle(Request(method="GET", path="/azure_ai/indexes")).status == 401


def test_a_gateway_without_openais_api_says_so_too(keyed: GatewayHarness) -> None:
    settings = replace(keyed.settings, secrets={ProviderName("azure_ai"): "secret"})
    gateway = build_gateway(settings, keyed.deps)
    response = gateway.handle(Request(method="GET", path="/v1/files", headers={"api-key": KEY}))
    error = json.loads(response.read_body())["error"]
    assert (response.status, error["code"]) == (404, "provider_not_configured")


def test_a_store_in_azure_ai_search_is_refused_with_the_way_to_its_indexes(keyed: GatewayHarness) -> None:
    headers = {"api-key": KEY, "custom-llm-provider": "azure_ai"}
    response = keyed.gateway.handle(Request(method="POST", path="/v1/vector_stores", headers=headers))
    error = json.loads(response.read_body())["error"]
    assert (response.status, error["param"]) == (400, "custom_llm_provider")
    assert error["message"] == (
        "Invalid value: 'azure_ai'. Supported values are: 'openai'. Azure AI Search has no vector stores: where it is "
        "configured, its paths begin with /azure_ai/."
    )

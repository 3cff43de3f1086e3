"""The official `azure-search-documents` client, which gets virtual names where the service has real ones."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from azure.core import MatchConditions
from azure.core.credentials import AzureKeyCredential
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceModifiedError,
    ResourceNotFoundError,
)
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.indexes.models import (
    HnswAlgorithmConfiguration,
    SearchField,
    SearchIndex,
    SimpleField,
    VectorSearch,
    VectorSearchProfile,
)
from azure.search.documents.models import VectorizedQuery

from tests.fakes.azure import SEARCH_KEY, VERSION
from tests.harnesses.azure import READ, REAL, VIRTUAL, AzureGatewayHarness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import GatewayServer


class Admin(Protocol):
    """Make a client for indexes."""

    def __call__(self, key: str) -> SearchIndexClient: ...


@pytest.fixture
def admin(gateway_server: GatewayServer) -> Iterator[Admin]:
    with ExitStack() as stack:

        def made(key: str) -> SearchIndexClient:
            return stack.enter_context(
                SearchIndexClient(f"{gateway_server.url}/azure_ai", AzureKeyCredential(key), retry_total=0)
            )

        yield made


@pytest.fixture
def client(gateway_server: GatewayServer, key: str) -> Iterator[SearchClient]:
    with SearchClient(f"{gateway_server.url}/azure_ai", VIRTUAL, AzureKeyCredential(key), retry_total=0) as client:
        yield client


def definition(name: str = VIRTUAL) -> SearchIndex:
    """Return the definition of an index with a vector, as in the service's documentation."""
    fields = [
        SimpleField(name="id", type="Edm.String", key=True),
        SearchField(name="text", type="Edm.String", searchable=True),
        SearchField(
            name="vector",
            type="Collection(Edm.Single)",
            searchable=True,
            vector_search_dimensions=3,
            vector_search_profile_name="p",
        ),
    ]
    vectors = VectorSearch(
        algorithms=[HnswAlgorithmConfiguration(name="h")],
        profiles=[VectorSearchProfile(name="p", algorithm_configuration_name="h")],
    )
    return SearchIndex(name=name, fields=fields, vector_search=vectors)


def test_the_life_of_an_index(harness: AzureGatewayHarness, admin: Admin, client: SearchClient, key: str) -> None:
    indexes = admin(key)
    created = indexes.create_index(definition())
    assert created.name == VIRTUAL
    assert REAL in harness.azure_search.indexes
    assert indexes.get_index(VIRTUAL).name == VIRTUAL
    assert [index.name for index in indexes.list_indexes()] == [VIRTUAL]
    assert list(indexes.list_index_names()) == [VIRTUAL]

    documents: list[dict[Any, Any]] = [
        {"id": "a=1", "text": f"named {REAL}", "vector": [0.1, 0.2, -0.3]},
        {"id": "b_2", "text": "b"},
    ]
    assert [outcome.succeeded for outcome in client.upload_documents(documents)] == [True, True]
    assert client.get_document("a=1")["text"] == f"named {REAL}"  # a document is the tenant's own text
    assert client.get_document_count() == 2
    assert client.delete_documents([{"id": "b_2"}])[0].succeeded
    assert indexes.get_index_statistics(VIRTUAL).document_count == 2

    query = VectorizedQuery(vector=[0.1, 0.2, 0.3], k_nearest_neighbors=2, fields="vector")
    found = client.search("inn", vector_queries=[query], filter="text eq 'b'", top=5, include_total_count=True)
    assert [document["id"] for document in found] == ["a=1", "b_2"]
    assert found.get_count() == 2
    sent = harness.search_upstream.received[-1].document
    assert sent["filter"] == "text eq 'b'"
    assert sent["vectorQueries"][0]["vector"] == [0.1, 0.2, 0.3]  # type: ignore[index]
    assert client.suggest("in", "sg")[0]["@search.text"] == "Inn"
    assert client.autocomplete("in", "sg")[0]["text"] == "inn"

    indexes.delete_index(VIRTUAL)
    assert harness.azure_search.indexes == {}
    with pytest.raises(ResourceNotFoundError):
        indexes.get_index(VIRTUAL)


def test_the_service_is_asked_for_the_real_index_with_its_own_key(
    harness: AzureGatewayHarness, admin: Admin, client: SearchClient, key: str
) -> None:
    admin(key).create_or_update_index(definition())
    client.upload_documents([{"id": "1"}])
    list(client.search("x"))
    for received in harness.search_upstream.received:
        assert received.headers["api-key"] == SEARCH_KEY
        assert key not in str(received.headers)
        assert VIRTUAL not in received.path
        assert received.path.startswith(f"/indexes('{REAL}')")
        assert received.path.endswith(f"?api-version={VERSION}")
        assert set(received.headers) <= {
            "host",
            "accept",
            "accept-encoding",
            "api-key",
            "content-type",
            "content-length",
            "user-agent",
            "prefer",
        }
    assert harness.search_upstream.received[0].headers["prefer"] == "return=representation"
    assert harness.search_upstream.received[0].document["name"] == REAL


def test_create_or_update_tells_new_from_known(admin: Admin, key: str) -> None:
    indexes = admin(key)
    first = indexes.create_or_update_index(definition())
    again = indexes.create_or_update_index(first, match_condition=MatchConditions.IfNotModified)
    assert again.e_tag == first.e_tag
    again.e_tag = '"0x2"'
    with pytest.raises(ResourceModifiedError) as refused:
        indexes.create_or_update_index(again, match_condition=MatchConditions.IfNotModified)
    assert REAL not in str(refused.value)
    with pytest.raises(ResourceExistsError) as exists:
        indexes.create_index(definition())
    assert VIRTUAL in str(exists.value)
    assert REAL not in str(exists.value)


def test_outcomes_of_single_documents_arrive(admin: Admin, client: SearchClient, key: str) -> None:
    admin(key).create_index(definition())
    good, bad = client.upload_documents([{"id": "1"}, {"text": "no key"}])
    assert good.succeeded
    assert (bad.succeeded, bad.status_code) == (False, 400)
    assert VIRTUAL in str(bad.error_message)
    assert REAL not in str(bad.error_message)


CALLS: dict[str, Any] = {
    "search": lambda client: list(client.search("x")),
    "get_document": lambda client: client.get_document("1"),
    "count": lambda client: client.get_document_count(),
    "upload": lambda client: client.upload_documents([{"id": "1"}]),
    "suggest": lambda client: client.suggest("x", "sg"),
    "autocomplete": lambda client: client.autocomplete("x", "sg"),
}


@pytest.mark.parametrize("call", CALLS)
def test_an_unknown_key_is_refused(harness: AzureGatewayHarness, gateway_server: GatewayServer, call: str) -> None:
    with (
        SearchClient(
            f"{gateway_server.url}/azure_ai", VIRTUAL, AzureKeyCredential("sk-unknown"), retry_total=0
        ) as client,
        pytest.raises(ClientAuthenticationError) as refused,
    ):
        CALLS[call](client)
    assert refused.value.error is not None
    assert refused.value.error.code == "invalid_api_key"
    assert harness.asked_no_provider()


@pytest.mark.parametrize("call", CALLS)
def test_an_index_that_the_key_has_no_permission_for_is_not_there(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, call: str
) -> None:
    harness.index()
    other = harness.index_key("sk-other", READ, index="something-else")
    with (
        SearchClient(f"{gateway_server.url}/azure_ai", VIRTUAL, AzureKeyCredential(other), retry_total=0) as client,
        pytest.raises(ResourceNotFoundError),
    ):
        CALLS[call](client)
    assert harness.asked_no_provider()


def test_the_services_own_errors_arrive_in_its_words(harness: AzureGatewayHarness, admin: Admin, key: str) -> None:
    with pytest.raises(HttpResponseError) as refused:
        admin(key).get_index(VIRTUAL)
    error = refused.value.error
    assert error is not None
    assert error.message == f"No index with the name '{VIRTUAL}' was found in service 'svc'."
    assert [detail.code for detail in error.details] == ["Detail"]
    assert refused.value.response is not None
    assert refused.value.response.headers["request-id"] == "9f0c-req"  # type: ignore[attr-defined]
    assert harness.rows()[-1].upstream_request_id is None
    assert harness.rows()[-1].state == "voided"

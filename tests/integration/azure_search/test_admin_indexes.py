"""`/v1/indexes` as in LiteLLM, and a key with permissions on the index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.azure_search_requests import DEFINITION, SEARCH_ROW, ask, row
from tests.factories.secrets import MASTER_KEY
from tests.harnesses.azure import REAL, VIRTUAL

if TYPE_CHECKING:
    import httpx

    from tests.harnesses.azure import AzureGatewayHarness

MASTER = {"authorization": f"Bearer {MASTER_KEY}"}
PARAMS = {"vector_store_index": REAL, "vector_store_name": "azure-ai-search"}
INDEX = {"index_name": VIRTUAL, "litellm_params": PARAMS}


def test_the_flow_of_litellms_page(harness: AzureGatewayHarness, http: httpx.Client) -> None:
    made = http.post("/v1/indexes", json=INDEX, headers=MASTER)
    assert made.status_code == 200
    assert {name: made.json()[name] for name in INDEX} == INDEX
    grant = [{"index_name": VIRTUAL, "index_permissions": ["read", "write"]}]
    key = http.post("/key/generate", json={"allowed_vector_store_indexes": grant}, headers=MASTER).json()["key"]
    assert ask(http, key, row("indexes.update", "PUT"), json=DEFINITION).status_code == 201
    assert ask(http, key, SEARCH_ROW).is_success
    assert list(harness.azure_search.indexes) == [REAL]

    assert http.get("/v1/indexes", headers=MASTER).json()["data"] == [made.json()]
    again = http.post("/v1/indexes", json=INDEX, headers=MASTER)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "index_exists")
    assert http.post("/v1/indexes/delete", json={"index_name": VIRTUAL}, headers=MASTER).json()["deleted"]
    assert http.post("/v1/indexes/delete", json={"index_name": VIRTUAL}, headers=MASTER).status_code == 404
    assert ask(http, key, SEARCH_ROW).status_code == 404
    assert list(harness.azure_search.indexes) == [REAL]


def test_only_the_master_key_may(http: httpx.Client, key: str) -> None:
    for headers in ({}, {"api-key": key}, {"authorization": f"Bearer {key}"}):
        assert http.post("/v1/indexes", json=INDEX, headers=headers).status_code == 401
        assert http.get("/v1/indexes", headers=headers).status_code == 401


BAD: dict[str, dict[str, Any]] = {
    "no params": {"index_name": VIRTUAL},
    "a name with a quote": {**INDEX, "index_name": "a'b"},
    "a name with a slash": {**INDEX, "index_name": "a/b"},
    "a name with a separator": {**INDEX, "index_name": "a#b"},
    "an empty name": {**INDEX, "index_name": ""},
    "a real name with a path": {**INDEX, "litellm_params": {**PARAMS, "vector_store_index": "a/../b"}},
    "a real name with a quote": {**INDEX, "litellm_params": {**PARAMS, "vector_store_index": "a')('b"}},
    "a real name in capitals": {**INDEX, "litellm_params": {**PARAMS, "vector_store_index": "Hotels"}},
    "a real name too short": {**INDEX, "litellm_params": {**PARAMS, "vector_store_index": "a"}},
    "a label with a separator": {**INDEX, "litellm_params": {**PARAMS, "vector_store_name": "a#b"}},
    "a host": {**INDEX, "litellm_params": {**PARAMS, "api_base": "http://x"}},
    "something else": {**INDEX, "role": "admin"},
}


@pytest.mark.parametrize("what", BAD)
def test_what_cannot_be_a_virtual_index_is_refused(harness: AzureGatewayHarness, http: httpx.Client, what: str) -> None:
    answered = http.post("/v1/indexes", json=BAD[what], headers=MASTER)
    assert (answered.status_code, answered.json()["error"]["type"]) == (400, "invalid_request_error")
    assert list(harness.stores.indexes.all_indexes()) == []
    assert http.post("/v1/indexes/delete", json={"index_name": "a/b"}, headers=MASTER).status_code == 404

"""What a request of the Azure AI Search surface may contain, and what of it is passed on: bodies, queries, headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from tests.factories.azure_search_requests import CREATE, DEFINITION, SEARCH_ROW, UPDATE, UPLOAD, ask
from tests.fakes.azure import VERSION
from tests.harnesses.azure import VIRTUAL, AzureGatewayHarness

if TYPE_CHECKING:
    import httpx

    from vectorgate.azure_search.operations import IndexOperation


def nested(depth: int) -> bytes:
    return b'{"value":' + b"[" * depth + b"]" * depth + b"}"


REFUSED: dict[str, tuple[IndexOperation, Any]] = {
    "another name than the path's": (UPDATE, {**DEFINITION, "name": "other"}),
    "a name that is none": (CREATE, {**DEFINITION, "name": "a'b"}),
    "no name": (CREATE, {"fields": []}),
    "a name that is a number": (CREATE, {**DEFINITION, "name": 7}),
    "a key vault": (CREATE, {**DEFINITION, "encryptionKey": {"keyVaultUri": "http://169.254.169.254"}}),
    "a vectorizer": (
        CREATE,
        {**DEFINITION, "vectorSearch": {"vectorizers": [{"kind": "customWebApi", "uri": "http://169.254.169.254"}]}},
    ),
    "a vectorizer in disguise": (CREATE, {**DEFINITION, "vectorSearch": {"Vectorizers": [{}]}}),
    "no vector search at all": (CREATE, {**DEFINITION, "vectorSearch": "x"}),
    "an image by its URL": (
        SEARCH_ROW,
        {"vectorQueries": [{"kind": "imageUrl", "url": "http://169.254.169.254", "fields": "f"}]},
    ),
    "an image in disguise": (SEARCH_ROW, {"vectorQueries": [{"kind": "text", "URL": "http://x", "text": "t"}]}),
    "vector queries that are none": (SEARCH_ROW, {"vectorQueries": {"kind": "text"}}),
    "documents that are none": (UPLOAD, {"value": [1]}),
    "no documents": (UPLOAD, {}),
    "a field beside the documents": (UPLOAD, {"value": [], "api_base": "http://x"}),
    **{
        f"{field} in a {kind}": (row, {**base, field: "http://169.254.169.254"})
        for field in (
            "api_base",
            "base_url",
            "api_key",
            "api_version",
            "headers",
            "extra_headers",
            "custom_llm_provider",
        )
        for kind, row, base in (("search", SEARCH_ROW, {"search": "*"}), ("definition", CREATE, DEFINITION))
    },
    "a key that comes twice": (SEARCH_ROW, b'{"search":"a","search":"b"}'),
    "no JSON": (SEARCH_ROW, b"{"),
    "no object": (SEARCH_ROW, b"[]"),
    "not a number": (UPLOAD, b'{"value":[{"v":[NaN]}]}'),
    "a huge integer": (UPLOAD, b'{"value":[{"v":' + b"9" * 5000 + b"}]}"),
    "half a surrogate": (UPLOAD, b'{"value":[{"v":"\\ud800"}]}'),
    "brackets without end": (UPLOAD, nested(100_000)),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_body_that_is_refused_goes_nowhere(
    harness: AzureGatewayHarness, http: httpx.Client, made: str, what: str
) -> None:
    row, body = REFUSED[what]
    changes: dict[str, Any] = {"json": body}
    if isinstance(body, bytes):
        changes = {"json": None, "content": body, "headers": {"api-key": made, "content-type": "application/json"}}
    answered = ask(http, made, row, **changes)
    assert answered.status_code == 400, answered.text
    assert set(answered.json()["error"]) == {"code", "message"}
    assert answered.json()["error"]["message"]
    assert harness.asked_no_provider()


def test_a_body_is_bounded(harness: AzureGatewayHarness, http: httpx.Client, made: str) -> None:
    for row, size in ((SEARCH_ROW, 600 * 1024), (UPLOAD, 17 * 1024 * 1024)):
        content = b'{"value":[{"v":"' + b"a" * size + b'"}]}'
        headers = {"api-key": made, "content-type": "application/json"}
        answered = ask(http, made, row, json=None, content=content, headers=headers)
        assert answered.status_code == 413
        assert "fewer documents" in answered.json()["error"]["message"]
    assert harness.asked_no_provider()


def test_a_thousand_vectors_fit_into_one_upload(harness: AzureGatewayHarness, http: httpx.Client, made: str) -> None:
    vectors = [{"id": str(number), "v": [0.0125, -1e-7, 12345678901234567] * 256} for number in range(1000)]
    answered = ask(http, made, UPLOAD, json={"value": vectors})
    assert answered.status_code == 200
    assert harness.search_upstream.received[0].document == {"value": vectors}


QUERIES = {
    "unknown": {"$fliter": "x"},
    "of a POST": {"facet": "a"},
    "too long": {"search": "x" * 9000},
    "subscription": {"api-key": "k"},
}


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_parameter_that_would_get_lost_is_refused(
    harness: AzureGatewayHarness, http: httpx.Client, made: str, query: str
) -> None:
    path, headers = f"/azure_ai/indexes/{VIRTUAL}/docs", {"api-key": made}
    answered = http.get(path, params={"api-version": VERSION, **QUERIES[query]}, headers=headers)
    assert answered.status_code == 400
    assert harness.asked_no_provider()


def test_query_parameters_are_forwarded_as_they_were_meant(
    harness: AzureGatewayHarness, http: httpx.Client, made: str
) -> None:
    said = {"search": "a b&c=d#e/../f'", "$filter": "x eq 'ü'", "$top": "5", "api-version": VERSION}
    path, headers = f"/azure_ai/indexes('{VIRTUAL}')/docs", {"api-key": made}
    assert http.get(path, params=said, headers=headers).is_success
    _, _, query = harness.search_upstream.received[0].path.partition("?")
    assert dict(parse_qsl(query, strict_parsing=True)) == said
    assert "+" not in query


def test_of_the_clients_headers_only_the_listed_ones_pass(
    harness: AzureGatewayHarness, http: httpx.Client, made: str
) -> None:
    headers = {
        "api-key": made,
        "accept": "application/json;odata.metadata=none",
        "prefer": "return=minimal",
        "if-none-match": "*",
        "authorization": "Basic abc",
        "cookie": "a=b",
        "x-forwarded-host": "evil.example",
        "x-ms-client-request-id": "1",
        "x-http-method-override": "DELETE",
        "x-search-endpoint": "http://evil.example",
        "x-ms-query-source-authorization": "token",
        "transfer-encoding-x": "chunked",
        "host": "evil.example",
        "user-agent": "curl",
    }
    ask(http, made, UPDATE, headers=headers)
    sent = harness.search_upstream.received[0].headers
    expected = {"accept", "prefer", "if-none-match", "api-key", "content-type", "content-length", "user-agent"}
    assert set(sent) == expected | {"host", "accept-encoding"}
    assert sent["accept"] == "application/json;odata.metadata=none"
    assert "evil" not in str(sent)
    assert sent["user-agent"] == "vectorgate"


@pytest.mark.parametrize("value", ['"a" "b"', "abc", '"a"\tx', "W/*"])
def test_a_condition_that_is_none_is_refused(
    harness: AzureGatewayHarness, http: httpx.Client, made: str, value: str
) -> None:
    answered = ask(http, made, UPDATE, headers={"api-key": made, "if-match": value})
    assert answered.status_code == 400
    assert harness.asked_no_provider()

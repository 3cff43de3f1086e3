"""Azure OpenAI behind the gateway: `OpenAI` clients that name it, and `AzureOpenAI` clients."""

from __future__ import annotations

import asyncio
import io
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import pytest
from openai import (
    APIStatusError,
    AsyncAzureOpenAI,
    AzureOpenAI,
    BadRequestError,
    InternalServerError,
    NotFoundError,
    OpenAI,
)

from tests.factories.azure_errors import ERRORS, Said
from tests.fakes.azure import AZURE_KEY
from tests.fakes.upstream import answer
from tests.harnesses.azure import AzureGatewayHarness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import GatewayServer

DATED = "2025-04-01-preview"
STEPS = ("parts", "parts", "complete")
CLIENT_VERSION = "2024-05-01-preview"  # the client's version, which is not forwarded


@pytest.fixture(scope="session")
def harness_type() -> type[AzureGatewayHarness]:
    return AzureGatewayHarness


@pytest.fixture
def key(harness: AzureGatewayHarness) -> str:
    return harness.key("sk-virtual-of-red", team="red")


@pytest.fixture
def azure(gateway_server: GatewayServer, key: str) -> Iterator[OpenAI]:
    """OpenAI's client, which names the provider in a header."""
    headers = {"custom-llm-provider": "azure"}
    with OpenAI(base_url=gateway_server.url, api_key=key, max_retries=0, default_headers=headers) as client:
        yield client


def only(harness: AzureGatewayHarness) -> Received:
    """Return the one request that reached Azure."""
    (received,) = harness.azure_upstream.received
    return received


AZURE: dict[str, Any] = {"extra_body": {"custom_llm_provider": "azure"}}
FORMS = {
    "v1": ({}, "/openai/v1/vector_stores"),
    "preview": ({"api_version": "preview"}, "/openai/v1/vector_stores?api-version=preview"),
    "dated": ({"api_version": DATED}, f"/openai/vector_stores?api-version={DATED}"),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_store_is_created_in_the_form_that_the_secret_says(
    harness: AzureGatewayHarness, azure: OpenAI, form: str
) -> None:
    options, path = FORMS[form]
    harness.set_azure_secret(**options)
    created = azure.vector_stores.with_raw_response.create(name="docs")
    received = only(harness)
    assert received.path == path
    assert received.headers["api-key"] == AZURE_KEY
    assert "authorization" not in received.headers
    assert received.document["name"] == "docs"
    assert created.headers["x-request-id"] == "apim-77"
    assert "apim-request-id" not in created.headers
    assert created.parse().name == "docs"
    assert (harness.row().provider, harness.row().upstream_request_id) == ("azure", "apim-77")


@pytest.mark.parametrize("suffix", ["/openai", "/openai/v1", "/"])
def test_a_base_url_may_hold_what_people_copy_with_it(harness: AzureGatewayHarness, azure: OpenAI, suffix: str) -> None:
    harness.set_azure_secret(base_url=harness.azure_upstream.url.removesuffix("/v1") + suffix)
    azure.vector_stores.create()
    assert only(harness).path == "/openai/v1/vector_stores"


def test_the_key_goes_as_a_bearer_token_when_the_secret_says_so(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    harness.set_azure_secret(auth="bearer")
    harness.azure_openai.header = "authorization"
    azure.vector_stores.create()
    assert only(harness).headers["authorization"] == f"Bearer {AZURE_KEY}"
    assert "api-key" not in only(harness).headers


def test_a_key_is_sent_only_in_the_configured_way(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    harness.set_azure_secret(auth="api_key")
    with pytest.raises(InternalServerError) as refused:
        azure.vector_stores.create()
    assert refused.value.status_code == 503
    assert refused.value.code == "credential_unavailable"
    assert not harness.azure_upstream.received


@pytest.mark.parametrize("client_key", ["api_key", "azure_ad_token"])
def test_the_azure_client_can_call_every_operation(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, key: str, client_key: str
) -> None:
    """What it creates goes to the provider that owns it; the client's version is not forwarded."""
    options: dict[str, Any] = {client_key: key}
    with AzureOpenAI(
        azure_endpoint=gateway_server.url,
        api_version=CLIENT_VERSION,
        default_headers={"custom-llm-provider": "azure"},
        **options,
    ) as first:
        store = first.vector_stores.create(name="docs")
        file = first.files.create(file=io.BytesIO(b"text"), purpose="assistants")
    with AzureOpenAI(azure_endpoint=gateway_server.url, api_version=CLIENT_VERSION, max_retries=0, **options) as client:
        assert client.vector_stores.retrieve(store.id).id == store.id
        assert client.vector_stores.search(store.id, query="q").data == []
        assert client.vector_stores.files.create(store.id, file_id=file.id).id == file.id
        batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
        assert client.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id).status == "completed"
        assert client.files.content(file.id).read().startswith(b"\x00\x01")
        assert client.files.delete(file.id).deleted
        given_up = client.uploads.create(filename="a", bytes=1, mime_type="text/plain", purpose="fine-tune", **AZURE)
        assert client.uploads.cancel(given_up.id).status == "cancelled"
        assert client.vector_stores.delete(store.id).deleted
        with pytest.raises(NotFoundError):
            client.vector_stores.retrieve(store.id)
    assert not harness.upstream.received
    assert all(CLIENT_VERSION not in received.path for received in harness.azure_upstream.received)
    assert all(received.headers["api-key"] == AZURE_KEY for received in harness.azure_upstream.received)


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_parts_is_put_together_at_azure(harness: AzureGatewayHarness, azure: OpenAI, form: str) -> None:
    """The dated form has it since 2024-08-01-preview; a resource without it answers so itself."""
    said, path = FORMS[form]
    harness.set_azure_secret(**said)
    done = azure.uploads.upload_file_chunked(
        file=b"some text", filename="a.jsonl", bytes=9, mime_type="text/plain", purpose="fine-tune", part_size=5
    )
    assert done.file
    upload = path.replace("/vector_stores", "/uploads")
    steps = [upload, *(upload.replace("/uploads", f"/uploads/{done.id}/{step}") for step in STEPS)]
    assert [received.path for received in harness.azure_upstream.received] == steps
    assert azure.files.retrieve(done.file.id).filename == "a.jsonl"
    assert not harness.upstream.received


def test_a_form_names_the_provider_and_the_end_user_as_a_body_does(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, key: str
) -> None:
    """As with LiteLLM's clients, `extra_body` of a call with a form becomes fields of the form."""
    said = {"custom_llm_provider": "azure", "user": "ann"}
    with OpenAI(base_url=f"{gateway_server.url}/v1", api_key=key, max_retries=0) as client:
        file = client.files.create(file=("a.md", b"text"), purpose="assistants", extra_body=said)
        assert client.files.retrieve(file.id).id == file.id
        with pytest.raises(BadRequestError):
            client.files.create(file=("a.md", b"text"), purpose="assistants", extra_body={"api_base": "http://evil"})
    sent, _ = harness.azure_upstream.received
    assert b"custom_llm_provider" not in sent.body
    assert b'name="user"' not in sent.body
    assert [row.end_user for row in harness.rows()] == ["ann", None, None]
    assert not harness.upstream.received


def test_a_resource_without_uploads_says_so(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    harness.azure_upstream.will(answer(404, {"error": {"code": "404", "message": "Resource not found"}}))
    with pytest.raises(NotFoundError) as caught:
        azure.uploads.create(filename="a", bytes=1, mime_type="text/plain", purpose="assistants")
    assert caught.value.code == "unsupported_operation"


def test_the_azure_client_reaches_the_default_provider_when_it_names_none(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, key: str
) -> None:
    with AzureOpenAI(azure_endpoint=gateway_server.url, api_version=CLIENT_VERSION, api_key=key) as client:
        client.vector_stores.create()
        assert len(client.vector_stores.list().data) == 1
    assert harness.upstream.received[0].path == "/v1/vector_stores"
    assert not harness.azure_upstream.received


async def lists(gateway_server: GatewayServer, key: str) -> int:
    async with AsyncAzureOpenAI(azure_endpoint=gateway_server.url, api_version=CLIENT_VERSION, api_key=key) as client:
        await client.vector_stores.create(extra_body={"custom_llm_provider": "azure"})
        page = await client.vector_stores.list(extra_query={"custom-llm-provider": "azure"})
        return len(page.data)


def test_the_async_client_works_too(harness: AzureGatewayHarness, gateway_server: GatewayServer, key: str) -> None:
    assert asyncio.run(lists(gateway_server, key)) == 1
    assert not harness.upstream.received


@pytest.mark.parametrize("prefix", ["/openai", "/openai/v1", "/v1", ""])
@pytest.mark.usefixtures("harness")
def test_every_prefix_means_the_same(gateway_server: GatewayServer, key: str, prefix: str) -> None:
    with OpenAI(base_url=gateway_server.url + prefix, api_key=key, max_retries=0) as client:
        assert client.vector_stores.create().id == "vs_0"


class Limit(NamedTuple):
    """A call that Azure does not have, and its refusal."""

    what: str
    body: dict[str, object]
    refusal: tuple[int, str, str | None]


_NIN = {"type": "or", "filters": [{"type": "nin", "key": "k", "value": [1]}]}
_DEEP = {"type": "and", "filters": [{"type": "eq", "key": "k", "value": 1}, _NIN]}
_IN = {"type": "in", "key": "k", "value": ["v"]}
UNSUPPORTED = "unsupported_parameter"
LIMITS = [
    Limit("create", {"description": "d"}, (400, UNSUPPORTED, "description")),
    Limit("batch", {"files": [{"file_id": "FILE"}]}, (400, UNSUPPORTED, "files")),
    Limit("batch", {"file_ids": ["FILE"] * 501}, (400, "array_above_max_length", "file_ids")),
    Limit("search", {"filters": _IN}, (400, UNSUPPORTED, "filters.type")),
    Limit("search", {"filters": _DEEP}, (400, UNSUPPORTED, "filters.filters[1].filters[0].type")),
    Limit("content", {}, (404, "unsupported_operation", None)),
]


@pytest.mark.parametrize("limit", LIMITS)
def test_what_azure_does_not_have_is_refused_before_it_is_sent(
    harness: AzureGatewayHarness, azure: OpenAI, limit: Limit
) -> None:
    store = azure.vector_stores.create()
    file = azure.files.create(file=io.BytesIO(b"text"), purpose="assistants")
    body = _filled(limit.body, file.id)
    harness.azure_upstream.forget()
    with pytest.raises((BadRequestError, NotFoundError)) as refused:
        _call(azure, limit.what, store.id, file.id, body)
    assert (refused.value.status_code, refused.value.code, refused.value.param) == limit.refusal
    assert "Azure OpenAI" in refused.value.message or limit.refusal[1].startswith("array")
    assert not harness.azure_upstream.received
    assert harness.rows()[-1].state == "voided"


def _call(azure: OpenAI, what: str, store: str, file: str, body: Any) -> object:
    if what == "content":
        return azure.vector_stores.files.content(file, vector_store_id=store)
    path = {"create": "", "batch": f"/{store}/file_batches", "search": f"/{store}/search"}[what]
    query = {"query": "q"} if what == "search" else {}
    return azure.post(f"/vector_stores{path}", body={**query, **body}, cast_to=object)


def _filled(value: object, file_id: str) -> object:
    if isinstance(value, list):
        return [_filled(item, file_id) for item in value]
    if isinstance(value, dict):
        return {name: _filled(item, file_id) for name, item in value.items()}
    return file_id if value == "FILE" else value


def test_the_largest_batch_of_azure_passes(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    store = azure.vector_stores.create()
    file = azure.files.create(file=io.BytesIO(b"text"), purpose="assistants")
    assert azure.vector_stores.file_batches.create(store.id, file_ids=[file.id] * 500).status == "completed"
    assert harness.azure_upstream.calls == 3


@pytest.mark.parametrize("known", [True, False], ids=["the secret says so", "Azure says so"])
def test_a_resource_without_search_is_a_clear_404(harness: AzureGatewayHarness, azure: OpenAI, known: bool) -> None:  # noqa: FBT001
    harness.set_azure_secret(**({"search": False} if known else {}))
    harness.azure_openai.searches = False
    store = azure.vector_stores.create()
    harness.azure_upstream.forget()
    with pytest.raises(NotFoundError) as refused:
        azure.vector_stores.search(store.id, query="q")
    assert refused.value.code == "unsupported_operation"
    assert "search" in refused.value.message
    assert harness.azure_upstream.calls == (0 if known else 1)


@pytest.mark.parametrize("said", ERRORS)
def test_errors_of_azure_have_openais_four_fields(harness: AzureGatewayHarness, azure: OpenAI, said: Said) -> None:
    store = azure.vector_stores.create()
    harness.azure_upstream.always(answer(said.status, said.document, {"x-ms-request-id": "ms-5"}))
    with pytest.raises(APIStatusError) as refused:
        azure.vector_stores.retrieve(store.id)
    error, body = refused.value, cast("dict[str, object]", refused.value.body)
    assert (error.status_code, error.request_id) == (said.status, "ms-5")
    assert (error.type, error.code, body["message"]) == said.fields
    assert set(body) == {"message", "type", "param", "code"}


def test_neither_key_nor_host_of_the_resource_is_in_an_error(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    host = harness.azure_upstream.url.removeprefix("http://").removesuffix("/v1").partition(":")[0]
    store = azure.vector_stores.create()
    for said in (f"at {host} it failed", f"your key {AZURE_KEY} is odd"):
        harness.azure_upstream.always(answer(400, {"error": {"code": "400", "message": said}}))
        with pytest.raises(BadRequestError) as refused:
            azure.vector_stores.retrieve(store.id)
        assert host not in refused.value.response.text
        assert AZURE_KEY not in refused.value.response.text


def test_a_refused_credential_is_not_the_clients(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    harness.azure_upstream.always(answer(401, {"statusCode": 401, "message": "Access denied"}))
    with pytest.raises(InternalServerError) as refused:
        azure.vector_stores.create()
    assert (refused.value.status_code, refused.value.code) == (502, "provider_credential_refused")


def test_a_create_whose_outcome_is_unknown_is_not_repeated(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    harness.azure_upstream.always(answer(500, {"error": {"code": "500", "message": "oh"}}))
    with pytest.raises(InternalServerError) as refused:
        azure.vector_stores.create()
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert [received.method for received in harness.azure_upstream.received].count("POST") == 1
    assert harness.row().state == "uncertain"


def test_the_search_service_is_no_provider_of_openais_api(
    harness: AzureGatewayHarness, gateway_server: GatewayServer, key: str
) -> None:
    headers = {"custom-llm-provider": "azure_ai"}
    with ExitStack() as stack:
        client = stack.enter_context(
            OpenAI(base_url=gateway_server.url, api_key=key, default_headers=headers, max_retries=0)
        )
        with pytest.raises(BadRequestError) as refused:
            client.vector_stores.create()
    assert refused.value.param == "custom_llm_provider"
    assert harness.asked_no_provider()


def test_every_call_has_a_price(harness: AzureGatewayHarness, azure: OpenAI) -> None:
    azure.vector_stores.create()
    assert harness.settle() == 1
    assert (harness.row().price_id, harness.row().spend) == ("azure.calls.2025-03-11", 0)

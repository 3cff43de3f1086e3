"""What clients send and read beside OpenAI's schema: empty fields, mocks, and sizes under two names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import answer

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness

CREATE_BATCH = "/vector_stores/{}/file_batches"


@pytest.fixture
def client(harness: GatewayHarness, connect: Connect) -> openai.OpenAI:
    return connect(harness.key("sk-dialects", team="dialects"))


def made(client: openai.OpenAI) -> tuple[str, str]:
    """Create a store and a file, and return their ids."""
    file = client.files.create(file=("notes.md", b"x"), purpose="assistants").id
    return client.vector_stores.create(name="x").id, file


def batch(client: openai.OpenAI, store: str, body: dict[str, object]) -> dict[str, Any]:
    """Create a batch from a body that the client's own methods would not send."""
    answered: dict[str, Any] = client.post(CREATE_BATCH.format(store), cast_to=dict, body=body)
    return answered


def test_a_store_files_text_may_come_as_the_reference_shows_it(harness: GatewayHarness, client: openai.OpenAI) -> None:
    store, file = made(client)
    shown = {
        "file_id": file, "filename": "notes.md", "attributes": {}, "content": [{"type": "text", "text": "x"}],
    }  # fmt: skip
    harness.upstream.will(answer(200, shown))
    assert client.get(f"/vector_stores/{store}/files/{file}/content", cast_to=dict) == shown


@pytest.mark.parametrize("empty", ["files", "file_ids"])
def test_an_empty_list_beside_the_other_one_is_as_good_as_absent(
    harness: GatewayHarness, client: openai.OpenAI, empty: str
) -> None:
    store, file = made(client)
    other: dict[str, object] = {"file_ids": [file]} if empty == "files" else {"files": [{"file_id": file}]}
    assert batch(client, store, {empty: [], **other})["object"] == "vector_store.file_batch"
    assert harness.upstream.received[-1].document == other


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"file_ids": ["file-a"], "files": [{"file_id": "file-a"}]}, "mutually_exclusive_parameters", "files"),
        ({"file_ids": [], "files": []}, "empty_array", "file_ids"),
        ({"files": []}, "empty_array", "files"),
        ({"file_ids": []}, "empty_array", "file_ids"),
        ({}, "missing_required_parameter", "file_ids"),
    ],
)
def test_a_batch_is_of_one_list_of_files(client: openai.OpenAI, body: dict[str, object], code: str, param: str) -> None:
    store, _ = made(client)
    with pytest.raises(openai.BadRequestError) as caught:
        batch(client, store, body)
    assert (caught.value.code, caught.value.param) == (code, param)


@pytest.mark.parametrize(("said", "added"), [("usage_bytes", "bytes"), ("bytes", "usage_bytes")])
def test_a_mock_of_a_store_has_its_size_by_both_names_as_every_store_has(
    harness: GatewayHarness, client: openai.OpenAI, said: str, added: str
) -> None:
    mock = {"id": "vs_abc123", "object": "vector_store", said: 7}
    answered = client.vector_stores.with_raw_response.create(name="a", extra_body={"mock_response": mock})
    assert answered.http_response.json() == {**mock, added: 7}
    listed = {"object": "list", "data": [store_document("vs_1", usage_bytes=3)]}
    shown = client.vector_stores.with_raw_response.create(name="a", extra_body={"mock_response": listed})
    assert shown.http_response.json()["data"][0]["bytes"] == 3
    assert harness.upstream.calls == 0

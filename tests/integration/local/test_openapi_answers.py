"""What local mode answers is what `openapi.json` says, operation by operation."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

import httpx2
import jsonschema
import pytest

from tests.harnesses.local_process import KEY, ROOT, LocalProcess
from vectorgate.api.operations import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENT: Final[dict[str, Any]] = json.loads((ROOT / "openapi.json").read_text("utf-8"))
TEXT: Final = ("tides.md", b"The tides obey the moon.", "text/markdown")


class DescribedClient:
    """A client that checks each answer, and remembers which operations it was given one by."""

    def __init__(self, http: httpx2.Client) -> None:
        self.http = http
        self.seen: set[str] = set()

    def call(self, name: str, status: int = 200, ids: dict[str, str] | None = None, **options: Any) -> Any:
        """The body of the operation's answer, which has that status and is in its schema."""
        operation = BY_NAME[name]
        answer = self.http.request(operation.method, "/v1" + operation.path.format_map(ids or {}), **options)
        assert answer.status_code == status, answer.text
        described = DOCUMENT["paths"][f"/v1{operation.path}"][operation.method.lower()]["responses"][str(status)]
        if "$ref" in described:
            described = DOCUMENT["components"]["responses"][described["$ref"].rpartition("/")[2]]
        self.seen.add(name)
        return _checked(answer, described["content"])

    def until_indexed(self, ids: dict[str, str]) -> None:
        """Wait for a file in a store."""
        deadline = time.monotonic() + 20
        while self.call("vector_stores.files.retrieve", ids=ids)["status"] == "in_progress":
            assert time.monotonic() < deadline
            time.sleep(0.05)


def _checked(answer: httpx2.Response, content: dict[str, Any]) -> Any:
    (media_type,) = content
    assert answer.headers["content-type"].partition(";")[0] == media_type
    if media_type != "application/json":
        return answer.content
    schema = {**content[media_type]["schema"], "components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator(schema).validate(answer.json())
    return answer.json()


@pytest.fixture
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DescribedClient]:
    with (
        LocalProcess(tmp_path_factory.mktemp("described") / "home") as local_mode,
        httpx2.Client(base_url=local_mode.url, headers={"authorization": f"Bearer {KEY}"}) as http,
    ):
        yield DescribedClient(http)


def test_every_operation_answers_as_described(client: DescribedClient) -> None:
    stores(client)
    uploads(client)
    responses(client)
    refusals(client)
    assert client.seen == BY_NAME.keys()


def stores(client: DescribedClient) -> None:
    """A store, a file, and all that can be done with them."""
    file = client.call("files.create", data={"purpose": "assistants"}, files={"file": TEXT})["id"]
    expires = {"anchor": "last_active_at", "days": 7}
    body = {"name": "n", "metadata": {"a": "b"}, "expires_after": expires}
    store = client.call("vector_stores.create", json=body)["id"]
    ids = {"vector_store_id": store, "file_id": file}
    client.call("vector_stores.list")
    client.call("vector_stores.retrieve", ids=ids)
    client.call("vector_stores.update", ids=ids, json={"name": "m"})
    client.call("vector_stores.files.create", ids=ids, json={"file_id": file, "attributes": {"k": 1}})
    client.until_indexed(ids)
    client.call("vector_stores.files.list", ids=ids)
    client.call("vector_stores.files.update", ids=ids, json={"attributes": {"k": "v"}})
    client.call("vector_stores.files.content", ids=ids)
    found = client.call("vector_stores.search", ids=ids, json={"query": "tides"})
    assert found["data"]
    batch = client.call("vector_stores.file_batches.create", ids=ids, json={"file_ids": [file]})["id"]
    for name in ("retrieve", "list_files"):
        client.call(f"vector_stores.file_batches.{name}", ids={**ids, "batch_id": batch})
    again = client.call("vector_stores.file_batches.create", ids=ids, json={"file_ids": [file]})["id"]
    client.call("vector_stores.file_batches.cancel", ids={**ids, "batch_id": again})
    client.call("files.list")
    client.call("files.retrieve", ids=ids)
    client.call("vector_stores.files.delete", ids=ids)
    client.call("vector_stores.delete", ids=ids)
    client.call("files.delete", ids=ids)
    # What is there for searches is not handed out again: OpenAI's own rule.
    other = client.call("files.create", data={"purpose": "vision"}, files={"file": TEXT})["id"]
    assert client.call("files.content", ids={"file_id": other}) == TEXT[1]


def uploads(client: DescribedClient) -> None:
    """A file in parts, and an upload that is given up."""
    body = {"filename": "f.md", "purpose": "assistants", "bytes": 4, "mime_type": "text/markdown"}
    upload = {"upload_id": client.call("uploads.create", json=body)["id"]}
    part = client.call("uploads.parts.create", ids=upload, files={"data": ("part", b"text")})["id"]
    assert client.call("uploads.complete", ids=upload, json={"part_ids": [part]})["file"]
    client.call("uploads.cancel", ids={"upload_id": client.call("uploads.create", json=body)["id"]})


def responses(client: DescribedClient) -> None:
    """A response and what can be asked of it, one in the background, and models."""
    body = {"model": "embedded-extractive", "input": "What obeys the moon?"}
    made = {"response_id": client.call("responses.create", json=body)["id"]}
    client.call("responses.retrieve", ids=made)
    client.call("responses.input_items.list", ids=made)
    later = {"response_id": client.call("responses.create", json={**body, "background": True})["id"]}
    client.call("responses.cancel", ids=later)
    client.call("responses.delete", ids=made)
    client.call("responses.input_tokens.count", json=body)
    client.call("responses.compact", json=body)
    client.call("models.list")
    client.call("models.retrieve", ids={"model": "embedded-extractive"})


def refusals(client: DescribedClient) -> None:
    """The envelope of errors."""
    client.call("vector_stores.create", 400, json={"nome": "n"})
    client.call("vector_stores.retrieve", 404, ids={"vector_store_id": "vs_absent"})
    client.call("vector_stores.list", 401, headers={"authorization": "Bearer sk-nobody"})

"""The same server, called with `openai` and with the SDK: both return the same results and errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

import vectorgate
from tests.factories.sdk_calls import CALLS
from tests.fakes.upstream import answer, hang, hang_up, raw

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.upstream import FaultyUpstream
    from vectorgate.client.client import Client

COUNTS = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
FILE = {
    "id": "file-1",
    "object": "vector_store.file",
    "usage_bytes": 5,
    "created_at": 1,
    "vector_store_id": "vs_1",
    "status": "failed",
    "last_error": {"code": "server_error", "message": "m"},
    "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}},
    "attributes": {"a": 1, "b": True, "c": "d"},
}
UPLOADED = {
    "id": "file-1",
    "object": "file",
    "bytes": 5,
    "created_at": 1,
    "filename": "f",
    "purpose": "assistants",
    "status": "processed",
}
BATCH = {
    "id": "vsfb_1",
    "object": "vector_store.file_batch",
    "created_at": 1,
    "vector_store_id": "vs_1",
    "status": "completed",
    "file_counts": COUNTS,
}
SEARCHED = {
    "object": "vector_store.search_results.page",
    "search_query": ["q"],
    "data": [
        {
            "file_id": "file-1",
            "filename": "f",
            "score": 0.5,
            "attributes": {},
            "content": [{"type": "text", "text": "t"}],
        }
    ],
    "has_more": False,
    "next_page": None,
}


def page(item: dict[str, Any]) -> dict[str, Any]:
    """One page, which is the last one."""
    return {"object": "list", "data": [item], "first_id": item["id"], "last_id": item["id"], "has_more": False}


def deleted(name: str, kind: str) -> dict[str, Any]:
    """The response of a deletion."""
    return {"id": name, "object": kind, "deleted": True}


STORE = {
    "id": "vs_1",
    "object": "vector_store",
    "created_at": 1,
    "name": "n",
    "usage_bytes": 7,
    "file_counts": COUNTS,
    "status": "completed",
    "expires_after": {"anchor": "last_active_at", "days": 7},
    "expires_at": 99,
    "last_active_at": 1,
    "metadata": {"a": "b"},
}
CONTENT = {
    "object": "vector_store.file_content.page",
    "data": [{"type": "text", "text": "t"}],
    "has_more": False,
    "next_page": None,
}
UPLOAD = {
    "id": "upload_1",
    "object": "upload",
    "bytes": 5,
    "created_at": 1,
    "expires_at": 3601,
    "filename": "f",
    "purpose": "assistants",
    "status": "pending",
    "file": None,
}
PART = {"id": "part_1", "object": "upload.part", "created_at": 1, "upload_id": "upload_1"}
ANSWERS: dict[str, dict[str, Any]] = {
    "vector_stores.create": STORE,
    "vector_stores.list": page(STORE),
    "vector_stores.retrieve": STORE,
    "vector_stores.update": STORE,
    "vector_stores.delete": deleted("vs_1", "vector_store.deleted"),
    "vector_stores.search": SEARCHED,
    "vector_stores.files.create": FILE,
    "vector_stores.files.list": page(FILE),
    "vector_stores.files.retrieve": FILE,
    "vector_stores.files.update": FILE,
    "vector_stores.files.delete": deleted("file-1", "vector_store.file.deleted"),
    "vector_stores.files.content": CONTENT,
    "vector_stores.file_batches.create": BATCH,
    "vector_stores.file_batches.retrieve": BATCH,
    "vector_stores.file_batches.cancel": BATCH,
    "vector_stores.file_batches.list_files": page(FILE),
    "files.create": UPLOADED,
    "files.list": page(UPLOADED),
    "files.retrieve": UPLOADED,
    "files.delete": deleted("file-1", "file"),
    "uploads.create": UPLOAD,
    "uploads.parts.create": PART,
    "uploads.complete": UPLOAD | {"status": "completed", "file": UPLOADED},
    "uploads.cancel": UPLOAD | {"status": "cancelled"},
}


@pytest.fixture
def theirs(server: FaultyUpstream) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.url, api_key="sk-open", max_retries=0) as client:
        yield client


def call_by_name(client: Any, operation: str, **options: Any) -> Any:
    *groups, name = operation.split(".")
    for group in groups:
        client = getattr(client, group)
    return getattr(client, name)(**CALLS[operation], **options)


def same(ours: object, theirs: object) -> None:
    """Attribute by attribute, as far as openai's model goes."""
    if isinstance(theirs, openai.BaseModel):
        for name in theirs.model_fields_set:
            same(getattr(ours, name), getattr(theirs, name))
    elif isinstance(theirs, list):
        assert isinstance(ours, list)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            same(one, other)
    else:
        assert ours == theirs


@pytest.mark.parametrize("operation", ANSWERS)
def test_the_parsed_result_is_the_same(
    operation: str, direct: Client, theirs: openai.OpenAI, server: FaultyUpstream
) -> None:
    server.always(answer(200, ANSWERS[operation], {"x-request-id": "req_9"}))
    ours, other = call_by_name(direct, operation), call_by_name(theirs, operation)
    same(ours, other)
    assert ours.to_dict() == other.to_dict()
    assert ours._request_id == getattr(other, "_request_id", "req_9")
    first, second = server.received
    assert (first.method, first.path) == (second.method, second.path)
    if "json" in first.headers.get("content-type", ""):
        assert first.document == second.document
    assert first.headers.get("openai-beta") == second.headers.get("openai-beta")


ENVELOPES = {
    "openai": b'{"error": {"message": "m", "type": "t", "param": "p", "code": "c"}}',
    "azure": b'{"error": {"code": "404", "message": "Resource not found"}}',
    "bare": b'{"detail": "x"}',
    "text": b"<html>",
    "empty": b"",
    "list": b"[1]",
}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 502, 503])
@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_error_has_the_same_name_and_shape(
    status: int, envelope: str, direct: Client, theirs: openai.OpenAI, server: FaultyUpstream
) -> None:
    server.always(answer(status, ENVELOPES[envelope], {"x-request-id": "req_9"}))
    with pytest.raises(vectorgate.APIStatusError) as ours:
        direct.vector_stores.create(name="n", max_retries=0)
    with pytest.raises(openai.APIStatusError) as other:
        theirs.vector_stores.create(name="n")
    mine, yours = ours.value, other.value
    assert type(mine).__name__ == type(yours).__name__
    assert isinstance(mine, vectorgate.APIError)
    for name in ("status_code", "code", "param", "type", "request_id", "message", "body"):
        assert getattr(mine, name) == getattr(yours, name), name
    assert str(mine) == str(yours)
    assert mine.response.headers["x-request-id"] == "req_9"
    assert "sk-open" not in repr(vars(mine))


def test_no_answer_has_the_same_names(direct: Client, theirs: openai.OpenAI, server: FaultyUpstream) -> None:
    for act, kind in ((hang_up, "APIConnectionError"), (hang, "APITimeoutError")):
        server.always(act)
        with pytest.raises(vectorgate.APIConnectionError) as ours:
            direct.vector_stores.create(name="n", max_retries=0, timeout=0.2)
        with pytest.raises(openai.APIConnectionError) as other:
            theirs.vector_stores.create(name="n", timeout=0.2)
        assert type(ours.value).__name__ == type(other.value).__name__ == kind
        assert ours.value.outcome_unknown
        assert "sk-open" not in repr(vars(ours.value))


def test_a_success_that_is_no_json_is_an_error_of_its_own(direct: Client, server: FaultyUpstream) -> None:
    server.always(raw(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html", reusable=True))
    with pytest.raises(vectorgate.APIResponseValidationError) as ours:
        direct.vector_stores.create(name="n")
    assert ours.value.status_code == 200
    assert server.calls == 1

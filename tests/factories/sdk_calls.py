"""One call of each row of the operation table, by the method that makes it. A row without one fails a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vectorgate.client.client import Client

V, F, B = {"vector_store_id": "vs_1"}, {"file_id": "file-1"}, {"batch_id": "vsfb_1"}
U, R = {"upload_id": "upload_1"}, {"response_id": "resp_1"}
CALLS: dict[str, dict[str, Any]] = {
    "vector_stores.create": {"name": "n", "file_ids": ["file-1"], "metadata": {"a": "b"}},
    "vector_stores.list": {"limit": 2, "order": "asc"},
    "vector_stores.retrieve": V,
    "vector_stores.update": {**V, "name": None, "metadata": {"a": "b"}},
    "vector_stores.delete": V,
    "vector_stores.search": {**V, "query": ["q"], "max_num_results": 3},
    "vector_stores.files.create": {**V, **F, "attributes": {"a": 1, "b": True}},
    "vector_stores.files.list": {**V, "filter": "failed"},
    "vector_stores.files.retrieve": {**F, **V},
    "vector_stores.files.update": {**F, **V, "attributes": None},
    "vector_stores.files.delete": {**F, **V},
    "vector_stores.files.content": {**F, **V},
    "vector_stores.file_batches.create": {**V, "files": [{"file_id": "file-1", "attributes": {"a": 1}}]},
    "vector_stores.file_batches.retrieve": {**B, **V},
    "vector_stores.file_batches.cancel": {**B, **V},
    "vector_stores.file_batches.list_files": {**B, **V, "limit": 1},
    "files.create": {
        "file": ("a b.txt", b"\x00text"),
        "purpose": "assistants",
        "expires_after": {"anchor": "created_at", "seconds": 3600},
    },
    "files.list": {"purpose": "assistants"},
    "files.retrieve": F,
    "files.delete": F,
    "files.content": F,
    "uploads.create": {
        "bytes": 5,
        "filename": "a.md",
        "mime_type": "text/markdown",
        "purpose": "assistants",
        "expires_after": {"anchor": "created_at", "seconds": 3600},
    },
    "uploads.parts.create": {**U, "data": ("a b.txt", b"\x00text")},
    "uploads.complete": {**U, "part_ids": ["part_2", "part_1"], "md5": "0" * 32},
    "uploads.cancel": U,
    "responses.create": {"model": "gpt-5-mini", "input": "q", "tools": [{"type": "function", "name": "f"}]},
    "responses.retrieve": R,
    "responses.delete": R,
    "responses.cancel": R,
    "responses.input_items.list": {**R, "limit": 1},
    "responses.input_tokens.count": {"model": "gpt-5-mini", "input": [{"role": "user", "content": "q"}]},
    "responses.compact": {"model": "gpt-5-mini", "input": "q"},
    "models.list": {},
    "models.retrieve": {"model": "gpt-5-mini"},
}


def call(client: Client, operation: str, **options: Any) -> Any:
    """Call the synchronous form."""
    return _method(client, operation, "")(**CALLS[operation], **options)


async def acall(client: Client, operation: str, **options: Any) -> Any:
    """Call the awaited form."""
    return await _method(client, operation, "a")(**CALLS[operation], **options)


def _method(client: Any, operation: str, prefix: str) -> Any:
    *groups, name = operation.split(".")
    for group in groups:
        client = getattr(client, group)
    return getattr(client, prefix + name)

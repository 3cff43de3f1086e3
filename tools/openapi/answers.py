"""JSON schemas of what is answered. The objects are the provider's and may have further fields."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.requests import reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    Document: TypeAlias = dict[str, Any]

STRING: Final[Document] = {"type": "string"}
INTEGER: Final[Document] = {"type": "integer"}
NUMBER: Final[Document] = {"type": "number"}
BOOLEAN: Final[Document] = {"type": "boolean"}
SECONDS: Final[Document] = {"type": "integer", "description": "Unix time in seconds."}
BYTES: Final[Document] = {"type": "integer", "description": "Bytes."}
TEXTS: Final[Document] = {"type": "object", "additionalProperties": STRING}
ATTRIBUTES: Final[Document] = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}
STATUS: Final = ("in_progress", "completed", "cancelled", "failed")


def _object(optional: Mapping[str, Document] = MappingProxyType({}), **fields: Document) -> Document:
    """An object that has these fields, and may have the optional ones."""
    return {"type": "object", "required": [*fields], "properties": {**fields, **optional}}


def _nullable(schema: Document) -> Document:
    return {"anyOf": [schema, {"type": "null"}]}


def _one(text: str) -> Document:
    return {"const": text}


def _any_of(*texts: str) -> Document:
    return {"type": "string", "enum": list(texts)}


def _list_of(schema: Document) -> Document:
    return {"type": "array", "items": schema}


def _page_of(name: str) -> Document:
    """A list's page; the last one's `has_more` is false. `first_id` and `last_id` are null on an empty one."""
    cursors = dict.fromkeys(("first_id", "last_id"), _nullable(STRING))
    return _object(cursors, object=_one("list"), data=_list_of(reference(name)), has_more=BOOLEAN)


def _deleted(kind: str) -> Document:
    return _object(id=STRING, object=_one(kind), deleted=BOOLEAN)


ANSWERS: Final[Mapping[str, Document]] = {
    "FileCounts": _object(in_progress=INTEGER, completed=INTEGER, failed=INTEGER, cancelled=INTEGER, total=INTEGER),
    "VectorStore": _object(
        {
            "bytes": {**BYTES, "description": "The same as `usage_bytes`, for clients of LiteLLM."},
            "expires_after": _nullable(_object(anchor=_one("last_active_at"), days=INTEGER)),
            "expires_at": _nullable(SECONDS),
        },
        id=STRING,
        object=_one("vector_store"),
        created_at=SECONDS,
        name=_nullable(STRING),
        usage_bytes=BYTES,
        file_counts=reference("FileCounts"),
        status=_any_of("expired", "in_progress", "completed"),
        last_active_at=_nullable(SECONDS),
        metadata=_nullable(TEXTS),
    ),
    "VectorStoreList": _page_of("VectorStore"),
    "VectorStoreDeleted": _deleted("vector_store.deleted"),
    "SearchResult": _object(
        file_id=STRING,
        filename=STRING,
        score=NUMBER,
        attributes=_nullable(ATTRIBUTES),
        content=_list_of(_object(type=_one("text"), text=STRING)),
    ),
    "SearchResults": _object(
        object=_one("vector_store.search_results.page"),
        search_query=_list_of(STRING),
        data=_list_of(reference("SearchResult")),
        has_more=BOOLEAN,
        next_page=_nullable(STRING),
    ),
    "VectorStoreFile": _object(
        {
            "attributes": _nullable(ATTRIBUTES),
            "chunking_strategy": {"type": "object"},
        },
        id=STRING,
        object=_one("vector_store.file"),
        created_at=SECONDS,
        usage_bytes=BYTES,
        vector_store_id=STRING,
        status=_any_of(*STATUS),
        last_error=_nullable(_object(code=STRING, message=STRING)),
    ),
    "VectorStoreFileList": _page_of("VectorStoreFile"),
    "VectorStoreFileDeleted": _deleted("vector_store.file.deleted"),
    "VectorStoreFileContent": _object(
        object=_one("vector_store.file_content.page"),
        data=_list_of(_object(type=_one("text"), text=STRING)),
        has_more=BOOLEAN,
        next_page=_nullable(STRING),
    ),
    "VectorStoreFileBatch": _object(
        id=STRING,
        # OpenAI's schema says the first, its servers answer the second.
        object=_any_of("vector_store.files_batch", "vector_store.file_batch"),
        created_at=SECONDS,
        vector_store_id=STRING,
        status=_any_of(*STATUS),
        file_counts=reference("FileCounts"),
    ),
    "File": _object(
        {
            "expires_at": _nullable(SECONDS),
            "status_details": _nullable(STRING),
        },
        id=STRING,
        object=_one("file"),
        bytes=BYTES,
        created_at=SECONDS,
        filename=STRING,
        purpose=STRING,
        status=_any_of("uploaded", "processed", "error"),
    ),
    "FileList": _page_of("File"),
    "FileDeleted": _deleted("file"),
    "Upload": _object(
        {
            "file": _nullable(reference("File")),
        },
        id=STRING,
        object=_one("upload"),
        bytes=BYTES,
        created_at=SECONDS,
        expires_at=SECONDS,
        filename=STRING,
        purpose=STRING,
        status=_any_of("pending", "completed", "cancelled", "expired"),
    ),
    "UploadPart": _object(id=STRING, object=_one("upload.part"), created_at=SECONDS, upload_id=STRING),
    "Response": _object(
        {
            "usage": _nullable(reference("ResponseUsage")),
            "previous_response_id": _nullable(STRING),
            "error": _nullable({"type": "object"}),
        },
        id=STRING,
        object=_one("response"),
        created_at=NUMBER,
        status=_any_of("queued", "in_progress", "completed", "incomplete", "failed", "cancelled"),
        model=STRING,
        output=_list_of({"type": "object"}),
    ),
    "ResponseUsage": _object(
        {
            "input_tokens_details": {"type": "object"},
            "output_tokens_details": {"type": "object"},
        },
        input_tokens=INTEGER,
        output_tokens=INTEGER,
        total_tokens=INTEGER,
    ),
    "ResponseDeleted": _deleted("response"),
    "ResponseItem": _object(id=STRING, type=STRING),
    "ResponseItemList": _page_of("ResponseItem"),
    "InputTokens": _object(object=_one("response.input_tokens"), input_tokens=INTEGER),
    "CompactedResponse": _object(
        {"usage": _nullable(reference("ResponseUsage"))},
        id=STRING,
        object=_one("response.compaction"),
        created_at=NUMBER,
        output=_list_of({"type": "object"}),
    ),
    "Model": _object(id=STRING, object=_one("model"), created=SECONDS, owned_by=STRING),
    "ModelList": _object(object=_one("list"), data=_list_of(reference("Model"))),
    "Error": _object(
        error=_object(message=STRING, type=STRING, param=_nullable(STRING), code=_nullable(STRING)),
    ),
    "AzureError": _object(
        error=_object({"details": _list_of(_object(code=STRING, message=STRING))}, code=STRING, message=STRING),
    ),
}

# What each operation answers when it succeeds; None: the bytes of a file.
ANSWER_OF: Final[Mapping[str, str | None]] = {
    "vector_stores.create": "VectorStore",
    "vector_stores.list": "VectorStoreList",
    "vector_stores.retrieve": "VectorStore",
    "vector_stores.update": "VectorStore",
    "vector_stores.delete": "VectorStoreDeleted",
    "vector_stores.search": "SearchResults",
    "vector_stores.files.create": "VectorStoreFile",
    "vector_stores.files.list": "VectorStoreFileList",
    "vector_stores.files.retrieve": "VectorStoreFile",
    "vector_stores.files.update": "VectorStoreFile",
    "vector_stores.files.delete": "VectorStoreFileDeleted",
    "vector_stores.files.content": "VectorStoreFileContent",
    "vector_stores.file_batches.create": "VectorStoreFileBatch",
    "vector_stores.file_batches.retrieve": "VectorStoreFileBatch",
    "vector_stores.file_batches.cancel": "VectorStoreFileBatch",
    "vector_stores.file_batches.list_files": "VectorStoreFileList",
    "files.create": "File",
    "files.list": "FileList",
    "files.retrieve": "File",
    "files.delete": "FileDeleted",
    "files.content": None,
    "uploads.create": "Upload",
    "uploads.parts.create": "UploadPart",
    "uploads.complete": "Upload",
    "uploads.cancel": "Upload",
    "responses.create": "Response",
    "responses.retrieve": "Response",
    "responses.delete": "ResponseDeleted",
    "responses.cancel": "Response",
    "responses.input_items.list": "ResponseItemList",
    "responses.input_tokens.count": "InputTokens",
    "responses.compact": "CompactedResponse",
    "models.list": "ModelList",
    "models.retrieve": "Model",
}

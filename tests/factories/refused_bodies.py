"""Bodies that are not of their model, with the error of each: code, parameter, message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectorgate.api.schemas import (
    CompleteUpload,
    CreateFileBatch,
    CreateUpload,
    CreateVectorStore,
    CreateVectorStoreFile,
    UpdateAttributes,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

Row = tuple["type[BaseModel]", dict[str, Any], str, str, str]

STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
UPLOAD: dict[str, object] = {"filename": "a", "purpose": "assistants", "bytes": 1, "mime_type": "text/plain"}


def chunked(size: object, overlap: object) -> dict[str, object]:
    """A static chunking strategy."""
    static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    return {"chunking_strategy": {"type": "static", "static": static}}


BODIES: list[Row] = [
    (CreateUpload, UPLOAD | {"size": 1}, "unknown_parameter", "size", "Unknown parameter: 'size'."),
    (CreateUpload, {}, "missing_required_parameter", "filename", "Missing required parameter: 'filename'."),
    (
        CreateUpload,
        UPLOAD | {"bytes": 8 * 2**30 + 1},
        "integer_above_max_value",
        "bytes",
        "Invalid 'bytes': integer above maximum value. Expected a value <= 8589934592, but got 8589934593 instead.",
    ),
    (
        CreateUpload,
        UPLOAD | {"bytes": -1},
        "integer_below_min_value",
        "bytes",
        "Invalid 'bytes': integer below minimum value. Expected a value >= 0, but got -1 instead.",
    ),
    (
        CreateUpload,
        UPLOAD | {"purpose": "mischief"},
        "invalid_value",
        "purpose",
        (
            "Invalid value: 'mischief'. Supported values are: 'assistants', 'batch', 'fine-tune', 'vision', "
            "'user_data', and 'evals'."
        ),
    ),
    (CompleteUpload, {}, "missing_required_parameter", "part_ids", "Missing required parameter: 'part_ids'."),
    (
        CompleteUpload,
        {"part_ids": []},
        "empty_array",
        "part_ids",
        "Invalid 'part_ids': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
    (
        CompleteUpload,
        {"part_ids": ["part_a"] * 2_501},
        "array_above_max_length",
        "part_ids",
        (
            "Invalid 'part_ids': array too long. Expected an array with maximum length 2500, "
            "but got an array with length 2501 instead."
        ),
    ),
    (
        CompleteUpload,
        {"part_ids": ["part_a"], "md5": None},
        "invalid_type",
        "md5",
        "Invalid type for 'md5': expected a string, but got null instead.",
    ),
    (CreateVectorStore, {"foo": 1}, "unknown_parameter", "foo", "Unknown parameter: 'foo'."),
    (
        CreateVectorStore,
        {"name": 1, "foo": 1, "bar": 1},
        "unknown_parameter",
        "foo",
        "Unknown parameter: 'foo'.",
    ),
    (
        CreateVectorStore,
        {"name": 1, "chunking_strategy": {"type": "auto", "static": {}}},
        "unknown_parameter",
        "chunking_strategy.static",
        "Unknown parameter: 'chunking_strategy.static'.",
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "last_active_at"}},
        "missing_required_parameter",
        "expires_after.days",
        "Missing required parameter: 'expires_after.days'.",
    ),
    (
        CreateVectorStore,
        {"chunking_strategy": {}},
        "missing_required_parameter",
        "chunking_strategy.type",
        "Missing required parameter: 'chunking_strategy.type'.",
    ),
    (
        CreateVectorStore,
        {"chunking_strategy": {"type": "static"}},
        "missing_required_parameter",
        "chunking_strategy.static",
        "Missing required parameter: 'chunking_strategy.static'.",
    ),
    (UpdateAttributes, {}, "missing_required_parameter", "attributes", "Missing required parameter: 'attributes'."),
    (CreateFileBatch, {}, "missing_required_parameter", "file_ids", "Missing required parameter: 'file_ids'."),
    (
        CreateFileBatch,
        {"file_ids": ["a"], "files": [{"file_id": "b"}]},
        "mutually_exclusive_parameters",
        "files",
        "Mutually exclusive parameters: 'file_ids' and 'files'. Ensure you are only providing one of them.",
    ),
    (
        CreateVectorStore,
        {"name": None},
        "invalid_type",
        "name",
        "Invalid type for 'name': expected a string, but got null instead.",
    ),
    (
        CreateVectorStore,
        {"expires_after": None},
        "invalid_type",
        "expires_after",
        "Invalid type for 'expires_after': expected an object, but got null instead.",
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "last_active_at", "days": "7"}},
        "invalid_type",
        "expires_after.days",
        "Invalid type for 'expires_after.days': expected an integer, but got a string instead.",
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "last_active_at", "days": True}},
        "invalid_type",
        "expires_after.days",
        "Invalid type for 'expires_after.days': expected an integer, but got a boolean instead.",
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "last_active_at", "days": 1.0}},
        "invalid_type",
        "expires_after.days",
        "Invalid type for 'expires_after.days': expected an integer, but got a decimal instead.",
    ),
    (
        CreateVectorStore,
        {"file_ids": {}},
        "invalid_type",
        "file_ids",
        "Invalid type for 'file_ids': expected an array, but got an object instead.",
    ),
    (
        CreateVectorStore,
        {"file_ids": ["a", "b", "c", []]},
        "invalid_type",
        "file_ids[3]",
        "Invalid type for 'file_ids[3]': expected a string, but got an array instead.",
    ),
    (
        CreateVectorStore,
        {"metadata": {"key": 1}},
        "invalid_type",
        "metadata.key",
        "Invalid type for 'metadata.key': expected a string, but got an integer instead.",
    ),
    (
        UpdateAttributes,
        {"attributes": {"key": []}},
        "invalid_type",
        "attributes.key",
        (
            "Invalid type for 'attributes.key': expected one of a string, a number, or a boolean, "
            "but got an array instead."
        ),
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "created_at", "days": 1}},
        "invalid_value",
        "expires_after.anchor",
        "Invalid value: 'created_at'. Supported values are: 'last_active_at'.",
    ),
    (
        CreateVectorStore,
        {"chunking_strategy": {"type": "other"}},
        "invalid_value",
        "chunking_strategy.type",
        "Invalid value: 'other'. Supported values are: 'auto' and 'static'.",
    ),
    (
        CreateVectorStore,
        {"chunking_strategy": {"type": 1}},
        "invalid_type",
        "chunking_strategy.type",
        "Invalid type for 'chunking_strategy.type': expected one of 'auto' or 'static', but got an integer instead.",
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "last_active_at", "days": 366}},
        "integer_above_max_value",
        "expires_after.days",
        "Invalid 'expires_after.days': integer above maximum value. Expected a value <= 365, but got 366 instead.",
    ),
    (
        CreateVectorStore,
        chunked(99, 0),
        "integer_below_min_value",
        "chunking_strategy.static.max_chunk_size_tokens",
        (
            "Invalid 'chunking_strategy.static.max_chunk_size_tokens': integer below minimum value. "
            "Expected a value >= 100, but got 99 instead."
        ),
    ),
    (
        CreateVectorStore,
        chunked(801, 401),
        "invalid_value",
        "chunking_strategy.static.chunk_overlap_tokens",
        (
            "Invalid 'chunking_strategy.static.chunk_overlap_tokens': expected at most half of 'max_chunk_size_tokens' "
            "(400), but got 401."
        ),
    ),
    (
        CreateVectorStore,
        {"file_ids": ["!"] * 1084},
        "array_above_max_length",
        "file_ids",
        (
            "Invalid 'file_ids': array too long. Expected an array with maximum length 500, "
            "but got an array with length 1084 instead."
        ),
    ),
    (
        CreateFileBatch,
        {"files": [{}] * 2001},
        "array_above_max_length",
        "files",
        (
            "Invalid 'files': array too long. Expected an array with maximum length 2000, "
            "but got an array with length 2001 instead."
        ),
    ),
    (
        CreateFileBatch,
        {"file_ids": []},
        "empty_array",
        "file_ids",
        "Invalid 'file_ids': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
    (
        CreateVectorStore,
        {"metadata": {str(index): 1 for index in range(28)}},
        "object_above_max_properties",
        "metadata",
        (
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 28 properties instead."
        ),
    ),
    (
        CreateVectorStore,
        {"metadata": {"a" * 65: "b"}},
        "string_above_max_length",
        "metadata",
        (
            "Invalid property name in 'metadata': string too long. Expected a string with maximum length 64, "
            "but got a string with length 65 instead."
        ),
    ),
    (
        CreateVectorStore,
        {"metadata": {"a": "b" * 513}},
        "string_above_max_length",
        "metadata.a",
        (
            "Invalid 'metadata.a': string too long. Expected a string with maximum length 512, "
            "but got a string with length 513 instead."
        ),
    ),
    (
        CreateFileBatch,
        {"files": [{"file_id": "a"}, {"file_id": "b", "attributes": {"a": "b" * 513}}]},
        "string_above_max_length",
        "files[1].attributes.a",
        (
            "Invalid 'files[1].attributes.a': string too long. Expected a string with maximum length 512, "
            "but got a string with length 513 instead."
        ),
    ),
    (
        CreateVectorStore,
        {"name": "x" * 4097},
        "string_above_max_length",
        "name",
        (
            "Invalid 'name': string too long. Expected a string with maximum length 4096, "
            "but got a string with length 4097 instead."
        ),
    ),
    (
        CreateVectorStore,
        {"file_ids": [""]},
        "empty_string",
        "file_ids[0]",
        (
            "Invalid 'file_ids[0]': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead."
        ),
    ),
    (
        CreateVectorStore,
        {"file_ids": ["../x"]},
        "invalid_value",
        "file_ids[0]",
        (
            "Invalid 'file_ids[0]': '../x'. Expected an ID that contains letters, numbers, underscores, or dashes, "
            "but this value contained additional characters."
        ),
    ),
    (
        CreateVectorStoreFile,
        {"file_id": "file-a\n"},
        "invalid_value",
        "file_id",
        (
            "Invalid 'file_id': 'file-a\n'. Expected an ID that contains letters, numbers, underscores, or dashes, "
            "but this value contained additional characters."
        ),
    ),
]

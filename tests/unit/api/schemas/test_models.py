"""The models: what OpenAI documents is accepted, and the rest refused in OpenAI's words (contract 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from openai.types import (
    file_create_params,
    upload_create_params,
    vector_store_create_params,
    vector_store_search_params,
)
from openai.types.upload_complete_params import UploadCompleteParams
from openai.types.uploads.part_create_params import PartCreateParams
from openai.types.vector_store_update_params import VectorStoreUpdateParams
from openai.types.vector_stores import file_batch_create_params, file_update_params
from openai.types.vector_stores.file_create_params import FileCreateParams as AttachParams

from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import (
    CompleteUpload,
    CreateFile,
    CreateFileBatch,
    CreateUpload,
    CreateVectorStore,
    CreateVectorStoreFile,
    Search,
    UpdateAttributes,
    UpdateVectorStore,
    models,
    validate,
)

if TYPE_CHECKING:
    from pydantic import BaseModel

STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
EQ: dict[str, object] = {"type": "eq", "key": "a", "value": 1}
UPLOAD: dict[str, object] = {"filename": "a", "purpose": "assistants", "bytes": 1, "mime_type": "text/plain"}


def chunked(size: object, overlap: object) -> dict[str, object]:
    static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    return {"chunking_strategy": {"type": "static", "static": static}}


def search(**fields: object) -> dict[str, object]:
    return {"query": "a", **fields}


@pytest.mark.parametrize(
    ("model", "params"),
    [
        (CreateVectorStore, vector_store_create_params.VectorStoreCreateParams),
        (models.ExpiresAfter, vector_store_create_params.ExpiresAfter),
        (UpdateVectorStore, VectorStoreUpdateParams),
        (Search, vector_store_search_params.VectorStoreSearchParams),
        (models.RankingOptions, vector_store_search_params.RankingOptions),
        (CreateVectorStoreFile, AttachParams),
        (UpdateAttributes, file_update_params.FileUpdateParams),
        (CreateFileBatch, file_batch_create_params.FileBatchCreateParams),
        (CreateVectorStoreFile, file_batch_create_params.File),
        (models.FileExpiresAfter, file_create_params.ExpiresAfter),
        (CreateUpload, upload_create_params.UploadCreateParams),
        (models.FileExpiresAfter, upload_create_params.ExpiresAfter),
        (CompleteUpload, UploadCompleteParams),
    ],
)
def test_the_models_have_the_fields_of_the_official_client_and_no_others(
    model: type[BaseModel], params: type[object]
) -> None:
    # The id of the store travels in the path, though the client's types list it among the parameters.
    assert set(model.model_fields) == set(get_type_hints(params)) - {"vector_store_id"}


def test_an_upload_has_the_fields_of_the_official_client_beside_the_file() -> None:
    assert set(CreateFile.model_fields) | {"file"} == set(get_type_hints(file_create_params.FileCreateParams))
    assert set(schemas.CreateUploadPart.model_fields) | {"data"} == set(get_type_hints(PartCreateParams))


ACCEPTED: list[tuple[type[BaseModel], dict[str, object]]] = [
    (CreateVectorStore, {}),
    (CreateVectorStore, {"name": "", "description": "", "file_ids": [], "metadata": {}}),
    (CreateVectorStore, {"name": "x" * 4096, "metadata": None}),
    (CreateVectorStore, {"file_ids": ["file-a"] * 500}),
    (CreateVectorStore, {"metadata": {f"{index:064}": "v" * 512 for index in range(16)}}),
    (CreateVectorStore, {"expires_after": {"anchor": "last_active_at", "days": 1}}),
    (CreateVectorStore, {"expires_after": {"anchor": "last_active_at", "days": 365}}),
    (CreateVectorStore, {"chunking_strategy": {"type": "auto"}}),
    (CreateVectorStore, chunked(100, 0)),
    (CreateVectorStore, chunked(4096, 2048)),
    (CreateUpload, UPLOAD),
    (CreateUpload, UPLOAD | {"bytes": 0, "expires_after": {"anchor": "created_at", "seconds": 3600}}),
    (CreateUpload, UPLOAD | {"bytes": 8 * 2**30, "filename": "x" * 512, "mime_type": "x" * 200}),
    (CompleteUpload, {"part_ids": ["part_a"] * 2_500}),
    (CompleteUpload, {"part_ids": ["part_b", "part_a"], "md5": "0" * 32}),
    (UpdateVectorStore, {}),
    (UpdateVectorStore, {"name": None, "expires_after": None, "metadata": None}),
    (CreateVectorStoreFile, {"file_id": "file-a", "attributes": {"a": "b", "c": 1, "d": 1.5, "e": True}}),
    (CreateVectorStoreFile, {"file_id": "file-a", "attributes": None, "chunking_strategy": STATIC}),
    (UpdateAttributes, {"attributes": None}),
    (UpdateAttributes, {"attributes": {}}),
    (CreateFileBatch, {"file_ids": ["file-a"] * 2000, "attributes": {"a": 1}, "chunking_strategy": STATIC}),
    (CreateFileBatch, {"files": [{"file_id": "file-a"}] * 2000}),
    (Search, {"query": ""}),
    (Search, {"query": ["a", "b"], "max_num_results": 50, "rewrite_query": True}),
    (Search, search(ranking_options={"ranker": "none", "score_threshold": 1})),
    (Search, search(filters=EQ)),
    (Search, search(filters={"type": "nin", "key": "a", "value": ["b", 1, 1.5]})),
    (Search, search(filters={"type": "or", "filters": [EQ, {"type": "and", "filters": [EQ, EQ]}]})),
]


@pytest.mark.parametrize(("model", "body"), ACCEPTED)
def test_what_the_contract_allows_is_accepted(model: type[BaseModel], body: dict[str, object]) -> None:
    assert validate(model, body).model_fields_set == set(body)


def test_repeated_file_ids_are_kept() -> None:
    assert validate(CreateVectorStore, {"file_ids": ["file-a", "file-a"]}).file_ids == ["file-a", "file-a"]


def nested(levels: int) -> dict[str, object]:
    filters = EQ
    for _ in range(levels - 1):
        filters = {"type": "and", "filters": [filters]}
    return filters


Row = tuple["type[BaseModel]", dict[str, Any], str, str, str]
REFUSED: list[Row] = [
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
    (Search, {}, "missing_required_parameter", "query", "Missing required parameter: 'query'."),
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
        Search,
        search(rewrite_query="yes"),
        "invalid_type",
        "rewrite_query",
        "Invalid type for 'rewrite_query': expected a boolean, but got a string instead.",
    ),
    (
        Search,
        search(ranking_options={"score_threshold": "0.5"}),
        "invalid_type",
        "ranking_options.score_threshold",
        "Invalid type for 'ranking_options.score_threshold': expected a decimal, but got a string instead.",
    ),
    (
        Search,
        {"query": 1},
        "invalid_type",
        "query",
        "Invalid type for 'query': expected one of a string or an array of strings, but got an integer instead.",
    ),
    (
        Search,
        {"query": ["a", None]},
        "invalid_type",
        "query[1]",
        "Invalid type for 'query[1]': expected a string, but got null instead.",
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
        Search,
        search(ranking_options={"ranker": "x" * 1000}),
        "invalid_value",
        "ranking_options.ranker",
        f"Invalid value: '{'x' * 64}...'. Supported values are: 'none', 'auto', and 'default-2024-11-15'.",
    ),
    (
        CreateVectorStore,
        {"expires_after": {"anchor": "last_active_at", "days": 366}},
        "integer_above_max_value",
        "expires_after.days",
        "Invalid 'expires_after.days': integer above maximum value. Expected a value <= 365, but got 366 instead.",
    ),
    (
        Search,
        search(max_num_results=0),
        "integer_below_min_value",
        "max_num_results",
        "Invalid 'max_num_results': integer below minimum value. Expected a value >= 1, but got 0 instead.",
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
        Search,
        search(ranking_options={"score_threshold": 1.5}),
        "decimal_above_max_value",
        "ranking_options.score_threshold",
        (
            "Invalid 'ranking_options.score_threshold': decimal above maximum value. "
            "Expected a value <= 1, but got 1.5 instead."
        ),
    ),
    (
        Search,
        search(ranking_options={"score_threshold": -1}),
        "decimal_below_min_value",
        "ranking_options.score_threshold",
        (
            "Invalid 'ranking_options.score_threshold': decimal below minimum value. "
            "Expected a value >= 0, but got -1 instead."
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
        Search,
        {"query": []},
        "empty_array",
        "query",
        "Invalid 'query': empty array. Expected an array with minimum length 1, but got an empty array instead.",
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
    (
        Search,
        search(filters=nested(17)),
        "invalid_value",
        "filters",
        "Invalid 'filters': expected filters of at most 16 levels.",
    ),
    (
        Search,
        search(filters={"type": "and", "filters": [EQ] * 256}),
        "invalid_value",
        "filters",
        "Invalid 'filters': expected at most 256 filters in all.",
    ),
    (
        Search,
        search(filters={"type": "and", "filters": [EQ, {"type": "or", "filters": [{**EQ, "key": 1}]}]}),
        "invalid_type",
        "filters.filters[1].filters[0].key",
        "Invalid type for 'filters.filters[1].filters[0].key': expected a string, but got an integer instead.",
    ),
    (
        Search,
        search(filters={"type": "in", "key": "a", "value": ["b", True]}),
        "invalid_type",
        "filters.value[1]",
        "Invalid type for 'filters.value[1]': expected one of a string or a number, but got a boolean instead.",
    ),
    (
        Search,
        search(filters={"type": "eq", "key": "a"}),
        "missing_required_parameter",
        "filters.value",
        "Missing required parameter: 'filters.value'.",
    ),
    (
        Search,
        search(filters={"type": "in", "key": "a", "value": [1] * 1001}),
        "array_above_max_length",
        "filters.value",
        (
            "Invalid 'filters.value': array too long. Expected an array with maximum length 1000, "
            "but got an array with length 1001 instead."
        ),
    ),
]


@pytest.mark.parametrize(("model", "body", "code", "param", "message"), REFUSED)
def test_each_mistake_is_refused_in_openais_words(
    model: type[BaseModel], body: dict[str, object], code: str, param: str, message: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        validate(model, body)
    assert caught.value.envelope() == {
        "error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    }


PLACES: list[tuple[type[BaseModel], dict[str, Any], tuple[str | int, ...]]] = [
    (CreateVectorStore, {}, ()),
    (CreateVectorStore, {"expires_after": {"anchor": "last_active_at", "days": 1}}, ("expires_after",)),
    (CreateVectorStore, {"chunking_strategy": {"type": "auto"}}, ("chunking_strategy",)),
    (CreateVectorStore, chunked(800, 400), ("chunking_strategy", "static")),
    (UpdateVectorStore, {}, ()),
    (UpdateAttributes, {"attributes": None}, ()),
    (CreateVectorStoreFile, {"file_id": "a"}, ()),
    (CreateFileBatch, {"file_ids": ["a"]}, ()),
    (CreateFileBatch, {"files": [{"file_id": "a"}]}, ("files", 0)),
    (Search, search(), ()),
    (Search, search(ranking_options={}), ("ranking_options",)),
    (Search, search(filters=EQ), ("filters",)),
    (Search, search(filters={"type": "and", "filters": [EQ]}), ("filters", "filters", 0)),
]
FORBIDDEN = [
    "api_base",
    "api_key",
    "api_version",
    "base_url",
    "extra_body",
    "extra_headers",
    "extra_query",
    "fallbacks",
    "headers",
    "litellm_credential_name",
    "vector_store_id",
]


def with_field(value: Any, place: tuple[str | int, ...], name: str) -> Any:
    """A copy of `value` with the field `name` at `place`."""
    if not place:
        return {**value, name: "https://evil.example"}
    copy = value.copy()
    copy[place[0]] = with_field(value[place[0]], place[1:], name)
    return copy


@pytest.mark.parametrize("name", FORBIDDEN)
@pytest.mark.parametrize(("model", "body", "place"), PLACES)
def test_hosts_credentials_headers_and_path_ids_are_unknown_at_every_level(
    model: type[BaseModel], body: dict[str, Any], place: tuple[str | int, ...], name: str
) -> None:
    assert validate(model, body)
    rest, _ = schemas.split_litellm_fields(with_field(body, place, name))
    with pytest.raises(InvalidRequest) as caught:
        validate(model, rest)
    assert caught.value.code == "unknown_parameter"
    assert str(caught.value.param).endswith(name)
    assert "evil" not in caught.value.message

"""The models: what OpenAI documents is accepted, and the rest is refused with OpenAI's messages."""

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

from tests.factories.refused_bodies import BODIES, STATIC, UPLOAD, chunked
from tests.factories.refused_searches import EQ, SEARCHES, search
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
    files,
    models,
    validate,
)

if TYPE_CHECKING:
    from pydantic import BaseModel


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
        (files.FileExpiresAfter, file_create_params.ExpiresAfter),
        (CreateUpload, upload_create_params.UploadCreateParams),
        (files.FileExpiresAfter, upload_create_params.ExpiresAfter),
        (CompleteUpload, UploadCompleteParams),
    ],
)
def test_the_models_have_the_fields_of_the_official_client_and_no_others(
    model: type[BaseModel], params: type[object]
) -> None:
    # The id of the store is in the path, though the client's types list it among the parameters.
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


@pytest.mark.parametrize(("model", "body", "code", "param", "message"), [*BODIES, *SEARCHES])
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
    """Return a copy of `value` with the field `name` at `place`."""
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

"""Validate requests against OpenAI's schemas, with the errors that OpenAI answers.

::

    body    -> parse_json_object -> split_litellm_fields -> validate(CreateVectorStore, ...)
    query   -> query_reader(ListQuery, ...)
    upload  -> split_litellm_form_fields -> validate_form(CreateFile, ...)
    path id -> check_id("vector_store_id", ...)

They raise only errors of `vectorgate.api.errors`. The models only validate: the client's own dict is forwarded, without
LiteLLM's fields. Routes, authentication and responses are not handled here.
"""

from vectorgate.api.schemas.fields import check_id
from vectorgate.api.schemas.litellm import (
    LITELLM_FIELDS,
    LiteLLMFields,
    split_litellm_fields,
    split_litellm_form_fields,
)
from vectorgate.api.schemas.models import (
    CompleteUpload,
    CreateFile,
    CreateFileBatch,
    CreateUpload,
    CreateUploadPart,
    CreateVectorStore,
    CreateVectorStoreFile,
    Search,
    UpdateAttributes,
    UpdateVectorStore,
)
from vectorgate.api.schemas.parsing import check_document, parse_json_object, validate
from vectorgate.api.schemas.query import (
    InputItemsQuery,
    ListFilesQuery,
    ListQuery,
    ListStoreFilesQuery,
    RetrieveResponseQuery,
    query_reader,
    validate_form,
)
from vectorgate.api.schemas.responses import CompactResponse, CountInputTokens, CreateResponse, check_model

__all__ = [
    "LITELLM_FIELDS",
    "CompactResponse",
    "CompleteUpload",
    "CountInputTokens",
    "CreateFile",
    "CreateFileBatch",
    "CreateResponse",
    "CreateUpload",
    "CreateUploadPart",
    "CreateVectorStore",
    "CreateVectorStoreFile",
    "InputItemsQuery",
    "ListFilesQuery",
    "ListQuery",
    "ListStoreFilesQuery",
    "LiteLLMFields",
    "RetrieveResponseQuery",
    "Search",
    "UpdateAttributes",
    "UpdateVectorStore",
    "check_document",
    "check_id",
    "check_model",
    "parse_json_object",
    "query_reader",
    "split_litellm_fields",
    "split_litellm_form_fields",
    "validate",
    "validate_form",
]

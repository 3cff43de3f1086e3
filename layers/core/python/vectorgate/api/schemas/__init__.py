"""The schemas of requests: what a request may look like, and the error that OpenAI would answer when it looks otherwise.

::

    body    -> parse_json_object -> take_litellm_fields -> validate(CreateVectorStore, ...)
    query   -> query_reader(ListQuery, ...)
    upload  -> take_litellm_form_fields -> validate_form(CreateFile, ...)
    path id -> check_id("vector_store_id", ...)

All of them raise errors of `vectorgate.api.errors` and nothing else. The models only validate: what is forwarded is the
client's own dict, without LiteLLM's fields. Owns no routes, no identities, and nothing about responses.
"""

from vectorgate.api.schemas.fields import check_id
from vectorgate.api.schemas.litellm import (
    LITELLM_FIELDS,
    LiteLLMFields,
    take_litellm_fields,
    take_litellm_form_fields,
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
    ListFilesQuery,
    ListQuery,
    ListStoreFilesQuery,
    query_reader,
    validate_form,
)

__all__ = [
    "LITELLM_FIELDS",
    "CompleteUpload",
    "CreateFile",
    "CreateFileBatch",
    "CreateUpload",
    "CreateUploadPart",
    "CreateVectorStore",
    "CreateVectorStoreFile",
    "ListFilesQuery",
    "ListQuery",
    "ListStoreFilesQuery",
    "LiteLLMFields",
    "Search",
    "UpdateAttributes",
    "UpdateVectorStore",
    "check_document",
    "check_id",
    "parse_json_object",
    "query_reader",
    "take_litellm_fields",
    "take_litellm_form_fields",
    "validate",
    "validate_form",
]

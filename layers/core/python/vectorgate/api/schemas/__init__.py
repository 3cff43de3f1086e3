"""Validate requests against OpenAI's schemas, with the errors that OpenAI answers.

::

    body    -> parse_json_object -> split_litellm_fields -> validate(CreateVectorStore, ...)
    query   -> parse_query(ListQuery, ...)
    upload  -> split_litellm_form_fields -> validate_form(CreateFile, ...)
    path id -> check_id("vector_store_id", ...)

They raise only errors of `vectorgate.api.errors`. The models only validate: the client's own dict is forwarded, without
LiteLLM's fields. Routes, authentication and responses are not handled here.

The first use of a name imports its module: a function that validates no request loads no pydantic.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.schemas.files import CompleteUpload, CreateFile, CreateUpload, CreateUploadPart
    from vectorgate.api.schemas.forms import validate_form
    from vectorgate.api.schemas.litellm import (
        LITELLM_FIELDS,
        LiteLLMFields,
        split_litellm_fields,
        split_litellm_form_fields,
    )
    from vectorgate.api.schemas.models import CreateVectorStore, Search, UpdateVectorStore
    from vectorgate.api.schemas.object_ids import check_id
    from vectorgate.api.schemas.parsing import check_document, parse_json_object, validate
    from vectorgate.api.schemas.query import (
        InputItemsQuery,
        ListFilesQuery,
        ListQuery,
        ListStoreFilesQuery,
        RetrieveResponseQuery,
        parse_query,
    )
    from vectorgate.api.schemas.responses import CompactResponse, CountInputTokens, CreateResponse, check_model
    from vectorgate.api.schemas.store_files import CreateFileBatch, CreateVectorStoreFile, UpdateAttributes

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
    "parse_query",
    "split_litellm_fields",
    "split_litellm_form_fields",
    "validate",
    "validate_form",
]

_MODULES: Final[Mapping[str, tuple[str, ...]]] = {
    "files": ("CompleteUpload", "CreateFile", "CreateUpload", "CreateUploadPart"),
    "forms": ("validate_form",),
    "litellm": ("LITELLM_FIELDS", "LiteLLMFields", "split_litellm_fields", "split_litellm_form_fields"),
    "models": ("CreateVectorStore", "Search", "UpdateVectorStore"),
    "object_ids": ("check_id",),
    "parsing": ("check_document", "parse_json_object", "validate"),
    "query": (
        "InputItemsQuery",
        "ListFilesQuery",
        "ListQuery",
        "ListStoreFilesQuery",
        "RetrieveResponseQuery",
        "parse_query",
    ),
    "responses": ("CompactResponse", "CountInputTokens", "CreateResponse", "check_model"),
    "store_files": ("CreateFileBatch", "CreateVectorStoreFile", "UpdateAttributes"),
}
_MODULE_OF: Final = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a class or a function
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
    return found

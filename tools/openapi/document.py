"""The whole document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.administration import TAG, admin_paths
from tools.openapi.administration_bodies import body_schemas
from tools.openapi.answers import ANSWERS
from tools.openapi.paths import ANSWER_HEADERS, JSON, operation_of, refusal_responses
from tools.openapi.requests import reference, request_schemas, text
from tools.openapi.search import index_operation_of, operation_ids, spelling_of
from vectorgate import __version__
from vectorgate.api.operations import OPERATIONS
from vectorgate.azure_search.operations import INDEX_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

    Document: TypeAlias = dict[str, Any]

OPENAPI: Final = "3.1.0"
BASE: Final = "/v1"
_DESCRIPTION: Final = (
    "A gateway in front of OpenAI's and Azure's vector stores: one key, isolation, an audit record and an exact cost "
    "for every call. The paths under `/v1` are also served without it, and under `/openai` and `/openai/v1`, as Azure "
    "OpenAI's clients build them."
)


def document() -> Document:
    """OpenAPI 3.1, in the order of the operation tables."""
    return {
        "openapi": OPENAPI,
        "info": {
            "title": "vectorgate",
            "version": __version__,
            "summary": "OpenAI-compatible gateway for vector stores and files",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [_SERVER],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": [{"name": name} for name in _tags()],
        "paths": _paths(),
        "components": _components(),
    }


_SERVER: Final[Document] = {
    "url": "{origin}",
    "variables": {
        "origin": {
            "default": "http://127.0.0.1:4000",
            "description": "Local mode, as `make run` serves it; of a deployment, the output `ApiUrl` of its stack.",
        }
    },
}
_HEADERS: Final[Mapping[str, tuple[str, str, Document]]] = {
    "Provider": ("custom-llm-provider", "The provider of what is created; the default's otherwise.", text(64)),
    "EndUser": (
        "x-litellm-end-user-id",
        "The end user of the call; else `x-litellm-customer-id`, the body's `user` or its `safety_identifier`.",
        text(128),
    ),
    "Tags": (
        "x-litellm-tags",
        "Labels of the call's record, separated by commas: up to 10 with those of the key, of 256 characters in all.",
        {"type": "string"},
    ),
    "IdempotencyKey": (
        "Idempotency-Key",
        "Repeated with the same key and body within a day, a call has its first answer (`idempotency-replayed`).",
        text(255, minLength=1, pattern="^[ -~]+$"),
    ),
}


def _tags() -> list[str]:
    return [*dict.fromkeys(operation.name.rpartition(".")[0] for operation in OPERATIONS), "indexes", TAG]


def _paths() -> dict[str, Document]:
    found: dict[str, Document] = {}
    for operation in OPERATIONS:
        found.setdefault(BASE + operation.path, {})[operation.method.lower()] = operation_of(operation)
    for row, operation_id in operation_ids(INDEX_OPERATIONS).items():
        found.setdefault(spelling_of(row), {})[row.method.lower()] = index_operation_of(row, operation_id)
    return found | admin_paths()


def _components() -> Document:
    azure_412 = {"description": "A condition on the entity tag does not hold."}
    return {
        "schemas": {**request_schemas(OPERATIONS), **body_schemas(), **ANSWERS},
        "responses": {
            **refusal_responses("Error"),
            **refusal_responses("AzureError"),
            "AzureError412": {**azure_412, "content": {JSON: {"schema": reference("AzureError")}}},
        },
        "parameters": {
            name: {"name": header, "in": "header", "description": description, "schema": schema}
            for name, (header, description, schema) in _HEADERS.items()
        },
        "headers": {
            name: {"description": description, "schema": {"type": "string"}}
            for name, description in ANSWER_HEADERS.values()
        },
        "securitySchemes": {
            "bearer": {"type": "http", "scheme": "bearer", "description": "A virtual key."},
            "apiKey": {
                "type": "apiKey",
                "in": "header",
                "name": "api-key",
                "description": "The same, as Azure's clients.",
            },
        },
    }

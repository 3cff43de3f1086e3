"""One operation of OpenAI's API as an OpenAPI operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.answers import ANSWER_OF
from tools.openapi.error_codes import CODES, description
from tools.openapi.requests import beginning, query_parameters, reference, request_name
from vectorgate.api.operations import Media, Operation
from vectorgate.api.safety import Safety
from vectorgate.api.schemas.object_ids import ID_MAX
from vectorgate.ids import MODEL_MAX, PATH_KINDS, PATH_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document: TypeAlias = dict[str, Any]

MEDIA_TYPES: Final = {Media.JSON: "application/json", Media.MULTIPART: "multipart/form-data"}
JSON: Final = MEDIA_TYPES[Media.JSON]
# What any call can be refused with, by status; see `vectorgate.api.errors`.
REFUSALS: Final[Mapping[str, str]] = {status: description(status) for status in CODES}
# Headers of an answer: the component's name, and what the header has.
ANSWER_HEADERS: Final[Mapping[str, tuple[str, str]]] = {
    "x-litellm-call-id": ("CallId", "The id of the call's record."),
    "x-litellm-response-cost": ("Cost", "What the call costs, in US dollars."),
    "x-litellm-key-spend": ("KeySpend", "What the key has spent in its budget's period, in US dollars."),
    "x-litellm-key-max-budget": ("KeyMaxBudget", "The key's budget, in US dollars."),
    "x-litellm-response-duration-ms": ("Duration", "The time of the call, in milliseconds."),
    "x-litellm-overhead-duration-ms": ("Overhead", "The gateway's own part of that time."),
}
_ONLY_OF_WRITES: Final = frozenset({"409", "422"})
_SAFETY: Final[Mapping[Safety, str]] = {
    Safety.READ: "A read: it may be repeated freely.",
    Safety.IDEMPOTENT: "Repeating it has no further effect.",
    Safety.CREATE: "Each execution creates an object: repeat it with the same `Idempotency-Key` only.",
}


def operation_of(operation: Operation) -> Document:
    """The row as OpenAPI has it."""
    found: Document = {
        "operationId": operation.name,
        "tags": [operation.name.rpartition(".")[0]],
        "summary": title(operation.name),
        "description": " ".join(_sentences(operation)),
        "parameters": [*_path_parameters(operation), *query_parameters(operation), *header_parameters(operation)],
    }
    if operation.body is not None:
        content = {MEDIA_TYPES[operation.media]: {"schema": reference(request_name(operation))}}
        found["requestBody"] = {"required": True, "content": content}
    return {**found, "responses": {"200": _success(operation), **refusals(operation, "Error")}}


def title(name: str) -> str:
    """`vector_stores.files.create` as a heading: `Vector stores, files: create`."""
    *groups, verb = name.replace("_", " ").split(".")
    return f"{', '.join(groups)}: {verb}".capitalize()


def _sentences(operation: Operation) -> Iterator[str]:
    """How often it may be executed, what it creates or lists, and how large its body may be."""
    yield _SAFETY[operation.safety]
    if operation.creates is not None:
        yield f"The {operation.creates} that it creates belongs to the caller's tenant."
    if operation.lists is not None:
        yield "Lists what the caller's tenant has created through the gateway."
    if operation.body_ids:
        yield f"The ids in {', '.join(f'`{name}`' for name in operation.body_ids)} must belong to the caller's tenant."
    if operation.walked:
        yield "Every id in it, wherever it stands, must belong to the caller's tenant."
    if operation.media is not Media.NONE:
        yield f"The body has at most {operation.max_body:,} bytes; a deployment on Lambda carries less."


def _path_parameters(operation: Operation) -> list[Document]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            **_path_schema(name),
        }
        for name in operation.parameters
    ]


def _path_schema(name: str) -> Document:
    if name in PATH_NAMES:
        pattern = "^[A-Za-z0-9][A-Za-z0-9._:@-]*$"
        schema = {"type": "string", "minLength": 1, "maxLength": MODEL_MAX, "pattern": pattern}
        return {"description": f"The name of a {name} that the key may use.", "schema": schema}
    schema = {"type": "string", "minLength": 1, "maxLength": ID_MAX, "pattern": "^[A-Za-z0-9_-]+$"}
    description = f"The id of a {PATH_KINDS[name]} of the caller's tenant. {beginning(PATH_KINDS[name])}"
    return {"description": description, "schema": schema}


def header_parameters(operation: Operation) -> list[Document]:
    """The headers that mean something to the gateway."""
    names = ["Provider", "EndUser", "Tags"]
    if operation.safety is not Safety.READ:
        names.append("IdempotencyKey")
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _success(operation: Operation) -> Document:
    answer = ANSWER_OF[operation.name]
    schema = {JSON: {"schema": reference(answer)}} if answer else {"application/octet-stream": {}}
    return {
        "description": "The provider's answer." if answer else "The bytes of the file.",
        "headers": {header: {"$ref": f"#/components/headers/{name}"} for header, (name, _) in ANSWER_HEADERS.items()},
        "content": schema,
    }


def refusals(operation: Operation, envelope: str) -> dict[str, Document]:
    """What the call can be refused with, in that envelope."""
    return {
        status: {"$ref": f"#/components/responses/{envelope}{status}"}
        for status in REFUSALS
        if operation.safety is not Safety.READ or status not in _ONLY_OF_WRITES
    }


def refusal_responses(envelope: str) -> dict[str, Document]:
    """All refusals in that envelope, as components."""
    content = {JSON: {"schema": reference(envelope)}}
    return {f"{envelope}{status}": {"description": text, "content": content} for status, text in REFUSALS.items()}

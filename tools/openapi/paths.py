"""One operation of OpenAI's API as an OpenAPI operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.answers import ANSWER_OF
from tools.openapi.requests import beginning, query_parameters, reference, request_name
from vectorgate.api.operations import Media, Operation
from vectorgate.api.safety import Safety
from vectorgate.api.schemas.fields import ID_MAX
from vectorgate.ids import MODEL_MAX, PATH_KINDS, PATH_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Document: TypeAlias = dict[str, Any]

MEDIA_TYPES: Final = {Media.JSON: "application/json", Media.MULTIPART: "multipart/form-data"}
JSON: Final = MEDIA_TYPES[Media.JSON]
# What any call can be refused with, by status; see `vectorgate.api.errors`.
REFUSALS: Final[Mapping[str, str]] = {
    "400": "The request is wrong: `code` and `param` say how.",
    "401": "`invalid_api_key`: no key, or one that is not valid.",
    "403": (
        "`blocked`: the key, the team or the end user. `route_not_allowed`, `provider_not_allowed`, `read_only_key`, "
        "`vector_store_not_allowed`, `model_not_allowed`, `tool_not_allowed`: restrictions of the key. `not_owner`, "
        "`shared_read_only`: the store is another team's, which shares it."
    ),
    "404": (
        "`unknown_url`: no such route. Without a code: what the call names does not exist, or belongs to another "
        "tenant; the answers are the same."
    ),
    "409": (
        "`idempotency_in_flight`: the same request is in progress. `idempotency_outcome_unknown`: its outcome is not "
        "known yet. `idempotency_answer_not_kept`: it was executed."
    ),
    "413": "`request_too_large`, `response_too_large`: larger than this deployment carries.",
    "422": "`idempotency_key_reused`: the `Idempotency-Key` was used with another body, API key or end user.",
    "429": (
        "`insufficient_quota`: a budget. `vector_store_limit_reached`, `vector_store_storage_limit_reached`: a rule "
        "for the team's stores. `rate_limit_exceeded`, with `retry-after`: a rate limit, of the gateway or of the "
        "provider."
    ),
    "502": (
        "`provider_connection_lost`, `provider_unreachable`, `provider_credential_refused`, or the provider's own "
        "error. With `x-should-retry: false` it may have executed the call."
    ),
    "503": (
        "`keys_unavailable`, `ledger_unavailable`, `credential_unavailable` and others: a part of the gateway is "
        "unavailable, and nothing was executed."
    ),
    "504": (
        "`provider_timeout`: the provider did not answer in time. With `x-should-retry: false` it may have executed "
        "the call."
    ),
}
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

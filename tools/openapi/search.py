"""One operation of Azure AI Search as an OpenAPI operation, under the spelling that Azure's documentation has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tools.openapi.paths import JSON, header_parameters, refusals, title
from vectorgate.api.operations import Media
from vectorgate.api.router import SEARCH_PREFIX
from vectorgate.api.safety import Safety

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vectorgate.azure_search.operations import IndexOperation

    Document: TypeAlias = dict[str, Any]

_INDEX_NAME: Final[Document] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,128}$"}
_KEY: Final[Document] = {"type": "string", "pattern": "^[A-Za-z0-9_=-]{1,1024}$"}
_PARAMETERS: Final[Mapping[str, tuple[str, Document]]] = {
    "index": ("The virtual name of an index that the caller's key may use.", _INDEX_NAME),
    "key": ("The key of a document.", _KEY),
}
_SUCCESS: Final[Mapping[str, tuple[str, ...]]] = {
    "indexes.create": ("201",),
    "indexes.update": ("200", "201", "204"),
    "indexes.delete": ("204",),
    "indexes.documents.index": ("200", "207"),
}


def spelling_of(operation: IndexOperation) -> str:
    """The last one of the row: `/indexes/{index}/docs/search`, with `/azure_ai` before it."""
    return SEARCH_PREFIX + operation.path_variants[-1]


def operation_ids(operations: Iterable[IndexOperation]) -> dict[IndexOperation, str]:
    """A row's name; that of a GET whose name a POST has, too, with `.get` behind it, for ids are unique."""
    posted = {operation.name for operation in operations if operation.method == "POST"}
    return {
        operation: f"{operation.name}.get" if operation.method == "GET" and operation.name in posted else operation.name
        for operation in operations
    }


def index_operation_of(operation: IndexOperation, operation_id: str) -> Document:
    """The row as OpenAPI has it."""
    found: Document = {
        "operationId": operation_id,
        "tags": ["indexes"],
        "summary": title(operation_id),
        "description": f"Needs the permission `{operation.permission}` of the caller's key for the index.",
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)],
    }
    if operation.media is Media.JSON:
        found["requestBody"] = {"required": True, "content": {JSON: {"schema": _body(operation)}}}
    statuses = _SUCCESS.get(operation.name, ("200",))
    return {**found, "responses": {**{at: _success(operation, at) for at in statuses}, **_refusals(operation)}}


def _path_parameters(operation: IndexOperation) -> list[Document]:
    return [
        {"name": name, "in": "path", "required": True, "description": description, "schema": schema}
        for name, (description, schema) in _PARAMETERS.items()
        if f"{{{name}}}" in operation.path_variants[-1]
    ]


def _query_parameters(operation: IndexOperation) -> list[Document]:
    version = {"name": "api-version", "in": "query", "required": True}
    known = ({"name": name, "in": "query", "schema": {"type": "string"}} for name in sorted(operation.query_parameters))
    return [{**version, "schema": {"type": "string", "enum": sorted(operation.versions)}}, *known]


def _headers(operation: IndexOperation) -> list[Document]:
    """The gateway's headers that do not choose a provider or a repetition."""
    wanted = ("EndUser", "Tags")
    return [each for each in header_parameters(operation) if each["$ref"].rpartition("/")[2] in wanted]


def _body(operation: IndexOperation) -> Document:
    """The service's own; where the row lists the fields, no others."""
    if operation.fields is None:
        return {"type": "object"}
    return {
        "type": "object",
        "properties": {name: {} for name in sorted(operation.fields)},
        "additionalProperties": False,
    }


def _success(operation: IndexOperation, status: str) -> Document:
    answer: Document = {"description": "The service's answer, with virtual names."}
    if status == "204":
        return {"description": "Done; there is no body."}
    if operation.binary:
        return {**answer, "content": {"text/plain": {"schema": {"type": "string"}}}}
    return {**answer, "content": {JSON: {"schema": {"type": "object"}}}}


def _refusals(operation: IndexOperation) -> dict[str, Document]:
    """Without 422, for there is no `Idempotency-Key`; with 412 where an entity tag can be a condition."""
    found = {status: response for status, response in refusals(operation, "AzureError").items() if status != "422"}
    if operation.safety is not Safety.READ:
        found["412"] = {"$ref": "#/components/responses/AzureError412"}
    return dict(sorted(found.items()))

"""Parse and validate a native request: api-version, query, headers and body, each against its row of the allow-list.

A search service fetches URLs in definitions and queries with its own identity. Requests that would make it fetch a URL
of the client's choice, or hold a credential, are refused: a client must not reach other hosts through the service.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final, cast

from vectorgate.api import schemas
from vectorgate.api.command import Command
from vectorgate.api.errors import InvalidRequest, NotFound, PayloadTooLarge
from vectorgate.api.http import encode_json
from vectorgate.api.operations import Media
from vectorgate.azure_search.operations import IndexOperation, ResponseKind, field_names
from vectorgate.gateway.parser import checked_end_user, checked_tags
from vectorgate.ids import ObjectId, is_object_id

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.http import Request
    from vectorgate.api.operations import Operation
    from vectorgate.api.router import Route
    from vectorgate.gateway.parser import CallOptions
    from vectorgate.ids import ProviderName

API_VERSION: Final = "api-version"
INVALID: Final = "InvalidRequestParameter"
MAX_TOKENS: Final = 4_000_000  # more than 16 MiB of vectors, which are numbers, can hold
MAX_PARAMETER: Final = 8 * 1024  # characters
_HEADERS: Final = {
    "accept": re.compile(r"application/json(; ?odata\.metadata=(none|minimal))?"),
    "prefer": re.compile(r"return=(representation|minimal)"),
    "if-match": re.compile(r"\*|(W/)?\"[\x21\x23-\x7e]{1,128}\""),
    "if-none-match": re.compile(r"\*|(W/)?\"[\x21\x23-\x7e]{1,128}\""),
}
_OPTIONAL_HEADERS: Final = frozenset({"accept", "prefer"})  # dropped when malformed; a malformed condition is an error
_DEFINITION_FIELDS: Final = field_names(
    """name description fields scoringProfiles defaultScoringProfile corsOptions suggesters analyzers tokenizers
    tokenFilters charFilters normalizers similarity semantic vectorSearch encryptionKey @odata.etag @odata.context
    """
)
_VECTOR_SEARCH_FIELDS: Final = frozenset({"profiles", "algorithms", "compressions", "vectorizers"})
_VECTOR_QUERY_KINDS: Final = frozenset({"vector", "text"})


def parse(request: Request, route: Route, options: CallOptions, provider: ProviderName, max_bytes: int) -> Command:
    """Parse a request. NotFound (404) for an unsupported api-version, InvalidRequest (400), PayloadTooLarge (413)."""
    operation = as_index_operation(route.operation)
    _check_version(request, operation)
    body = _body(request, operation, min(max_bytes, operation.max_body))
    ids = {name: ObjectId(text) for name, text in route.captured.items()}
    if operation.response_kind is ResponseKind.DEFINITION and operation.media is Media.JSON:
        ids["index"] = _checked_definition(body, ids.get("index"))
    content = encode_json(body) if operation.media is Media.JSON else None
    return Command(
        operation=operation,
        ids=ids,
        query=_query(request, operation),
        headers=_headers(request),
        body=body,
        content=content,
        fingerprint=hashlib.sha256(content).hexdigest() if content is not None else None,
        provider=provider,
        end_user=checked_end_user(options.end_user),
        tags=checked_tags(options.tags),
    )


def as_index_operation(operation: Operation) -> IndexOperation:
    """Narrow the type of an operation of this table. TypeError for any other."""
    if not isinstance(operation, IndexOperation):
        raise TypeError("not an operation on indexes")
    return operation


def _check_version(request: Request, operation: IndexOperation) -> None:
    version = request.query.get(API_VERSION)
    if not version:
        raise InvalidRequest(
            "The api-version query parameter (?api-version=) is required for all requests.",
            code="MissingApiVersionParameter",
        )
    if version not in operation.versions:
        supported = ", ".join(sorted(operation.versions))
        raise NotFound(f"Unsupported api-version. Supported are: {supported}.", code="UnsupportedApiVersion")


def _query(request: Request, operation: IndexOperation) -> dict[str, str]:
    """The api-version and the row's parameters. An unknown parameter is an error: a filter must not be ignored."""
    for name, value in request.query.items():
        if name != API_VERSION and name not in operation.query_parameters:
            raise _invalid(name[:64], "is not a parameter of this operation here; a search by POST accepts all")
        if len(value) > MAX_PARAMETER:
            raise _invalid(name, f"is longer than {MAX_PARAMETER} characters")
    return dict(request.query)


def _headers(request: Request) -> dict[str, str]:
    found = {}
    for name, pattern in _HEADERS.items():
        value = request.header(name)
        if value is not None and pattern.fullmatch(value):
            found[name] = value
        elif value is not None and name not in _OPTIONAL_HEADERS:
            raise _invalid(name, "is not an entity tag")
    return found


def _body(request: Request, operation: IndexOperation, max_bytes: int) -> dict[str, object]:
    if operation.media is Media.NONE:
        return {}
    if request.body.size > max_bytes:
        raise PayloadTooLarge(
            f"Request body too large: expected at most {max_bytes} bytes, but got {request.body.size}. "
            "Send fewer documents in one request, and the rest in further ones.",
            code="RequestEntityTooLarge",
        )
    content_type = request.headers.get("content-type")
    body = schemas.parse_json_object(request.body.read(), content_type, max_bytes=max_bytes, max_tokens=MAX_TOKENS)
    for name in body:
        if operation.fields is not None and name not in operation.fields:
            raise _invalid(name[:64], "is not a field of this operation")
    if "vectorQueries" in body:
        _check_vector_queries(body["vectorQueries"])
    if operation.response_kind is ResponseKind.OUTCOMES:
        _check_documents(body)
    return body


def _check_documents(body: Mapping[str, object]) -> None:
    documents = body.get("value")
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        raise _invalid("value", "is expected to be an array of documents")


def _check_vector_queries(queries: object) -> None:
    """Allow only vectors and texts: the service would fetch an image by its URL."""
    for query in queries if isinstance(queries, list) else [None]:
        if not isinstance(query, dict) or query.get("kind") not in _VECTOR_QUERY_KINDS:
            raise _invalid("vectorQueries", "accepts queries of the kinds 'vector' and 'text'")
        if any(name.casefold() in {"url", "base64image"} for name in query):
            raise _invalid("vectorQueries", "accepts no images")


def _checked_definition(body: Mapping[str, object], in_path: str | None) -> ObjectId:
    """Validate a definition and return the index's virtual name, on which path and body must agree if both have one."""
    for field in body:
        if field not in _DEFINITION_FIELDS:
            raise _invalid(field[:64], "is not a field of an index definition here")
    if body.get("encryptionKey") is not None:
        raise _invalid("encryptionKey", "names a key vault, which only an administrator may choose")
    _check_vector_search(body.get("vectorSearch"))
    name = body.get("name", in_path)
    if not isinstance(name, str) or not is_object_id(name):
        raise _invalid("name", "is missing, or no name")
    if in_path is not None and name != in_path:
        raise _invalid("name", "differs from the one in the path")
    return ObjectId(name)


def _check_vector_search(found: object) -> None:
    if found is None:
        return
    settings = cast("Mapping[str, object]", found) if isinstance(found, dict) else {"": None}
    for name in settings:
        if name not in _VECTOR_SEARCH_FIELDS:
            raise _invalid(f"vectorSearch.{name[:64]}", "is not a setting of vector search here")
    if settings.get("vectorizers"):
        raise _invalid("vectorSearch.vectorizers", "name hosts and credentials, which only an administrator may choose")


def _invalid(param: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"The parameter '{param}' {reason}.", code=INVALID, param=param)

"""From a native request to a command: api-version, query, headers and body, each against what the row lists.

A search service fetches what a definition or a query names by URL, with its own identity. What would make it fetch
something of the client's choice, or hold a credential, is refused: a client must not reach through the service.
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
from vectorgate.azure_search.operations import IndexOperation, Returns, words
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
MAX_TOKENS: Final = 4_000_000  # vectors are numbers: 16 MiB hold fewer
MAX_PARAMETER: Final = 8 * 1024
_HEADERS: Final = {
    "accept": re.compile(r"application/json(; ?odata\.metadata=(none|minimal))?"),
    "prefer": re.compile(r"return=(representation|minimal)"),
    "if-match": re.compile(r"\*|(W/)?\"[\x21\x23-\x7e]{1,128}\""),
    "if-none-match": re.compile(r"\*|(W/)?\"[\x21\x23-\x7e]{1,128}\""),
}
_OPTIONAL_HEADERS: Final = frozenset({"accept", "prefer"})  # an odd one is dropped; an odd condition must not be
_DEFINITION: Final = words(
    """name description fields scoringProfiles defaultScoringProfile corsOptions suggesters analyzers tokenizers
    tokenFilters charFilters normalizers similarity semantic vectorSearch encryptionKey @odata.etag @odata.context
    """
)
_VECTOR_SEARCH: Final = frozenset({"profiles", "algorithms", "compressions", "vectorizers"})
_VECTOR_QUERIES: Final = frozenset({"vector", "text"})


def parse(request: Request, route: Route, options: CallOptions, provider: ProviderName, most: int) -> Command:
    """The command. NotFound (404) for another api-version, InvalidRequest (400), PayloadTooLarge (413)."""
    operation = index_row(route.operation)
    _check_version(request, operation)
    body = _body(request, operation, min(most, operation.max_body))
    ids = {name: ObjectId(text) for name, text in route.captured.items()}
    if operation.returns is Returns.DEFINITION and operation.media is Media.JSON:
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


def index_row(operation: Operation) -> IndexOperation:
    """The row, as one of this table."""
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
    """The api-version and what else the row knows. An unknown one is an error: a filter must not get lost."""
    for name, value in request.query.items():
        if name != API_VERSION and name not in operation.parameters_known:
            raise _invalid(name[:64], "is not a parameter of this operation here; a search by POST takes all")
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


def _body(request: Request, operation: IndexOperation, most: int) -> dict[str, object]:
    if operation.media is Media.NONE:
        return {}
    if request.body.size > most:
        raise PayloadTooLarge(
            f"Request body too large: expected at most {most} bytes, but got {request.body.size}. "
            "Send fewer documents in one request, and the rest in further ones.",
            code="RequestEntityTooLarge",
        )
    content_type = request.headers.get("content-type")
    body = schemas.parse_json_object(request.body.read(), content_type, max_bytes=most, max_tokens=MAX_TOKENS)
    for name in body:
        if operation.fields is not None and name not in operation.fields:
            raise _invalid(name[:64], "is not a field of this operation")
    if "vectorQueries" in body:
        _check_vector_queries(body["vectorQueries"])
    if operation.returns is Returns.OUTCOMES:
        _check_documents(body)
    return body


def _check_documents(body: Mapping[str, object]) -> None:
    documents = body.get("value")
    if not isinstance(documents, list) or not all(isinstance(document, dict) for document in documents):
        raise _invalid("value", "is expected to be an array of documents")


def _check_vector_queries(queries: object) -> None:
    """Vectors and texts only: an image by its URL would be fetched by the service."""
    for query in queries if isinstance(queries, list) else [None]:
        if not isinstance(query, dict) or query.get("kind") not in _VECTOR_QUERIES:
            raise _invalid("vectorQueries", "takes queries of the kinds 'vector' and 'text'")
        if any(name.casefold() in {"url", "base64image"} for name in query):
            raise _invalid("vectorQueries", "takes no images")


def _checked_definition(body: Mapping[str, object], in_path: str | None) -> ObjectId:
    """The virtual name of the index that is defined. The path's counts; the body's may only repeat it."""
    for name in body:
        if name not in _DEFINITION:
            raise _invalid(name[:64], "is not a field of an index definition here")
    if body.get("encryptionKey") is not None:
        raise _invalid("encryptionKey", "names a key vault, which is the administrator's to choose")
    _check_vector_search(body.get("vectorSearch"))
    named = body.get("name", in_path)
    if not isinstance(named, str) or not is_object_id(named):
        raise _invalid("name", "is missing, or no name")
    if in_path is not None and named != in_path:
        raise _invalid("name", "is another than the one in the path")
    return ObjectId(named)


def _check_vector_search(found: object) -> None:
    if found is None:
        return
    settings = cast("Mapping[str, object]", found) if isinstance(found, dict) else {"": None}
    for name in settings:
        if name not in _VECTOR_SEARCH:
            raise _invalid(f"vectorSearch.{name[:64]}", "is not a setting of vector search here")
    if settings.get("vectorizers"):
        raise _invalid(
            "vectorSearch.vectorizers", "name hosts and credentials, which are the administrator's to choose"
        )


def _invalid(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"The parameter '{param}' {why}.", code=INVALID, param=param)

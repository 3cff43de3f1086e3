"""The allow-list of Azure AI Search: a request that matches no row is answered 404.

Each row is served under every variant of its path that clients use, such as `/indexes/NAME/docs/search` and
`/indexes('NAME')/docs/search.post.search`, and is sent upstream under one of them, its `path`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from vectorgate.api.operations import KIB, MIB, Media, Operation
from vectorgate.api.safety import Safety
from vectorgate.auth.keys.model import IndexPermission
from vectorgate.classes import dataclass

# The stable versions that support vectors: learn.microsoft.com/rest/api/searchservice/search-service-api-versions
API_VERSIONS: Final = frozenset({"2023-11-01", "2024-07-01", "2025-09-01", "2026-04-01"})
UPLOAD_BODY: Final = 16 * MIB  # the service's limit
DEFINITION_BODY: Final = MIB
SEARCH_BODY: Final = 512 * KIB  # a vector of 3,072 numbers is about 60 KiB

READ, WRITE = IndexPermission.READ, IndexPermission.WRITE


class ResponseKind(StrEnum):
    """The kind of an operation's response, which says where it may contain an index's name."""

    DEFINITION = "definition"
    DEFINITIONS = "definitions"
    OUTCOMES = "outcomes"
    DATA = "data"  # only in OData's links


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOperation(Operation):
    """One row. `permission` is required of the caller's key; `path_variants` are all paths that match, `path` included.

    `query_parameters` are those allowed beside `api-version`; `fields` are the allowed fields of the body, None for a
    body that is validated otherwise. `versions` are the allowed values of `api-version`.
    """

    permission: IndexPermission
    path_variants: tuple[str, ...]
    response_kind: ResponseKind = ResponseKind.DATA
    query_parameters: frozenset[str] = frozenset()
    fields: frozenset[str] | None = None
    versions: frozenset[str] = API_VERSIONS


def field_names(text: str) -> frozenset[str]:
    """Split a text into names."""
    return frozenset(text.split())


_INDEX_PATHS: Final = ("/indexes('{index}')", "/indexes/{index}")


def _variants(*tails: str) -> tuple[str, ...]:
    """The path variants of an operation on one index. The first, with the first tail, is the one sent upstream."""
    return tuple(dict.fromkeys(index + tail for index in _INDEX_PATHS for tail in tails))


_INDEX: Final = _variants("")
_DOCUMENTS: Final = _variants("/docs/search.index", "/docs/index")

SEARCH_FIELDS: Final = field_names(
    """answers captions count debug facets filter highlight highlightPostTag highlightPreTag minimumCoverage orderby
    queryType scoringParameters scoringProfile scoringStatistics search searchFields searchMode select
    semanticConfiguration semanticErrorHandling semanticMaxWaitInMilliseconds semanticQuery sessionId skip top
    vectorFilterMode vectorQueries"""
)
# Without `facet` and `scoringParameter`, which a GET repeats: a `Request` holds one value of each parameter.
SEARCH_PARAMETERS: Final = field_names(
    """$count $filter $orderby $select $skip $top answers captions debug highlight highlightPostTag highlightPreTag
    minimumCoverage queryType scoringProfile scoringStatistics search searchFields searchMode semanticConfiguration
    semanticErrorHandling semanticMaxWaitInMilliseconds semanticQuery sessionId"""
)
SUGGEST_FIELDS: Final = field_names(
    """filter fuzzy highlightPostTag highlightPreTag minimumCoverage orderby search searchFields select suggesterName
    top"""
)
COMPLETE_FIELDS: Final = field_names(
    """autocompleteMode filter fuzzy highlightPostTag highlightPreTag minimumCoverage search searchFields
    suggesterName top"""
)
_ODATA: Final = frozenset({"filter", "orderby", "select", "top"})


def _as_parameters(fields: frozenset[str]) -> frozenset[str]:
    """The query parameters of a GET that correspond to the fields of a POST's body."""
    return frozenset(f"${name}" if name in _ODATA else name for name in fields)


def _search(name: str, *tails: str, fields: frozenset[str]) -> IndexOperation:
    path_variants = _variants(*tails)
    return IndexOperation(
        name=name,
        path=path_variants[0],
        path_variants=path_variants,
        method="POST",
        safety=Safety.READ,
        media=Media.JSON,
        max_body=SEARCH_BODY,
        permission=READ,
        fields=fields,
    )


def _read(name: str, *tails: str, known: frozenset[str] = frozenset(), binary: bool = False) -> IndexOperation:
    path_variants = _variants(*tails)
    return IndexOperation(
        name=name,
        path=path_variants[0],
        path_variants=path_variants,
        method="GET",
        safety=Safety.READ,
        permission=READ,
        query_parameters=known,
        binary=binary,
    )


INDEX_OPERATIONS: Final[tuple[IndexOperation, ...]] = (
    IndexOperation(
        name="indexes.create",
        method="POST",
        path="/indexes",
        path_variants=("/indexes",),
        safety=Safety.CREATE,
        media=Media.JSON,
        max_body=DEFINITION_BODY,
        permission=WRITE,
        response_kind=ResponseKind.DEFINITION,
    ),
    IndexOperation(
        name="indexes.list",
        method="GET",
        path="/indexes",
        path_variants=("/indexes",),
        safety=Safety.READ,
        permission=READ,
        response_kind=ResponseKind.DEFINITIONS,
        query_parameters=frozenset({"$select"}),
    ),
    IndexOperation(
        name="indexes.update",
        method="PUT",
        path=_INDEX[0],
        path_variants=_INDEX,
        safety=Safety.IDEMPOTENT,
        media=Media.JSON,
        max_body=DEFINITION_BODY,
        permission=WRITE,
        response_kind=ResponseKind.DEFINITION,
        query_parameters=frozenset({"allowIndexDowntime"}),
    ),
    IndexOperation(
        name="indexes.retrieve",
        method="GET",
        path=_INDEX[0],
        path_variants=_INDEX,
        safety=Safety.READ,
        permission=READ,
        response_kind=ResponseKind.DEFINITION,
    ),
    IndexOperation(
        name="indexes.delete",
        method="DELETE",
        path=_INDEX[0],
        path_variants=_INDEX,
        safety=Safety.IDEMPOTENT,
        permission=WRITE,
    ),
    _read("indexes.stats", "/search.stats", "/stats"),
    IndexOperation(
        name="indexes.documents.index",
        method="POST",
        path=_DOCUMENTS[0],
        path_variants=_DOCUMENTS,
        safety=Safety.IDEMPOTENT,  # each action sets or removes what its key names
        media=Media.JSON,
        max_body=UPLOAD_BODY,
        permission=WRITE,
        response_kind=ResponseKind.OUTCOMES,
        fields=frozenset({"value"}),
    ),
    _search("indexes.search", "/docs/search.post.search", "/docs/search", fields=SEARCH_FIELDS),
    _read("indexes.search", "/docs", known=SEARCH_PARAMETERS),
    _search("indexes.suggest", "/docs/search.post.suggest", "/docs/suggest", fields=SUGGEST_FIELDS),
    _read("indexes.suggest", "/docs/search.suggest", "/docs/suggest", known=_as_parameters(SUGGEST_FIELDS)),
    _search("indexes.autocomplete", "/docs/search.post.autocomplete", "/docs/autocomplete", fields=COMPLETE_FIELDS),
    _read(
        "indexes.autocomplete", "/docs/search.autocomplete", "/docs/autocomplete", known=_as_parameters(COMPLETE_FIELDS)
    ),
    _read("indexes.documents.retrieve", "/docs('{key}')", known=frozenset({"$select"})),
    _read("indexes.documents.count", "/docs/$count", binary=True),
)

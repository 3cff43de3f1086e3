"""Calls of the Azure AI Search surface: each row of its allow-list with a valid body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.fakes.azure import VERSION
from tests.harnesses.azure import VIRTUAL
from vectorgate.api.operations import Media
from vectorgate.azure_search.operations import INDEX_OPERATIONS, IndexOperation

if TYPE_CHECKING:
    import httpx

DEFINITION: dict[str, Any] = {"name": VIRTUAL, "fields": [{"name": "id", "type": "Edm.String", "key": True}]}
BODIES: dict[str, dict[str, Any]] = {
    "indexes.create": DEFINITION,
    "indexes.update": DEFINITION,
    "indexes.documents.index": {"value": [{"@search.action": "upload", "id": "1"}]},
    "indexes.search": {"search": "*"},
    "indexes.suggest": {"search": "i", "suggesterName": "sg"},
    "indexes.autocomplete": {"search": "i", "suggesterName": "sg"},
}


def ask(
    http: httpx.Client,
    key: str,
    row: IndexOperation,
    variant: str | None = None,
    *,
    index: str = VIRTUAL,
    version: str = VERSION,
    **changes: Any,
) -> httpx.Response:
    """Call a row, in one of the variants of its path."""
    path = "/azure_ai" + (variant or row.path).format(index=index, key="1")
    body = BODIES[row.name] if row.media is Media.JSON else None
    if body is not None and "name" in body:
        body = {**body, "name": index}
    options = {"json": body, "headers": {"api-key": key}, **changes}
    return http.request(row.method, path, params={"api-version": version}, **options)


def row(name: str, method: str = "POST") -> IndexOperation:
    """Return a row by its name and method."""
    return next(row for row in INDEX_OPERATIONS if row.name == name and row.method == method)


SEARCH_ROW, CREATE, UPDATE = row("indexes.search"), row("indexes.create"), row("indexes.update", "PUT")
UPLOAD, LIST = row("indexes.documents.index"), row("indexes.list", "GET")

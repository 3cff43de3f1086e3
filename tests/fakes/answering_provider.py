"""A provider that answers the calls whose costs are counted, with documents of a usual size."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vectorgate.api.http import Body
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import Outcome, Replied

if TYPE_CHECKING:
    from vectorgate.providers.base import UpstreamRequest

CREATED_AT = 1_772_600_767
COUNTS = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
USAGE = {
    "input_tokens": 1_200,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 300,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 1_500,
}


class AnsweringProvider:
    """A `Transport`. Keeps the `stores` that it made, by id."""

    def __init__(self) -> None:
        self.stores: dict[str, dict[str, Any]] = {}
        self._numbers = itertools.count(1)

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Answer one request."""
        del seconds
        parts = urlsplit(request.url).path.removeprefix("/v1/").split("/")
        document = self._document(request.method, parts)
        return Replied(UpstreamResponse(status=200, headers={}, body=Body.of(json.dumps(document).encode())))

    def _document(  # noqa: PLR0911 - a table of routes
        self, method: str, parts: list[str]
    ) -> dict[str, Any]:
        match method, parts:
            case "POST", ["vector_stores"]:
                return self._new_store()
            case "GET", ["vector_stores"]:
                return {"object": "list", "data": [*self.stores.values()], "has_more": False}
            case "GET", ["vector_stores", store]:
                return self.stores[store]
            case "DELETE", ["vector_stores", store]:
                del self.stores[store]
                return {"id": store, "object": "vector_store.deleted", "deleted": True}
            case "POST", ["vector_stores", store, "search"]:
                return _found(store)
            case "POST", ["vector_stores", store, "files"]:
                return _attached(store)
            case "POST", ["files"]:
                return self._new_file()
        assert (method, parts) == ("POST", ["responses"])
        return self._response()

    def _new_store(self) -> dict[str, Any]:
        name = f"vs_{next(self._numbers):032x}"
        facts = {"created_at": CREATED_AT, "name": "counted", "status": "completed", "usage_bytes": 1_000_000}
        self.stores[name] = {"id": name, "object": "vector_store", **facts, "file_counts": COUNTS}
        return self.stores[name]

    def _new_file(self) -> dict[str, Any]:
        facts = {"bytes": 1_000_000, "created_at": CREATED_AT, "filename": "counted.md", "purpose": "assistants"}
        return {"id": f"file-{next(self._numbers):022x}", "object": "file", **facts}

    def _response(self) -> dict[str, Any]:
        call = {"id": "fs_1", "type": "file_search_call", "status": "completed", "queries": ["counted"]}
        facts = {"created_at": CREATED_AT, "model": "gpt-5-mini", "status": "completed", "output": [call]}
        return {"id": f"resp_{next(self._numbers):048x}", "object": "response", **facts, "usage": USAGE}


def _found(store: str) -> dict[str, Any]:
    hit = {
        "file_id": f"file-{store[-22:]}",
        "filename": "counted.md",
        "score": 0.9,
        "attributes": {},
        "content": [{"type": "text", "text": "What was found. " * 100}],
    }
    return {
        "object": "vector_store.search_results.page",
        "search_query": ["counted"],
        "data": [hit] * 10,
        "has_more": False,
        "next_page": None,
    }


def _attached(store: str) -> dict[str, Any]:
    return {
        "id": f"file-{store[-22:]}",
        "object": "vector_store.file",
        "created_at": CREATED_AT,
        "vector_store_id": store,
        "status": "in_progress",
        "usage_bytes": 0,
        "last_error": None,
    }

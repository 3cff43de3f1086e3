"""A provider that keeps files and vector stores, takes time to index a file, and may fail at each call."""

from __future__ import annotations

import hashlib
import json
from bisect import bisect
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

from vectorgate.api.http import Body, FileUpload
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import NotSent, Outcome, Replied, ResponseLost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.fakes.faults import FaultyEnvironment
    from vectorgate.providers.base import UpstreamRequest

# The kinds of faults, and the probability of each once a call fails.
FAULTS: Final = {
    "not_sent": 0.15,
    "lost_before": 0.15,
    "lost_after": 0.25,
    "failed_before": 0.15,
    "failed_after": 0.1,
    "limited": 0.2,
}
EXECUTED: Final = frozenset({"lost_after", "failed_after"})
_NO_SUCH: Final = {"error": {"message": "No such thing", "type": "invalid_request_error", "param": None, "code": None}}


@dataclass
class File:
    """A file. `content`: the SHA-256 of its bytes."""

    content: str
    filename: str
    size: int
    created_at: int


@dataclass
class Store:
    """A vector store. `files`: attributes by file id. `indexed_at`: by file id, when it is indexed."""

    name: str
    metadata: dict[str, str]
    created_at: int
    files: dict[str, Any] = field(default_factory=dict)
    indexed_at: dict[str, float] = field(default_factory=dict)


class IndexingProvider:
    """A `Transport`. Its state is open to tests, and so is what it was asked.

    `calls`: requests by method and path. `attach_counts`: how often each file was attached. `attach_times`: by store,
    the times of the attempts to attach. `bodies`: of the batches. `index_seconds`: how long a file is indexed.
    `last_error`: by filename, why it cannot be indexed. `refuse`: a status and a document for a request, or None.
    """

    def __init__(self, environment: FaultyEnvironment) -> None:
        self._environment = environment
        self.files: dict[str, File] = {}
        self.vector_stores: dict[str, Store] = {}
        self.calls: Counter[str] = Counter()
        self.attach_counts: Counter[tuple[str, str]] = Counter()
        self.attach_times: dict[str, list[float]] = {}
        self.bodies: list[dict[str, Any]] = []
        self.index_seconds = 3.0
        self.last_error: dict[str, dict[str, str]] = {}
        self.refuse: Callable[[str, str, dict[str, Any]], tuple[int, dict[str, Any]] | None] = lambda *_: None

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Make one attempt."""
        del seconds
        return self.attempt(request)

    def attempt(self, request: UpstreamRequest) -> Outcome:
        """Execute a request, unless it meets a fault."""
        self._environment.crash_point()
        self._environment.now += 0.01
        self._record_attach(request)
        fault = None
        if self._environment.fails():
            edges = list(accumulate(FAULTS.values()))
            fault = list(FAULTS)[min(bisect(edges, self._environment.rng.random()), len(FAULTS) - 1)]
        if fault is not None and fault not in EXECUTED:
            return _OUTCOMES[fault]
        status, document = self.execute(request)
        self._environment.crash_point()
        return _reply(status, document) if fault is None else _OUTCOMES[fault]

    def _record_attach(self, request: UpstreamRequest) -> None:
        """Keep the time of an attempt to attach, by store."""
        parts = urlsplit(request.url).path.removeprefix("/v1/").split("/")
        if request.method == "POST" and parts[0] == "vector_stores" and parts[2:] in (["files"], ["file_batches"]):
            self.attach_times.setdefault(parts[1], []).append(self._environment.now)

    def most_attaches(self, seconds: float = 60) -> int:
        """Return the most attempts to attach to one store within so many seconds."""
        counts = (
            place + 1 - bisect(times, each - seconds)
            for times in self.attach_times.values()
            for place, each in enumerate(times)
        )
        return max(counts, default=0)

    def execute(self, request: UpstreamRequest) -> tuple[int, dict[str, Any]]:
        """Execute a request, and return status and document."""
        url = urlsplit(request.url)
        parts = url.path.removeprefix("/v1/").split("/")
        named = "/".join(part if place % 2 == 0 else "*" for place, part in enumerate(parts))
        self.calls[f"{request.method} {named}"] += 1
        if isinstance(request.content, FileUpload):
            return 200, self._new_file(request.content)
        body: dict[str, Any] = json.loads(request.content) if request.content else {}
        refused = self.refuse(request.method, named, body)
        if refused is not None:
            return refused
        if parts[0] == "files":
            return self._file(request.method, parts, dict(parse_qsl(url.query)))
        return self._store(request.method, parts, body, dict(parse_qsl(url.query)))

    def _new_file(self, upload: FileUpload) -> dict[str, Any]:
        stream = upload.content.open()
        digest, size = hashlib.sha256(), 0
        while piece := stream.read(65536):
            digest.update(piece)
            size += len(piece)
        name = f"file-{next(self._environment.numbers)}"
        self.files[name] = File(digest.hexdigest(), upload.filename, size, int(self._environment.now))
        return self._file_document(name)

    def _file_document(self, name: str) -> dict[str, Any]:
        file = self.files[name]
        return {
            "id": name,
            "object": "file",
            "bytes": file.size,
            "created_at": file.created_at,
            "filename": file.filename,
            "purpose": "assistants",
        }

    def _file(self, method: str, parts: list[str], query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if len(parts) == 1:
            return 200, _page([self._file_document(name) for name in self.files], query)
        if parts[1] not in self.files:
            return 404, _NO_SUCH
        if method == "DELETE":
            del self.files[parts[1]]
            for store in self.vector_stores.values():
                store.files.pop(parts[1], None)
            return 200, {"id": parts[1], "object": "file", "deleted": True}
        return 200, self._file_document(parts[1])

    def _store(  # noqa: PLR0911 - a table of routes
        self, method: str, parts: list[str], body: dict[str, Any], query: dict[str, str]
    ) -> tuple[int, dict[str, Any]]:
        if len(parts) == 1:
            if method == "GET":
                return 200, _page([self._store_document(name) for name in self.vector_stores], query)
            name = f"vs_{next(self._environment.numbers)}"
            self.vector_stores[name] = Store(body.get("name", ""), body.get("metadata", {}), int(self._environment.now))
            return 200, self._store_document(name)
        store = self.vector_stores.get(parts[1])
        if store is None:
            return 404, _NO_SUCH
        if parts[2:] == ["file_batches"]:
            return self._batch(parts[1], store, body)
        if parts[2:3] == ["file_batches"]:
            return 200, self._batch_document(parts[1], parts[3])
        if parts[2:3] == ["files"]:
            if parts[3] not in store.files:
                return 404, _NO_SUCH
            if method == "DELETE":
                del store.files[parts[3]]
                return 200, {"id": parts[3], "object": "vector_store.file.deleted", "deleted": True}
            return 200, self._attachment(store, parts[1], parts[3])
        return 200, self._store_document(parts[1])

    def _batch(self, store_id: str, store: Store, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.bodies.append(body)
        items = body.get("files") or [
            {"file_id": each, "attributes": body.get("attributes")} for each in body["file_ids"]
        ]
        missing = [item["file_id"] for item in items if item["file_id"] not in self.files]
        if missing:
            return 404, {"error": {"message": f"Files {missing} were not found", "type": "invalid_request_error"}}
        for item in items:
            self.attach_counts[store_id, item["file_id"]] += 1
            store.files[item["file_id"]] = item.get("attributes") or {}
            store.indexed_at[item["file_id"]] = self._environment.now + self.index_seconds
        return 200, self._batch_document(store_id, f"vsfb_{next(self._environment.numbers)}")

    def _batch_document(self, store_id: str, name: str) -> dict[str, Any]:
        counts = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
        return {"id": name, "object": "vector_store.file_batch", "vector_store_id": store_id, "file_counts": counts}

    def _attachment(self, store: Store, store_id: str, name: str) -> dict[str, Any]:
        error = self.last_error.get(self.files[name].filename)
        done = self._environment.now >= store.indexed_at[name]
        status = "in_progress" if not done else "failed" if error else "completed"
        return {
            "id": name,
            "object": "vector_store.file",
            "vector_store_id": store_id,
            "status": status,
            "usage_bytes": self.files[name].size,
            "last_error": error if done else None,
        }

    def _store_document(self, name: str) -> dict[str, Any]:
        store = self.vector_stores[name]
        return {
            "id": name,
            "object": "vector_store",
            "created_at": store.created_at,
            "name": store.name,
            "usage_bytes": 0,
            "metadata": store.metadata,
        }


class FaultlessTransport:
    """The same provider without faults and crashes."""

    def __init__(self, provider: IndexingProvider) -> None:
        self._provider = provider

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Execute a request."""
        del seconds
        return _reply(*self._provider.execute(request))


def _page(items: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    newest = items[::-1]
    start = next((place + 1 for place, item in enumerate(newest) if item["id"] == query.get("after")), 0)
    shown = newest[start : start + int(query.get("limit", "20"))]
    return {"object": "list", "data": shown, "has_more": start + len(shown) < len(newest)}


def _reply(status: int, document: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Replied:
    return Replied(UpstreamResponse(status=status, headers=headers or {}, body=Body.of(json.dumps(document).encode())))


def _error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Replied:
    return _reply(status, {"error": {"message": "simulated", "type": code, "code": code}}, headers)


_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "not_sent": NotSent(timed_out=False),
    "lost_before": ResponseLost(timed_out=False),
    "lost_after": ResponseLost(timed_out=False),
    "failed_before": _error(500, "server_error"),
    "failed_after": _error(500, "server_error"),
    "limited": _error(429, "rate_limit_exceeded", {"retry-after": "40"}),
}

"""OpenAI's API with objects in dictionaries, as an act of `FaultyUpstream`."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import parse_qsl

from tests.fakes.clock import EPOCH
from tests.fakes.openai_responses import FakeResponses
from tests.fakes.upstream import answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.fakes.openai_reports import FakeReports
    from tests.fakes.upstream import Act, Received

    Document: TypeAlias = dict[str, Any]

BATCH_PATH = re.compile(r"/v1/vector_stores/([^/]+)/file_batches/([^/]+)(/cancel|/files)?")
STORE_PATH = re.compile(r"/v1/vector_stores/([^/]+)(/search|/files|/file_batches)?")
STORE_FILE_PATH = re.compile(r"/v1/vector_stores/([^/]+)/files/([^/]+)(/content)?")
FILE_PATH = re.compile(r"/v1/files/([^/]+)(/content)?")
UPLOAD_PATH = re.compile(r"/v1/uploads/([^/]+)/(parts|complete|cancel)")
CONTENT = b"\x00\x01 what is in a file \xff"


@dataclass
class FakeOpenAI:
    """Keeps `stores`, `files` and `uploads` by id, for tests to look at and change.

    `ids`: the numbers of the next objects. `file_status`: the status of new files. `reports`: of its organization.
    """

    stores: dict[str, Document] = field(default_factory=dict)
    files: dict[str, Document] = field(default_factory=dict)
    uploads: dict[str, Document] = field(default_factory=dict)
    ids: Iterator[int] = field(default_factory=itertools.count)
    created_at: int = int(EPOCH)
    file_status: str = "processed"
    model: FakeResponses = field(default_factory=FakeResponses)
    reports: FakeReports | None = None

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request."""
        return self._answer(received)(connection, received)

    def _answer(self, received: Received) -> Act:  # noqa: PLR0911 - a table of routes
        path = received.path.partition("?")[0]
        if (act := self._of_a_part(received)) is not None:
            return act
        if path == "/v1/vector_stores":
            return (
                self._listed_stores(received) if received.method == "GET" else _ok(self._new_store(received.document))
            )
        if path == "/v1/files":
            return _ok(self._listed_files() if received.method == "GET" else self._new_file(received.body))
        if path == "/v1/uploads":
            return _ok(self._new_upload(received.document))
        if match := UPLOAD_PATH.fullmatch(path):
            return self._upload(match[1], match[2])
        if match := STORE_FILE_PATH.fullmatch(path):
            return _ok(_page("x") if match[3] else _store_file(match[1], match[2]))
        if match := BATCH_PATH.fullmatch(path):
            return _ok(_page("x") if match[3] == "/files" else _batch(match[1], match[2]))
        if match := STORE_PATH.fullmatch(path):
            return self._store(received, match[1], match[2])
        if match := FILE_PATH.fullmatch(path):
            return self._file(received, match[1], content=match[2] is not None)
        return _missing("route")

    def _of_a_part(self, received: Received) -> Act | None:
        act = self.model.act_for(received)
        return self.reports.act_for(received) if act is None and self.reports is not None else act

    def _store(self, received: Received, name: str, rest: str | None) -> Act:
        if name not in self.stores:
            return _missing(name)
        if rest == "/search":
            return _ok({"object": "vector_store.search_results.page", "search_query": ["q"], "data": []} | _END)
        if rest == "/files":
            return _ok(_page("x") if received.method == "GET" else _store_file(name, str(received.document["file_id"])))
        if rest == "/file_batches":
            return _ok(_batch(name, f"vsfb_{next(self.ids)}"))
        if received.method == "DELETE":
            del self.stores[name]
            return _ok({"id": name, "object": "vector_store.deleted", "deleted": True})
        if received.method == "POST":
            self.stores[name].update(received.document)
        return _ok(self.stores[name])

    def _file(self, received: Received, name: str, *, content: bool) -> Act:
        if name not in self.files:
            return _missing(name)
        if content:
            return answer(200, CONTENT, {"content-type": "application/octet-stream"})
        if received.method == "DELETE":
            del self.files[name]
            return _ok({"id": name, "object": "file", "deleted": True})
        return _ok(self.files[name])

    def _listed_stores(self, received: Received) -> Act:
        query = dict(parse_qsl(received.path.partition("?")[2]))
        newest_first = query.get("order", "desc") == "desc"
        ids = sorted(self.stores, key=lambda name: (self.stores[name]["created_at"], name), reverse=newest_first)
        if query.get("after", "") not in {"", *ids}:
            return _missing(query["after"])
        start = ids.index(query["after"]) + 1 if query.get("after") else 0
        shown = ids[start : start + int(query.get("limit", "20"))]
        ends = {"first_id": shown[0] if shown else None, "last_id": shown[-1] if shown else None}
        data = [self.stores[name] for name in shown]
        return _ok({"object": "list", "data": data, **ends, "has_more": start + len(shown) < len(ids)})

    def _listed_files(self) -> Document:
        return {"object": "list", "data": [*self.files.values()], "has_more": False}

    def _new_store(self, body: Document) -> Document:
        said = {"name": body.get("name"), "metadata": body.get("metadata") or {}}
        store = store_document(f"vs_{next(self.ids)}", created_at=self.created_at, **said)
        self.stores[str(store["id"])] = store
        return store

    def _new_upload(self, body: Document) -> Document:
        name = f"upload_{next(self.ids)}"
        said = {field: body[field] for field in ("filename", "bytes", "purpose")}
        times = {"created_at": self.created_at, "expires_at": self.created_at + 3600}
        self.uploads[name] = {"id": name, "object": "upload", "status": "pending", "file": None, **times, **said}
        return self.uploads[name]

    def _upload(self, name: str, verb: str) -> Act:
        if name not in self.uploads:
            return _missing(name)
        upload = self.uploads[name]
        if verb == "parts":
            part = f"part_{next(self.ids)}"
            return _ok({"id": part, "object": "upload.part", "created_at": self.created_at, "upload_id": name})
        if upload["status"] != "pending":
            return _refused(f"Upload {name} is {upload['status']}.")
        upload["status"] = "cancelled" if verb == "cancel" else "completed"
        if verb == "complete":
            file = f"file-{next(self.ids)}"
            said = {field: upload[field] for field in ("filename", "bytes", "purpose")}
            made = {"id": file, "object": "file", "created_at": self.created_at, "status": "processed", **said}
            upload["file"] = self.files[file] = made
        return _ok(upload)

    def _new_file(self, body: bytes) -> Document:
        name = f"file-{next(self.ids)}"
        self.files[name] = {
            "id": name,
            "object": "file",
            "bytes": len(body),
            "created_at": self.created_at,
            "filename": "notes.md",
            "purpose": "assistants",
            "status": self.file_status,
            "expires_at": None,
        }
        return self.files[name]


_END: Document = {"has_more": False, "next_page": None}


def store_document(name: str, /, **changes: object) -> Document:
    """Return a vector store as OpenAI shows it."""
    counts = {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0}
    return {
        "id": name,
        "object": "vector_store",
        "created_at": int(EPOCH),
        "name": "store",
        "usage_bytes": 0,
        "file_counts": counts,
        "status": "completed",
        "expires_after": None,
        "expires_at": None,
        "last_active_at": int(EPOCH),
        "metadata": {},
        **changes,
    }


def _store_file(store: str, name: str) -> Document:
    return {
        "id": name,
        "object": "vector_store.file",
        "usage_bytes": 0,
        "created_at": int(EPOCH),
        "vector_store_id": store,
        "status": "completed",
        "last_error": None,
    }


def _batch(store: str, name: str) -> Document:
    counts = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
    return {
        "id": name,
        "object": "vector_store.file_batch",
        "created_at": int(EPOCH),
        "vector_store_id": store,
        "status": "completed",
        "file_counts": counts,
    }


def _page(*names: str) -> Document:
    return {"object": "list", "data": [], "first_id": names[0], "last_id": names[-1], **_END}


def _ok(document: Document) -> Act:
    return answer(200, document, {"x-request-id": "req_upstream", "openai-processing-ms": "5", "set-cookie": "a=b"})


def _refused(message: str) -> Act:
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    return answer(400, {"error": error})


def _missing(name: str) -> Act:
    error = {"message": f"No such thing: {name}", "type": "invalid_request_error", "param": None, "code": None}
    return answer(404, {"error": error})

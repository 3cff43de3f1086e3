"""The WSGI application: authentication, the table of routes, and errors in OpenAI's envelope."""

import hmac
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from local.upstream import attachments, batches, errors, files, ids, stores, uploads, wire
from local.upstream.blobs import Blobs
from local.upstream.db import Database
from local.upstream.embed import Embedder
from local.upstream.engine import Engine, Json
from local.upstream.index import Indexes
from local.upstream.multipart import receive
from local.upstream.search import search
from local.upstream.web import REASONS, Request, Response, encode, read_request
from local.upstream.wire import parse
from local.upstream.worker import Worker

log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], object]
Handler = Callable[[Engine, Request], Json | Path]
API_VERSION = "2020-10-01"
WORKERS = 2
# What the SDKs' polling helpers wait between two looks; their own choice is a second.
POLL_MILLISECONDS = "100"


def upload(engine: Engine, request: Request) -> Json:
    """POST /files."""
    with engine.blobs.receive() as target:
        form = receive(request.content_type, request.stream, request.length, target)
        if form.filename is None:
            raise errors.missing("file")
        return files.create(engine, nested(form.fields), form.filename, target)


def upload_part(engine: Engine, request: Request) -> Json:
    """POST /uploads/{upload_id}/parts."""
    with engine.blobs.receive() as target:
        form = receive(request.content_type, request.stream, request.length, target, "data")
        if form.filename is None:
            raise errors.missing("data")
        return uploads.add_part(engine, request.first, target)


def nested(fields: Mapping[str, str]) -> Json:
    """``expires_after[anchor]=x`` as ``{"expires_after": {"anchor": "x"}}``."""
    result: Json = {}
    for name, value in fields.items():
        outer, bracket, inner = name.partition("[")
        if not bracket:
            result[name] = value
        elif isinstance(group := result.setdefault(outer, {}), dict):
            group[inner.removesuffix("]")] = value
    return result


STORE = "/v1/vector_stores/{vector_store_id}"
FILE = f"{STORE}/files/{{file_id}}"
BATCH = f"{STORE}/file_batches/{{batch_id}}"

# What docs/api.md lists under Operations, and in its order.
ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/v1/vector_stores", lambda e, r: stores.create(e, parse(wire.CreateStore, r.json()))),
    ("GET", "/v1/vector_stores", lambda e, r: stores.listing(e, parse(wire.PageQuery, r.query))),
    ("GET", STORE, lambda e, r: stores.retrieve(e, r.first)),
    ("POST", STORE, lambda e, r: stores.modify(e, r.first, parse(wire.ModifyStore, r.json()))),
    ("DELETE", STORE, lambda e, r: stores.delete(e, r.first)),
    ("POST", f"{STORE}/search", lambda e, r: search(e, r.first, parse(wire.Search, r.json()))),
    ("POST", f"{STORE}/files", lambda e, r: attachments.attach(e, r.first, parse(wire.AttachFile, r.json()))),
    ("GET", f"{STORE}/files", lambda e, r: attachments.listing(e, r.first, parse(wire.AttachmentQuery, r.query))),
    ("GET", FILE, lambda e, r: attachments.retrieve(e, r.first, r.second)),
    ("POST", FILE, lambda e, r: attachments.set_attributes(e, r.first, r.second, parse(wire.SetAttributes, r.json()))),
    ("DELETE", FILE, lambda e, r: attachments.detach(e, r.first, r.second)),
    ("GET", f"{FILE}/content", lambda e, r: attachments.content(e, r.first, r.second)),
    ("POST", f"{STORE}/file_batches", lambda e, r: batches.create(e, r.first, parse(wire.CreateBatch, r.json()))),
    ("GET", BATCH, lambda e, r: batches.retrieve(e, r.first, r.second)),
    ("POST", f"{BATCH}/cancel", lambda e, r: batches.cancel(e, r.first, r.second)),
    ("GET", f"{BATCH}/files", lambda e, r: batches.listing(e, r.first, r.second, parse(wire.AttachmentQuery, r.query))),
    ("POST", "/v1/files", upload),
    ("GET", "/v1/files", lambda e, r: files.listing(e, parse(wire.FilesQuery, r.query))),
    ("GET", "/v1/files/{file_id}", lambda e, r: files.retrieve(e, r.first)),
    ("DELETE", "/v1/files/{file_id}", lambda e, r: files.delete(e, r.first)),
    ("GET", "/v1/files/{file_id}/content", lambda e, r: files.content(e, r.first)),
    ("POST", "/v1/uploads", lambda e, r: uploads.create(e, parse(wire.CreateUpload, r.json()))),
    ("POST", "/v1/uploads/{upload_id}/parts", upload_part),
    (
        "POST",
        "/v1/uploads/{upload_id}/complete",
        lambda e, r: uploads.complete(e, r.first, parse(wire.CompleteUpload, r.json())),
    ),
    ("POST", "/v1/uploads/{upload_id}/cancel", lambda e, r: uploads.cancel(e, r.first)),
]


def compile_routes() -> list[tuple[str, re.Pattern[str], Handler]]:
    """The table with its templates as patterns."""
    return [(method, re.compile(re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", path)), call) for method, path, call in ROUTES]


class App:
    """The engine as a WSGI application, with its background threads."""

    def __init__(self, engine: Engine, api_key: str, workers: int) -> None:
        self.engine = engine
        self.worker = Worker(engine, workers)
        self._key = api_key.encode()
        self._routes = compile_routes()

    def start(self) -> None:
        """Start working on the queue."""
        self.worker.start()

    def close(self) -> None:
        """Stop the threads and close the files. The queue stays for the next start."""
        if self.worker.stop():
            self.engine.db.close()

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """One request."""
        started = time.perf_counter()
        request_id = ids.request_id(self.engine.random)
        response = self._answer(environ, request_id)
        headers, body = encode(response, environ)
        headers += [
            ("x-request-id", request_id),
            ("openai-version", API_VERSION),
            ("openai-poll-after-ms", POLL_MILLISECONDS),
            ("openai-processing-ms", str(round((time.perf_counter() - started) * 1000))),
        ]
        start_response(f"{response.status} {REASONS[response.status]}", headers)
        return body

    def _answer(self, environ: Mapping[str, Any], request_id: str) -> Response:
        try:
            request = read_request(environ)
            self._authenticate(environ.get("HTTP_AUTHORIZATION", ""))
            result = self._route(request)
        except errors.ApiError as error:
            return Response(error.status, error.envelope())
        except Exception:
            log.exception("request %s failed", request_id)
            failure = errors.ServerFailure(
                f"The server had an error while processing your request. Please include the request ID {request_id}."
            )
            return Response(failure.status, failure.envelope())
        return Response(200, file=result) if isinstance(result, Path) else Response(200, result)

    def _authenticate(self, authorization: str) -> None:
        scheme, _, key = authorization.partition(" ")
        if scheme.lower() != "bearer" or not key:
            raise errors.Unauthorized(
                "You didn't provide an API key. You need to provide it in an Authorization header."
            )
        # WSGI hands headers over as latin-1.
        if not hmac.compare_digest(key.encode("latin-1"), self._key):
            raise errors.Unauthorized(f"Incorrect API key provided: {mask(key)}.", code="invalid_api_key")

    def _route(self, request: Request) -> Json | Path:
        known = False
        for method, pattern, call in self._routes:
            found = pattern.fullmatch(request.path)
            known = known or found is not None
            if found and method == request.method:
                return call(self.engine, with_ids(request, found.groupdict()))
        where = f"({request.method} {request.path})"
        if known:
            message = f"Not allowed to {request.method} on {request.path}."
            raise errors.MethodNotAllowed(message, code="method_not_supported")
        raise errors.NotFound(f"Invalid URL {where}")


def with_ids(request: Request, found: dict[str, str]) -> Request:
    """The request with the ids of its path, once they are known to be ids."""
    for name, value in found.items():
        if not ids.is_id(value):
            raise errors.bad_id(name, value)
    return replace(request, ids=tuple(found.values()))


def mask(key: str) -> str:
    """Enough of a wrong key to recognise it by, as OpenAI shows it."""
    shown = 4
    return f"{key[:shown]}***{key[-shown:]}" if len(key) > 4 * shown else "***"


def build(
    home: Path,
    api_key: str,
    *,
    clock: Callable[[], float] = time.time,
    random: ids.RandomBytes = secrets.token_bytes,
    embedder: Embedder | None = None,
    workers: int = WORKERS,
) -> App:
    """The application over the data in ``home``. Call ``start`` to work the queue, ``close`` when done."""
    home.mkdir(parents=True, exist_ok=True)
    engine = Engine(
        db=Database(home / "catalogue.db"),
        blobs=Blobs(home),
        indexes=Indexes(home),
        embedder=embedder or Embedder(),
        clock=clock,
        random=random,
    )
    engine.blobs.clear(files.known(engine))
    return App(engine, api_key, workers)

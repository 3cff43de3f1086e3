"""The table of operations: method, path, and what a call does. In the order of the API reference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine import attachments, batches, files, stores, uploads
from engine.engine import Engine
from engine.files import Download
from engine.model import Json
from engine.responses import models
from engine.responses import operations as responses
from engine.responses.operations import Events
from engine.responses.request import (
    CompactResponse,
    CountInputTokens,
    CreateResponse,
    InputItemsQuery,
    RetrieveQuery,
    parse_query,
)
from engine.search import search
from engine.web.calls import Call, Form
from vectorgate.api.schemas import (
    CompleteUpload,
    CreateFile,
    CreateFileBatch,
    CreateUpload,
    CreateUploadPart,
    CreateVectorStore,
    CreateVectorStoreFile,
    ListFilesQuery,
    ListQuery,
    ListStoreFilesQuery,
    Search,
    UpdateAttributes,
    UpdateVectorStore,
)

Operation = Callable[[Engine, Call], Json | Download | Events]
FormOperation = Callable[[Engine, Form], Json]

STORE: Final = "/v1/vector_stores/{vector_store_id}"
FILE: Final = f"{STORE}/files/{{file_id}}"
BATCH: Final = f"{STORE}/file_batches/{{batch_id}}"
RESPONSE: Final = "/v1/responses/{response_id}"
UPLOAD: Final = "/v1/uploads/{upload_id}"

OPERATIONS: Final[tuple[tuple[str, str, Operation], ...]] = (
    ("POST", "/v1/vector_stores", lambda e, c: stores.create(e, c.body(CreateVectorStore))),
    ("GET", "/v1/vector_stores", lambda e, c: stores.listing(e, c.page(ListQuery))),
    ("GET", STORE, lambda e, c: stores.retrieve(e, c.first)),
    ("POST", STORE, lambda e, c: stores.modify(e, c.first, c.body(UpdateVectorStore))),
    ("DELETE", STORE, lambda e, c: stores.delete(e, c.first)),
    ("POST", f"{STORE}/search", lambda e, c: search(e, c.first, c.body(Search))),
    ("POST", f"{STORE}/files", lambda e, c: attachments.attach(e, c.first, c.body(CreateVectorStoreFile))),
    ("GET", f"{STORE}/files", lambda e, c: attachments.listing(e, c.first, c.page(ListStoreFilesQuery))),
    ("GET", FILE, lambda e, c: attachments.retrieve(e, c.first, c.second)),
    ("POST", FILE, lambda e, c: attachments.set_attributes(e, c.first, c.second, c.body(UpdateAttributes))),
    ("DELETE", FILE, lambda e, c: attachments.detach(e, c.first, c.second)),
    ("GET", f"{FILE}/content", lambda e, c: attachments.content(e, c.first, c.second)),
    ("POST", f"{STORE}/file_batches", lambda e, c: batches.create(e, c.first, c.body(CreateFileBatch))),
    ("GET", BATCH, lambda e, c: batches.retrieve(e, c.first, c.second)),
    ("POST", f"{BATCH}/cancel", lambda e, c: batches.cancel(e, c.first, c.second)),
    ("GET", f"{BATCH}/files", lambda e, c: batches.listing(e, c.first, c.second, c.page(ListStoreFilesQuery))),
    ("GET", "/v1/files", lambda e, c: files.listing(e, c.page(ListFilesQuery))),
    ("GET", "/v1/files/{file_id}", lambda e, c: files.retrieve(e, c.first)),
    ("DELETE", "/v1/files/{file_id}", lambda e, c: files.delete(e, c.first)),
    ("GET", "/v1/files/{file_id}/content", lambda e, c: files.content(e, c.first)),
    ("POST", "/v1/uploads", lambda e, c: uploads.create(e, c.body(CreateUpload))),
    ("POST", f"{UPLOAD}/complete", lambda e, c: uploads.complete(e, c.first, c.body(CompleteUpload))),
    ("POST", f"{UPLOAD}/cancel", lambda e, c: uploads.cancel(e, c.first)),
    ("POST", "/v1/responses", lambda e, c: responses.create(e, c.body(CreateResponse))),
    ("POST", "/v1/responses/input_tokens", lambda e, c: responses.input_tokens(e, c.body(CountInputTokens))),
    ("POST", "/v1/responses/compact", lambda e, c: responses.compact(e, c.body(CompactResponse))),
    ("GET", RESPONSE, lambda e, c: responses.retrieve(e, c.first, parse_query(RetrieveQuery, c.pairs))),
    ("DELETE", RESPONSE, lambda e, c: responses.delete(e, c.first)),
    ("POST", f"{RESPONSE}/cancel", lambda e, c: responses.cancel(e, c.first)),
    ("GET", f"{RESPONSE}/input_items", lambda e, c: responses.input_items(e, c.first, items_query(c))),
    ("GET", "/v1/models", lambda _e, _c: models.listing()),
    ("GET", "/v1/models/{model}", lambda _e, c: models.retrieve(c.first)),
)


def items_query(call: Call) -> InputItemsQuery:
    """The query of a list of items. InvalidRequest."""
    return parse_query(InputItemsQuery, call.pairs)


def create_file(engine: Engine, form: Form) -> Json:
    """`POST /files`."""
    return files.create(engine, form.body(CreateFile), form.filename, form.pieces())


def add_part(engine: Engine, form: Form) -> Json:
    """`POST /uploads/{upload_id}/parts`."""
    form.body(CreateUploadPart)
    return uploads.add_part(engine, form.upload_id, form.size, form.pieces())


# Path, the field that holds the file, and what the form does.
FORMS: Final[tuple[tuple[str, str, FormOperation], ...]] = (
    ("/v1/files", "file", create_file),
    (f"{UPLOAD}/parts", "data", add_part),
)

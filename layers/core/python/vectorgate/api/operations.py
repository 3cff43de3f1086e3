"""The operation table: one row for each operation of the API. A new operation is a row here and a line in a test.

A row tells the pipeline the schema of path, query and body, which ids the caller must own, whether the call may be
retried, and what is created or deleted.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.api import schemas
from vectorgate.api.safety import Safety
from vectorgate.classes import dataclass
from vectorgate.ids import PATH_KINDS, ObjectKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import BaseModel

KIB: Final = 1024
MIB: Final = 1024 * KIB
# 500 file ids of 128 characters and the largest metadata are about 100 KiB.
SMALL_BODY: Final = 256 * KIB
# 2,000 files with 16 attributes each are the largest JSON of the API; Lambda accepts 6 MB.
BATCH_BODY: Final = 5 * MIB
# The largest file has 512 MiB, and the form around it at most 16 fields of 4 KiB each.
UPLOAD_BODY: Final = 512 * MIB + 128 * KIB
# OpenAI accepts parts of 64 MiB; the rest is for the form around one.
PART_BODY: Final = 65 * MIB
# A part size that every deployment accepts: Lambda accepts 4.4 MB, the form included.
PORTABLE_PART_SIZE: Final = 4_000_000
# Images and files may stand in the body of a response, in base64; larger ones are uploaded. Lambda accepts 6 MB.
RESPONSE_BODY: Final = 32 * MIB


class Media(StrEnum):
    """The format of a request's body."""

    NONE = "none"
    JSON = "json"
    MULTIPART = "multipart"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One row.

    `path` contains `{parameter}` segments, ids of objects that the caller must own (`PATH_KINDS`). `body_model` and
    `query_model` name classes of `api.schemas`, which are imported at their first use. `body_ids` are the
    paths of ids of `body_kind` in the body, `[]` for each element. `file_field` is the form field of the file.
    `creates` is the kind of the created object, which is the answer or the answer's field `result_field`. `transient`:
    the object costs nothing and expires, so that an identical request without an idempotency key creates another one.
    `cursors` is the kind of the objects that `after` and `before` name, for an operation with a query.
    `deletes` is the path parameter of the deleted object. `lists`: answered from the tenant's ownership rows.
    `single`: the answer of this read is one object, not a list. `generates`: a model runs, whose tokens and tools are
    charged. `walked`: the ids in the body may stand anywhere (`api.references`). `streams`: the answer may be a stream.
    `null_is_absent`: a null field counts as absent, because LiteLLM's client sends every field it knows, and OpenAI
    accepts that. `one_of`: exclusive fields; an empty list in one of them counts as absent beside another, because
    some clients fill in defaults. `binary`: the answer is a file's content.
    """

    name: str
    method: str
    path: str
    safety: Safety
    media: Media = Media.NONE
    body_model: str | None = None
    query_model: str | None = None
    null_is_absent: bool = False
    one_of: tuple[str, ...] = ()
    max_body: int = SMALL_BODY
    body_ids: tuple[str, ...] = ()
    body_kind: ObjectKind = ObjectKind.FILE
    cursors: ObjectKind | None = None
    file_field: str = "file"
    creates: ObjectKind | None = None
    result_field: str | None = None
    transient: bool = False
    deletes: str | None = None
    lists: ObjectKind | None = None
    binary: bool = False
    single: bool = False
    generates: bool = False
    walked: bool = False
    streams: bool = False

    @property
    def body(self) -> type[BaseModel] | None:
        """The model of the body."""
        model: type[BaseModel] | None = getattr(schemas, self.body_model) if self.body_model is not None else None
        return model

    def query(self, given: Mapping[str, str]) -> dict[str, str]:
        """The parameters of a query to forward: none for an operation without a `query_model`. InvalidRequest."""
        if self.query_model is None:
            return {}
        params: dict[str, str] = schemas.parse_query(getattr(schemas, self.query_model), given).to_params()
        return params

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the path's parameters, in order."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def deleted_kind(self) -> ObjectKind | None:
        """The kind of the deleted object; None for an operation that deletes nothing."""
        return PATH_KINDS[self.deletes] if self.deletes is not None else None

    def deletion(self, ids: Mapping[str, str]) -> dict[str, object]:
        """OpenAI's answer to a deletion. ValueError for an operation that deletes nothing."""
        if self.deletes is None:
            raise ValueError(f"{self.name} deletes nothing")
        return {"id": ids[self.deletes], "object": _DELETED[PATH_KINDS[self.deletes]], "deleted": True}


# The `object` of OpenAI's answer to a deletion.
_DELETED: Final[Mapping[ObjectKind, str]] = {
    ObjectKind.VECTOR_STORE: "vector_store.deleted",
    ObjectKind.FILE: "file",
    ObjectKind.RESPONSE: "response",
}

_STORE = "/vector_stores/{vector_store_id}"
_STORE_FILE = _STORE + "/files/{file_id}"
_BATCH = _STORE + "/file_batches/{batch_id}"
_FILE = "/files/{file_id}"
_UPLOAD = "/uploads/{upload_id}"
_RESPONSE = "/responses/{response_id}"

OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        name="vector_stores.create",
        method="POST",
        path="/vector_stores",
        safety=Safety.CREATE,
        media=Media.JSON,
        body_model="CreateVectorStore",
        null_is_absent=True,
        body_ids=("file_ids[]",),
        creates=ObjectKind.VECTOR_STORE,
    ),
    Operation(
        name="vector_stores.list",
        method="GET",
        path="/vector_stores",
        safety=Safety.READ,
        query_model="ListQuery",
        cursors=ObjectKind.VECTOR_STORE,
        lists=ObjectKind.VECTOR_STORE,
    ),
    Operation(name="vector_stores.retrieve", method="GET", path=_STORE, safety=Safety.READ),
    Operation(
        name="vector_stores.update",
        method="POST",
        path=_STORE,
        safety=Safety.IDEMPOTENT,
        media=Media.JSON,
        body_model="UpdateVectorStore",
    ),
    Operation(
        name="vector_stores.delete",
        method="DELETE",
        path=_STORE,
        safety=Safety.IDEMPOTENT,
        deletes="vector_store_id",
    ),
    Operation(
        name="vector_stores.search",
        method="POST",
        path=_STORE + "/search",
        safety=Safety.READ,
        media=Media.JSON,
        body_model="Search",
        null_is_absent=True,
    ),
    Operation(
        name="vector_stores.files.create",
        method="POST",
        path=_STORE + "/files",
        safety=Safety.IDEMPOTENT,  # a store contains a file once: attaching it again changes nothing
        media=Media.JSON,
        body_model="CreateVectorStoreFile",
        body_ids=("file_id",),
    ),
    Operation(
        name="vector_stores.files.list",
        method="GET",
        path=_STORE + "/files",
        safety=Safety.READ,
        query_model="ListStoreFilesQuery",
        cursors=ObjectKind.FILE,
    ),
    Operation(name="vector_stores.files.retrieve", method="GET", path=_STORE_FILE, safety=Safety.READ),
    Operation(
        name="vector_stores.files.update",
        method="POST",
        path=_STORE_FILE,
        safety=Safety.IDEMPOTENT,
        media=Media.JSON,
        body_model="UpdateAttributes",
    ),
    Operation(name="vector_stores.files.delete", method="DELETE", path=_STORE_FILE, safety=Safety.IDEMPOTENT),
    Operation(name="vector_stores.files.content", method="GET", path=_STORE_FILE + "/content", safety=Safety.READ),
    Operation(
        name="vector_stores.file_batches.create",
        method="POST",
        path=_STORE + "/file_batches",
        safety=Safety.CREATE,
        media=Media.JSON,
        body_model="CreateFileBatch",
        max_body=BATCH_BODY,
        one_of=("file_ids", "files"),
        body_ids=("file_ids[]", "files[].file_id"),
        creates=ObjectKind.BATCH,
    ),
    Operation(name="vector_stores.file_batches.retrieve", method="GET", path=_BATCH, safety=Safety.READ),
    Operation(
        name="vector_stores.file_batches.cancel", method="POST", path=_BATCH + "/cancel", safety=Safety.IDEMPOTENT
    ),
    Operation(
        name="vector_stores.file_batches.list_files",
        method="GET",
        path=_BATCH + "/files",
        safety=Safety.READ,
        query_model="ListStoreFilesQuery",
        cursors=ObjectKind.FILE,
    ),
    Operation(
        name="files.create",
        method="POST",
        path="/files",
        safety=Safety.CREATE,
        media=Media.MULTIPART,
        body_model="CreateFile",
        max_body=UPLOAD_BODY,
        creates=ObjectKind.FILE,
    ),
    Operation(
        name="files.list",
        method="GET",
        path="/files",
        safety=Safety.READ,
        query_model="ListFilesQuery",
        cursors=ObjectKind.FILE,
        lists=ObjectKind.FILE,
    ),
    Operation(name="files.retrieve", method="GET", path=_FILE, safety=Safety.READ),
    Operation(name="files.delete", method="DELETE", path=_FILE, safety=Safety.IDEMPOTENT, deletes="file_id"),
    Operation(name="files.content", method="GET", path=_FILE + "/content", safety=Safety.READ, binary=True),
    Operation(
        name="uploads.create",
        method="POST",
        path="/uploads",
        safety=Safety.CREATE,
        media=Media.JSON,
        body_model="CreateUpload",
        creates=ObjectKind.UPLOAD,
        transient=True,
    ),
    Operation(
        name="uploads.parts.create",
        method="POST",
        path=_UPLOAD + "/parts",
        safety=Safety.CREATE,
        media=Media.MULTIPART,
        body_model="CreateUploadPart",
        max_body=PART_BODY,
        file_field="data",
        creates=ObjectKind.PART,
        transient=True,
    ),
    Operation(
        name="uploads.complete",
        method="POST",
        path=_UPLOAD + "/complete",
        safety=Safety.CREATE,
        media=Media.JSON,
        body_model="CompleteUpload",
        max_body=BATCH_BODY,
        body_ids=("part_ids[]",),
        body_kind=ObjectKind.PART,
        creates=ObjectKind.FILE,
        result_field="file",
    ),
    Operation(name="uploads.cancel", method="POST", path=_UPLOAD + "/cancel", safety=Safety.IDEMPOTENT),
    Operation(
        name="responses.create",
        method="POST",
        path="/responses",
        safety=Safety.CREATE,
        media=Media.JSON,
        body_model="CreateResponse",
        max_body=RESPONSE_BODY,
        creates=ObjectKind.RESPONSE,
        generates=True,
        walked=True,
        streams=True,
    ),
    Operation(
        name="responses.retrieve",
        method="GET",
        path=_RESPONSE,
        safety=Safety.READ,
        query_model="RetrieveResponseQuery",
        streams=True,
    ),
    Operation(
        name="responses.delete", method="DELETE", path=_RESPONSE, safety=Safety.IDEMPOTENT, deletes="response_id"
    ),
    Operation(name="responses.cancel", method="POST", path=_RESPONSE + "/cancel", safety=Safety.IDEMPOTENT),
    Operation(
        name="responses.input_items.list",
        method="GET",
        path=_RESPONSE + "/input_items",
        safety=Safety.READ,
        query_model="InputItemsQuery",
    ),
    Operation(
        name="responses.input_tokens.count",
        method="POST",
        path="/responses/input_tokens",
        safety=Safety.READ,
        media=Media.JSON,
        body_model="CountInputTokens",
        max_body=RESPONSE_BODY,
        single=True,
        walked=True,
    ),
    Operation(
        name="responses.compact",
        method="POST",
        path="/responses/compact",
        safety=Safety.CREATE,
        media=Media.JSON,
        body_model="CompactResponse",
        max_body=RESPONSE_BODY,
        generates=True,
        walked=True,
    ),
    Operation(name="models.list", method="GET", path="/models", safety=Safety.READ),
    Operation(name="models.retrieve", method="GET", path="/models/{model}", safety=Safety.READ),
)

BY_NAME: Final[Mapping[str, Operation]] = {operation.name: operation for operation in OPERATIONS}

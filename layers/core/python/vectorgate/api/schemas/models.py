"""Models of the request bodies of the public API, with OpenAI's fields.

They only validate; the client's own dict is sent upstream. A field that may be absent but not null has the default None
(or ""), and refuses an explicit null. Duplicates in `file_ids` are kept, because OpenAI's documentation allows them.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import FailFast, Field, PlainValidator, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas.fields import (
    QUERIES_MAX,
    QUERY_MAX,
    Attributes,
    FileId,
    Metadata,
    PartId,
    Text,
    WireModel,
    at_most,
    check_length,
    check_size,
    not_null,
    wrong_type,
)
from vectorgate.api.schemas.filters import BoundedFilter

STORE_FILES_MAX: Final = 500
BATCH_FILES_MAX: Final = 2000
RESULTS_MAX: Final = 50
UPLOAD_MAX: Final = 8 * 2**30  # bytes of one file that is uploaded in parts
PARTS_MAX: Final = 2_500  # not OpenAI's: the ownership of each is read. 8 GiB in parts of 4 MB are 2,148
FILENAME_MAX: Final = 512  # not OpenAI's; the same as of a form's filename
MEDIA_TYPE_MAX: Final = 200  # not OpenAI's
MD5_MAX: Final = 64  # not OpenAI's. A checksum has 32 hexadecimal digits, which the provider validates

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


class ExpiresAfter(WireModel):
    """When a store expires: 1 to 365 days after it was last used."""

    anchor: Literal["last_active_at"]
    days: int = Field(ge=1, le=365)


class StaticChunking(WireModel):
    """Sizes of chunks in tokens; the overlap is at most 50 % of a chunk."""

    max_chunk_size_tokens: int = Field(ge=100, le=4096)
    chunk_overlap_tokens: int = Field(ge=0)

    @field_validator("chunk_overlap_tokens")
    @classmethod
    def _check_overlap(cls, overlap: int, info: ValidationInfo) -> int:
        size = info.data.get("max_chunk_size_tokens", 2 * overlap)
        if 2 * overlap > size:
            raise PydanticCustomError("overlap_too_large", "too large", {"limit": size // 2})
        return overlap


class AutoChunkingStrategy(WireModel):
    """The provider's default: OpenAI's is 800 tokens with an overlap of 400."""

    type: Literal["auto"]


class StaticChunkingStrategy(WireModel):
    """Chunk sizes set by the client."""

    type: Literal["static"]
    static: StaticChunking


ChunkingStrategy = Annotated[AutoChunkingStrategy | StaticChunkingStrategy, Field(discriminator="type")]
OptionalChunking = Annotated[ChunkingStrategy | None, not_null("an object")]


class CreateVectorStore(WireModel):
    """`POST /vector_stores`."""

    name: Text = ""
    description: Text = ""
    file_ids: Annotated[list[FileId], FailFast(), at_most(STORE_FILES_MAX)] = Field(default=[])
    expires_after: Annotated[ExpiresAfter | None, not_null("an object")] = None
    chunking_strategy: OptionalChunking = None
    metadata: Metadata | None = None


class UpdateVectorStore(WireModel):
    """`POST /vector_stores/{vector_store_id}`; null clears a field (see `model_fields_set`)."""

    name: Text | None = None
    expires_after: ExpiresAfter | None = None
    metadata: Metadata | None = None


class CreateVectorStoreFile(WireModel):
    """`POST /vector_stores/{vector_store_id}/files`, and one of `files` in a batch."""

    file_id: FileId
    attributes: Attributes | None = None
    chunking_strategy: OptionalChunking = None


class UpdateAttributes(WireModel):
    """`POST /vector_stores/{vector_store_id}/files/{file_id}`: the whole new set, or null for none."""

    attributes: Attributes | None


class CreateFileBatch(WireModel):
    """`POST /vector_stores/{vector_store_id}/file_batches`: `file_ids` or `files`, 1 to 2000 of them."""

    file_ids: Annotated[list[FileId], FailFast(), at_most(BATCH_FILES_MAX)] = Field(default=[], min_length=1)
    files: Annotated[list[CreateVectorStoreFile], FailFast(), at_most(BATCH_FILES_MAX)] = Field(
        default=[], min_length=1
    )
    attributes: Attributes | None = None
    chunking_strategy: OptionalChunking = None

    @model_validator(mode="after")
    def _check_one_form(self) -> Self:
        if self.file_ids and self.files:
            raise PydanticCustomError("both_forms", "both", {"param": "files", "other": "file_ids"})
        if not self.file_ids and not self.files:
            raise PydanticCustomError("no_form", "neither", {"param": "file_ids"})
        return self


class RankingOptions(WireModel):
    """The ranker of the results, and the least score of a result that is returned."""

    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: float = Field(default=0.0, ge=0.0, le=1.0)


def _check_query(value: object) -> object:
    """Validate a string, or a list of 1 to 100. OpenAI publishes no rule for an empty string, so it is forwarded."""
    if isinstance(value, list):
        _check_queries(value)
    elif isinstance(value, str):
        check_length(value, QUERY_MAX)
    else:
        raise wrong_type("one of a string or an array of strings")
    return value


def _check_queries(queries: list[object]) -> None:
    if not queries:
        raise PydanticCustomError("too_short", "too short", {"min_length": 1})
    check_size(queries, QUERIES_MAX)
    for index, query in enumerate(queries):
        if not isinstance(query, str):
            raise wrong_type("a string", index)
        check_length(query, QUERY_MAX, index)


class Search(WireModel):
    """`POST /vector_stores/{vector_store_id}/search`."""

    query: Annotated[str | list[str], PlainValidator(_check_query)]
    rewrite_query: bool = False
    max_num_results: int = Field(default=10, ge=1, le=RESULTS_MAX)
    filters: Annotated[BoundedFilter | None, not_null("an object")] = None
    ranking_options: Annotated[RankingOptions | None, not_null("an object")] = None


class FileExpiresAfter(WireModel):
    """When a file expires: one hour to thirty days after its creation."""

    anchor: Literal["created_at"]
    seconds: int = Field(ge=3600, le=2_592_000)


class CreateFile(WireModel):
    """`POST /files` without the file; validated by `validate_form`."""

    purpose: Purpose
    expires_after: Annotated[FileExpiresAfter | None, not_null("an object")] = None


class CreateUpload(WireModel):
    """`POST /uploads`: a file that will be uploaded in parts. `bytes` is its size."""

    filename: Annotated[str, Field(min_length=1, max_length=FILENAME_MAX)]
    purpose: Purpose
    bytes: int = Field(ge=0, le=UPLOAD_MAX)
    mime_type: Annotated[str, Field(min_length=1, max_length=MEDIA_TYPE_MAX)]
    expires_after: Annotated[FileExpiresAfter | None, not_null("an object")] = None


class CreateUploadPart(WireModel):
    """`POST /uploads/{upload_id}/parts` without the part's `data`; it has no other field."""


class CompleteUpload(WireModel):
    """`POST /uploads/{upload_id}/complete`: the parts in order, and the checksum of the file."""

    part_ids: Annotated[list[PartId], FailFast(), at_most(PARTS_MAX)] = Field(min_length=1)
    md5: Annotated[Annotated[str, Field(max_length=MD5_MAX)] | None, not_null("a string")] = None

"""The request bodies and query strings of the API, strict, and pydantic's complaints in OpenAI's words.

Limits are those of OpenAI's published schema and its prose. Unknown fields are refused.
"""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError, PydanticKnownError
from pydantic_core.core_schema import ValidationInfo

from local.upstream import errors
from local.upstream.explain import explain

Model = TypeVar("Model", bound=BaseModel)

MAX_ATTRIBUTE_CHARS = 512
MAX_QUERIES = 32

MapKey = Annotated[str, Field(max_length=64)]


def _scalar(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_ATTRIBUTE_CHARS:
        raise PydanticKnownError("string_too_long", {"max_length": MAX_ATTRIBUTE_CHARS})
    if not isinstance(value, str | int | float | bool):
        raise PydanticCustomError("wrong_type", "one of a string, a number or a boolean")
    return value


Value = str | int | float | bool
Scalar = Annotated[Value, BeforeValidator(_scalar)]
Metadata = Annotated[dict[MapKey, Annotated[str, Field(max_length=512)]], Field(max_length=16)]
Attributes = Annotated[dict[MapKey, Scalar], Field(max_length=16)]


class Body(BaseModel):
    """A JSON body: no coercion, no unknown fields."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ExpiresAfter(Body):
    """A store's life, counted from its last activity."""

    anchor: Literal["last_active_at"]
    days: Annotated[int, Field(ge=1, le=365)]


class StaticSizes(Body):
    """Chunk sizes in tokens."""

    max_chunk_size_tokens: Annotated[int, Field(ge=100, le=4096)]
    chunk_overlap_tokens: Annotated[int, Field(ge=0)]

    @field_validator("chunk_overlap_tokens")
    @classmethod
    def _at_most_half(cls, overlap: int, info: ValidationInfo) -> int:
        size = info.data.get("max_chunk_size_tokens")
        if size is not None and overlap * 2 > size:
            raise PydanticCustomError("bad_value", "must be less than or equal to half of 'max_chunk_size_tokens'.")
        return overlap


class AutoStrategy(Body):
    """The default sizes, 800 and 400."""

    type: Literal["auto"]

    @property
    def static(self) -> StaticSizes:
        """What auto stands for."""
        return DEFAULT_SIZES


class StaticStrategy(Body):
    """Sizes of the caller's own."""

    type: Literal["static"]
    static: StaticSizes


DEFAULT_SIZES = StaticSizes(max_chunk_size_tokens=800, chunk_overlap_tokens=400)
Strategy = Annotated[AutoStrategy | StaticStrategy, Field(discriminator="type")]


class CreateStore(Body):
    """POST /vector_stores."""

    name: str | None = None
    description: str | None = None
    file_ids: Annotated[list[str], Field(max_length=500)] | None = None
    expires_after: ExpiresAfter | None = None
    chunking_strategy: Strategy | None = None
    metadata: Metadata | None = None


class ModifyStore(Body):
    """POST /vector_stores/{id}: what is given replaces, null clears, what is absent stays."""

    name: str | None = None
    expires_after: ExpiresAfter | None = None
    metadata: Metadata | None = None


class AttachFile(Body):
    """POST /vector_stores/{id}/files."""

    file_id: str
    attributes: Attributes | None = None
    chunking_strategy: Strategy | None = None


def attach_each(
    file_ids: list[str], strategy: AutoStrategy | StaticStrategy | None, attributes: dict[str, Value] | None = None
) -> list[AttachFile]:
    """Files that share their settings, which are already checked."""
    return [
        AttachFile.model_construct(file_id=file_id, attributes=attributes, chunking_strategy=strategy)
        for file_id in file_ids
    ]


class SetAttributes(Body):
    """POST /vector_stores/{id}/files/{file_id}: attributes replace; null clears."""

    attributes: Attributes | None


class CreateBatch(Body):
    """POST /vector_stores/{id}/file_batches: ``file_ids`` with shared settings, or ``files`` with their own."""

    file_ids: Annotated[list[str], Field(min_length=1, max_length=2000)] | None = None
    files: Annotated[list[AttachFile], Field(min_length=1, max_length=2000)] | None = None
    attributes: Attributes | None = None
    chunking_strategy: Strategy | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if self.file_ids is None and self.files is None:
            raise errors.missing("file_ids")
        if self.file_ids is not None and self.files is not None:
            raise errors.Invalid(
                "Mutually exclusive parameters: 'files'. Ensure you are only providing one of: 'file_ids' or 'files'.",
                param="files",
                code="mutually_exclusive_parameters",
            )
        return self

    def members(self) -> list[AttachFile]:
        """One entry a file, whichever form was used."""
        if self.files is not None:
            return self.files
        return attach_each(self.file_ids or [], self.chunking_strategy, self.attributes)


class RankingOptions(Body):
    """How search results are scored and cut."""

    ranker: Literal["none", "auto", "default-2024-11-15"] = "auto"
    score_threshold: Annotated[float, Field(ge=0, le=1)] = 0.0


def _queries(value: object) -> object:
    queries = [value] if isinstance(value, str) else value
    if not isinstance(queries, list) or not all(isinstance(query, str) for query in queries):
        raise PydanticCustomError("wrong_type", "one of a string or an array of strings")
    if not all(query.strip() for query in queries):
        raise PydanticKnownError("string_too_short", {"min_length": 1})
    return queries


class Search(Body):
    """POST /vector_stores/{id}/search. ``filters`` is parsed by :mod:`local.upstream.filters`."""

    query: Annotated[list[str], Field(min_length=1, max_length=MAX_QUERIES), BeforeValidator(_queries)]
    rewrite_query: bool = False
    max_num_results: Annotated[int, Field(ge=1, le=50)] = 10
    filters: object = None
    ranking_options: RankingOptions = RankingOptions()


class FileExpiry(Body):
    """A file's life, counted from its creation."""

    model_config = ConfigDict(strict=False)

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3600, le=2_592_000)]


class UploadForm(Body):
    """The text fields of POST /files."""

    purpose: Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
    expires_after: FileExpiry | None = None


class CreateUpload(UploadForm):
    """POST /uploads."""

    bytes: Annotated[int, Field(ge=0, le=8 * 2**30)]
    filename: Annotated[str, Field(min_length=1, max_length=255)]
    mime_type: str


class CompleteUpload(Body):
    """POST /uploads/{id}/complete."""

    part_ids: Annotated[list[str], Field(min_length=1, max_length=10_000)]
    md5: str | None = None


PAGE = 20
FILES_PAGE = 10_000


class PageQuery(BaseModel):
    """The query string of the vector store lists. A limit of 0 is as good as none: the schema names no minimum."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    limit: Annotated[int, Field(ge=0, le=100), AfterValidator(lambda limit: limit or PAGE)] = PAGE
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None


class AttachmentQuery(PageQuery):
    """The query string of the lists of files in a store or batch."""

    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None


class FilesQuery(PageQuery):
    """The query string of GET /files."""

    limit: Annotated[int, Field(ge=0, le=10_000), AfterValidator(lambda limit: limit or FILES_PAGE)] = FILES_PAGE
    purpose: str | None = None


def parse(model: type[Model], data: object) -> Model:
    """``data`` as ``model``, or the first complaint as an :class:`errors.Invalid`."""
    try:
        return model.model_validate(data)
    except ValidationError as refusal:
        raise explain(first(refusal), data) from None


def first(refusal: ValidationError) -> ErrorDetails:
    """One complaint is reported, as OpenAI does."""
    return refusal.errors(include_url=False)[0]

"""Models of the bodies of requests for stores and searches, with OpenAI's fields: those of most requests.

They only validate; the client's own dict is sent upstream. A field that may be absent but not null has the default None
(or ""), and refuses an explicit null. Duplicates in `file_ids` are kept, because OpenAI's documentation allows them.
"""

from typing import Annotated, Final, Literal

from pydantic import FailFast, Field, PlainValidator, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas.fields import (
    QUERIES_MAX,
    QUERY_MAX,
    FileId,
    Metadata,
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
RESULTS_MAX: Final = 50


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

"""The objects of the API, field by field. What they have in common: `resource.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectorgate.client.resource import CallInfo, HasCallInfo, Listed, Resource

if TYPE_CHECKING:
    from os import PathLike


class FileCounts(Resource):
    """How many files are in which state."""

    in_progress: int
    completed: int
    failed: int
    cancelled: int
    total: int


class ExpiresAfter(Resource):
    """When a store expires."""

    anchor: str
    days: int


class VectorStore(Resource):
    """A vector store. Times are Unix seconds. `bytes` and `usage_bytes` are the same figure."""

    _nested = {"file_counts": FileCounts, "expires_after": ExpiresAfter}  # noqa: RUF012 - ClassVar in Resource

    id: str
    object: str
    created_at: int
    name: str | None
    description: str | None
    bytes: int
    usage_bytes: int
    file_counts: FileCounts
    status: str
    expires_after: ExpiresAfter | None
    expires_at: int | None
    last_active_at: int | None
    metadata: dict[str, str] | None


class Deleted(Resource):
    """What was deleted, or detached."""

    id: str
    object: str
    deleted: bool


class LastError(Resource):
    """The reason why a file could not be indexed."""

    code: str
    message: str


class StaticChunking(Resource):
    """Sizes in tokens."""

    max_chunk_size_tokens: int
    chunk_overlap_tokens: int


class ChunkingStrategy(Resource):
    """How a file was divided into chunks."""

    _nested = {"static": StaticChunking}  # noqa: RUF012 - ClassVar in Resource

    type: str
    static: StaticChunking | None


class VectorStoreFile(Resource):
    """A file in a store. `status`: in_progress, completed, cancelled or failed."""

    _nested = {"last_error": LastError, "chunking_strategy": ChunkingStrategy}  # noqa: RUF012 - ClassVar in Resource

    id: str
    object: str
    created_at: int
    usage_bytes: int
    vector_store_id: str
    status: str
    last_error: LastError | None
    attributes: dict[str, str | float | bool] | None
    chunking_strategy: ChunkingStrategy | None


class VectorStoreFileBatch(Resource):
    """Files that were attached together; complete when `file_counts.in_progress` is 0."""

    _nested = {"file_counts": FileCounts}  # noqa: RUF012 - ClassVar in Resource

    id: str
    object: str
    created_at: int
    vector_store_id: str
    status: str
    file_counts: FileCounts


class FileObject(Resource):
    """An uploaded file."""

    id: str
    object: str
    bytes: int
    created_at: int
    filename: str
    purpose: str
    status: str
    expires_at: int | None
    status_details: str | None


class Upload(Resource):
    """A file that is uploaded in parts. `status`: pending, completed (then it has a `file`), cancelled or expired."""

    _nested = {"file": FileObject}  # noqa: RUF012 - ClassVar in Resource

    id: str
    object: str
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: str
    status: str
    file: FileObject | None


class UploadPart(Resource):
    """One part of an upload."""

    id: str
    object: str
    created_at: int
    upload_id: str


class ResponseUsage(Resource):
    """The tokens of a response."""

    input_tokens: int
    output_tokens: int
    total_tokens: int
    input_tokens_details: dict[str, int] | None
    output_tokens_details: dict[str, int] | None


class Response(Resource):
    """A model's response. `status`: queued, in_progress, completed, incomplete, failed or cancelled."""

    _nested = {"usage": ResponseUsage}  # noqa: RUF012 - ClassVar in Resource

    id: str
    object: str
    created_at: float
    status: str
    model: str
    output: list[dict[str, Any]]
    usage: ResponseUsage | None
    previous_response_id: str | None
    error: dict[str, Any] | None

    @property
    def output_text(self) -> str:
        """The texts of all messages, joined, as openai's SDK does."""
        parts = [part for item in self.output if item.get("type") == "message" for part in _parts(item)]
        return "".join(str(part.get("text", "")) for part in parts if part.get("type") == "output_text")


def _parts(item: dict[str, Any]) -> list[dict[str, Any]]:
    content = item.get("content")
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


class ResponseStreamEvent(Resource):
    """An event of a streamed response. `type` says which of the other fields it has."""

    _nested = {"response": Response}  # noqa: RUF012 - ClassVar in Resource

    type: str
    sequence_number: int
    response: Response | None
    output_index: int | None
    content_index: int | None
    item_id: str | None
    item: dict[str, Any] | None
    part: dict[str, Any] | None
    delta: str | None
    text: str | None
    annotation: dict[str, Any] | None


class ResponseItem(Resource):
    """An item of a response's input."""

    id: str
    type: str


class InputTokens(Resource):
    """How many tokens a request has."""

    object: str
    input_tokens: int


class CompactedResponse(Resource):
    """A conversation, made shorter."""

    _nested = {"usage": ResponseUsage}  # noqa: RUF012 - ClassVar in Resource

    id: str
    object: str
    created_at: float
    output: list[dict[str, Any]]
    usage: ResponseUsage | None


class Model(Resource):
    """A model."""

    id: str
    object: str
    created: int
    owned_by: str


class TextContent(Resource):
    """A piece of text."""

    type: str
    text: str


class SearchResult(Resource):
    """A file that matches the query, with the passages that do."""

    _nested = {"content": TextContent}  # noqa: RUF012 - ClassVar in Resource

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | float | bool] | None
    content: list[TextContent]


class SearchResults(Listed[SearchResult]):
    """The matching files, best first."""

    _nested = {"data": SearchResult}  # noqa: RUF012 - ClassVar in Resource

    search_query: list[str] | str


class StoreFileContent(Listed[TextContent]):
    """The text extracted from a file of a store."""

    _nested = {"data": TextContent}  # noqa: RUF012 - ClassVar in Resource


class BinaryContent(HasCallInfo):
    """A file's own bytes."""

    def __init__(self, content: bytes, info: CallInfo) -> None:
        self.content = content
        self._info = info

    def read(self) -> bytes:
        """All bytes."""
        return self.content

    @property
    def text(self) -> str:
        """The bytes decoded as UTF-8; invalid ones are replaced."""
        return self.content.decode("utf-8", "replace")

    def write_to_file(self, path: str | PathLike[str]) -> None:
        """Write the bytes to a file."""
        Path(path).write_bytes(self.content)

    def __repr__(self) -> str:
        return f"BinaryContent({len(self.content)} bytes)"

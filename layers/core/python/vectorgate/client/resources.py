"""What a call returns: the answer's own JSON, by attribute. Nothing of it is dropped, and nothing is invented.

A field that the API documents and the answer lacks is None; any other name is an AttributeError. As LiteLLM's answers
are dictionaries, `answer["id"]`, `answer.get("id")` and `"id" in answer` work as well.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView, Mapping
    from os import PathLike


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInfo:
    """How an answer came about. `cost` in dollars; None when nobody said it."""

    provider: str | None = None
    api_base: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    cost: Decimal | None = None
    user: str | None = None

    def hidden_params(self) -> dict[str, object]:
        """As LiteLLM hands them out."""
        return {
            "custom_llm_provider": self.provider,
            "api_base": self.api_base,
            "response_cost": None if self.cost is None else float(self.cost),
            "litellm_call_id": self.headers.get("x-litellm-call-id"),
            "user": self.user,
            "additional_headers": dict(self.headers),
        }


def cost_in(headers: Mapping[str, str]) -> Decimal | None:
    """`x-litellm-response-cost`, exactly as it was written."""
    try:
        return Decimal(headers["x-litellm-response-cost"])
    except (KeyError, InvalidOperation):
        return None


class Described:
    """The four attributes that every answer has besides its own."""

    _info: CallInfo

    @property
    def response_cost(self) -> Decimal | None:
        """Dollars, exact; None when the destination does not say."""
        return self._info.cost

    @property
    def call_id(self) -> str | None:
        """The gateway's name for the call: the id of its row in the ledger."""
        return self._info.headers.get("x-litellm-call-id")

    @property
    def request_id(self) -> str | None:
        """`x-request-id`: what a provider's support asks for."""
        return self._info.headers.get("x-request-id")

    @property
    def response_headers(self) -> Mapping[str, str]:
        """The answer's headers, names in lower case."""
        return self._info.headers

    @property
    def _request_id(self) -> str | None:
        return self.request_id

    @property
    def _hidden_params(self) -> dict[str, object]:
        return self._info.hidden_params()


class Resource(Described):
    """An object of the API. Read-only."""

    _nested: ClassVar[Mapping[str, type[Resource]]] = {}

    def __init__(self, fields: Mapping[str, object], info: CallInfo | None = None) -> None:
        self.__dict__["_fields"] = fields
        self.__dict__["_info"] = info if info is not None else CallInfo()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the annotations of the classes below have the types
        if name.startswith("_"):
            raise AttributeError(name)
        fields: Mapping[str, object] = self.__dict__["_fields"]
        if name in fields:
            value = self.__dict__[name] = self._wrapped(name, fields[name])
            return value
        if any(name in getattr(kind, "__annotations__", ()) for kind in type(self).__mro__):
            return None
        raise AttributeError(f"{type(self).__name__!r} has no field {name!r}")

    def _wrapped(self, name: str, value: object) -> object:
        kind = self._nested.get(name)
        if kind is None:
            return value
        if isinstance(value, list):
            return [kind(item) if isinstance(item, dict) else item for item in value]
        return kind(value) if isinstance(value, dict) else value

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is what was answered: {name} cannot be set")

    def __getitem__(self, name: str) -> Any:  # noqa: ANN401 - as a dictionary
        if name not in self._fields:
            raise KeyError(name)
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Resource) and type(self) is type(other) and self._fields == other._fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._fields)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (dict(self._fields), CallInfo(provider=self._info.provider, cost=self._info.cost))

    def get(self, name: str, default: object = None) -> Any:  # noqa: ANN401 - as a dictionary
        """The field, or the default where the answer lacks it."""
        return getattr(self, name) if name in self._fields else default

    def keys(self) -> KeysView[str]:
        """The names that the answer has."""
        fields: Mapping[str, object] = self._fields
        return fields.keys()

    def to_dict(self) -> dict[str, object]:
        """The answer's JSON object, a copy."""
        return json.loads(json.dumps(self._fields))  # type: ignore[no-any-return]

    def to_json(self, *, indent: int | None = 2) -> str:
        """The answer as JSON text."""
        return json.dumps(self._fields, indent=indent)

    def model_dump(
        self, *, mode: Literal["json", "python"] = "python", exclude_none: bool = False, exclude_unset: bool = True
    ) -> dict[str, object]:
        """As pydantic's; there is nothing here but what was set, so `mode` and `exclude_unset` change nothing."""
        del mode, exclude_unset
        return {name: value for name, value in self.to_dict().items() if not (exclude_none and value is None)}

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """As pydantic's."""
        return self.to_json(indent=indent)


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
    """Why a file could not be indexed."""

    code: str
    message: str


class StaticChunking(Resource):
    """Sizes in tokens."""

    max_chunk_size_tokens: int
    chunk_overlap_tokens: int


class ChunkingStrategy(Resource):
    """How a file was cut."""

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
    """Files that were attached together. It is done when `file_counts.in_progress` is 0."""

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


class TextContent(Resource):
    """A piece of text."""

    type: str
    text: str


class SearchResult(Resource):
    """A file that answers the query, and where it does."""

    _nested = {"content": TextContent}  # noqa: RUF012 - ClassVar in Resource

    file_id: str
    filename: str
    score: float
    attributes: dict[str, str | float | bool] | None
    content: list[TextContent]


Item = TypeVar("Item", bound=Resource)


class Listed(Resource, Generic[Item]):
    """A list that comes in one piece. Iterate over it, or take `data`."""

    object: str
    data: list[Item]
    has_more: bool | None
    next_page: str | None

    def __iter__(self) -> Iterator[Item]:
        return iter(self.data or ())

    def __len__(self) -> int:
        return len(self.data or ())


class SearchResults(Listed[SearchResult]):
    """The best first."""

    _nested = {"data": SearchResult}  # noqa: RUF012 - ClassVar in Resource

    search_query: list[str] | str


class StoreFileContent(Listed[TextContent]):
    """The text that was found in a file of a store."""

    _nested = {"data": TextContent}  # noqa: RUF012 - ClassVar in Resource


class BinaryContent(Described):
    """A file's own bytes."""

    def __init__(self, content: bytes, info: CallInfo) -> None:
        self.content = content
        self._info = info

    def read(self) -> bytes:
        """All of it."""
        return self.content

    @property
    def text(self) -> str:
        """The bytes as UTF-8."""
        return self.content.decode("utf-8", "replace")

    def write_to_file(self, path: str | PathLike[str]) -> None:
        """Write it there."""
        Path(path).write_bytes(self.content)

    def __repr__(self) -> str:
        return f"BinaryContent({len(self.content)} bytes)"

"""Validate the query of each listing, which arrives as strings.

Unknown query parameters are ignored, because OpenAI's clients may add some; `to_params` does not forward them. An empty
parameter counts as absent, because browsers send a cursor that is not set as an empty one. A `limit` of 0 is accepted,
because OpenAI's schema has no minimum, and its clients' tests send it.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal, TypeVar

from pydantic import Field

from vectorgate.api.schemas.fields import FileId, Id, StoreId, WireModel
from vectorgate.api.schemas.forms import number
from vectorgate.api.schemas.parsing import validate

LIST_LIMIT: Final = 20
FILES_LIMIT: Final = 10_000


class ListQuery(WireModel):
    """`GET /vector_stores`. Cursors are ids of stores."""

    limit: int = Field(default=LIST_LIMIT, ge=0, le=100)
    order: Literal["asc", "desc"] = "desc"
    after: StoreId | None = None
    before: StoreId | None = None

    def to_params(self) -> dict[str, str]:
        """The parameters that the client set."""
        return {name: str(value) for name, value in self.model_dump(exclude_unset=True).items()}


class ListStoreFilesQuery(ListQuery):
    """`GET /vector_stores/{vector_store_id}/files` and `.../file_batches/{batch_id}/files`, whose cursors are files."""

    after: FileId | None = None
    before: FileId | None = None
    filter: Literal["in_progress", "completed", "failed", "cancelled"] | None = None


class ListFilesQuery(WireModel):
    """`GET /files`, without `before` and with up to 10,000 files a page."""

    limit: int = Field(default=FILES_LIMIT, ge=0, le=FILES_LIMIT)
    order: Literal["asc", "desc"] = "desc"
    after: FileId | None = None
    purpose: Annotated[str, Field(max_length=64)] | None = None

    def to_params(self) -> dict[str, str]:
        """The parameters that the client set."""
        return {name: str(value) for name, value in self.model_dump(exclude_unset=True).items()}


Includes = Annotated[str, Field(max_length=1024)]  # names of fields, joined by commas, as API Gateway joins them


class RetrieveResponseQuery(WireModel):
    """`GET /responses/{response_id}`. `starting_after`: the sequence number after which a stream begins."""

    include: Includes | None = Field(default=None, alias="include[]")
    stream: Literal["true", "false"] = "false"
    starting_after: int = Field(default=0, ge=0)
    include_obfuscation: Literal["true", "false"] = "true"

    def to_params(self) -> dict[str, str]:
        """The parameters that the client set."""
        return {name: str(value) for name, value in self.model_dump(exclude_unset=True, by_alias=True).items()}


class InputItemsQuery(WireModel):
    """`GET /responses/{response_id}/input_items`. Cursors are ids of items."""

    limit: int = Field(default=LIST_LIMIT, ge=0, le=100)
    order: Literal["asc", "desc"] = "desc"
    after: Id | None = None
    include: Includes | None = Field(default=None, alias="include[]")

    def to_params(self) -> dict[str, str]:
        """The parameters that the client set."""
        return {name: str(value) for name, value in self.model_dump(exclude_unset=True, by_alias=True).items()}


Query = TypeVar("Query", ListQuery, ListStoreFilesQuery, ListFilesQuery, RetrieveResponseQuery, InputItemsQuery)
_NUMBERS: Final = frozenset({"limit", "starting_after"})


def names_of(model: type[WireModel]) -> set[str]:
    """The names of a listing's parameters."""
    return {field.alias or name for name, field in model.model_fields.items()}


def parse_query(model: type[Query], params: Mapping[str, str]) -> Query:
    """Validate the query of a listing. InvalidRequest for a known parameter with an invalid value."""
    # openai's clients write `include[]=a&include[]=b`, others `include=a`.
    given = {"include[]" if name == "include" else name: value for name, value in params.items()}
    known = {name: value for name, value in given.items() if name in names_of(model) and value}
    return validate(model, {name: number(value) if name in _NUMBERS else value for name, value in known.items()})

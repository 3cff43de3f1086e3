"""Models of the requests for the files of a store: see `models`."""

from typing import Annotated, Final, Self

from pydantic import FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas.fields import Attributes, FileId, WireModel, at_most
from vectorgate.api.schemas.models import OptionalChunking

BATCH_FILES_MAX: Final = 2000


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

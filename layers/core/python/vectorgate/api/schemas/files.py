"""Models of the requests for files, and for uploads in parts: see `models`."""

from typing import Annotated, Final, Literal

from pydantic import FailFast, Field

from vectorgate.api.schemas.fields import PartId, WireModel, at_most, not_null

UPLOAD_MAX: Final = 8 * 2**30  # bytes of one file that is uploaded in parts
PARTS_MAX: Final = 2_500  # not OpenAI's: the ownership of each is read. 8 GiB in parts of 4 MB are 2,148
FILENAME_MAX: Final = 512  # not OpenAI's; the same as of a form's filename
MEDIA_TYPE_MAX: Final = 200  # not OpenAI's
MD5_MAX: Final = 64  # not OpenAI's. A checksum has 32 hexadecimal digits, which the provider validates

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


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

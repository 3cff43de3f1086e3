"""The body of an invocation that uploads a file."""

from typing import Annotated, Final

from pydantic import Field

from vectorgate.api.schemas.fields import WireModel

FILENAME_MAX: Final = 512
TYPE_MAX: Final = 256
DEFAULT_TYPE: Final = "application/octet-stream"


class FileBody(WireModel):
    """The fields of the operation's form, and the file in base64."""

    content: str
    filename: Annotated[str, Field(min_length=1, max_length=FILENAME_MAX)] = "upload"
    content_type: Annotated[str, Field(min_length=1, max_length=TYPE_MAX)] = DEFAULT_TYPE
    purpose: str | None = None
    expires_after: dict[str, object] | None = None

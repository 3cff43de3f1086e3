"""A file upload: multipart/form-data, its fields in any order, the file spooled to disk beyond 1 MiB."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, cast

from vectorgate.errors import InvalidRequest, PayloadTooLarge
from vectorgate.messages import Body
from vectorgate.providers.base import Upload
from vectorgate.wire import validate_file_fields

if TYPE_CHECKING:
    from typing import BinaryIO

    from python_multipart.multipart import Field, File

PIECE: Final = 64 * 1024
MAX_FIELDS: Final = 16
MAX_FIELD_BYTES: Final = 4 * 1024
MAX_FILENAME: Final = 512
MAX_TYPE: Final = 200
MAX_BOUNDARY: Final = 70  # RFC 2046
_DEFAULT_TYPE: Final = "application/octet-stream"


def read_upload(body: Body, content_type: str | None, *, max_bytes: int, too_large: str) -> Upload:
    """The upload in a request's body. InvalidRequest, or PayloadTooLarge with the message `too_large`."""
    if body.size > max_bytes:
        raise PayloadTooLarge(too_large, code="request_too_large")
    boundary = _boundary(content_type)
    form = _Form()
    _parse(body, boundary, form)
    if form.file is None:
        raise InvalidRequest("Missing required parameter: 'file'.", code="missing_required_parameter", param="file")
    validate_file_fields(form.fields)
    return Upload(
        fields=form.fields,
        filename=_text(form.file.file_name or b"upload", MAX_FILENAME, "file"),
        content_type=_media_type(form.file.content_type or _DEFAULT_TYPE),
        content=Body(form.file.size, cast("BinaryIO", form.file.file_object)),
    )


class _Form:
    """What the parser hands over, piece by piece. A name that comes twice is an error: which one would count?"""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.file: File | None = None

    def on_field(self, field: Field) -> None:
        name = _text(field.field_name or b"", MAX_FIELD_BYTES, "body")
        if name in self.fields or name == "file" or len(self.fields) >= MAX_FIELDS:
            raise InvalidRequest(f"Invalid form field: '{name[:100]}'.", code="invalid_value", param=name[:100])
        self.fields[name] = _text(field.value or b"", MAX_FIELD_BYTES, name)

    def on_file(self, file: File) -> None:
        if file.field_name != b"file" or self.file is not None:
            name = _text(file.field_name or b"", MAX_FIELD_BYTES, "body")[:100]
            raise InvalidRequest(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
        self.file = file


def _parse(body: Body, boundary: bytes, form: _Form) -> None:
    from python_multipart.exceptions import FormParserError  # noqa: PLC0415 - only an upload needs the parser
    from python_multipart.multipart import FormParser  # noqa: PLC0415 - the same

    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # it tells the log what we tell the client
    limits = {"MAX_FIELDS": MAX_FIELDS, "MAX_FIELD_SIZE": MAX_FIELD_BYTES, "UPLOAD_ERROR_ON_BAD_CTE": True}
    parser = FormParser("multipart/form-data", form.on_field, form.on_file, boundary=boundary, config=limits)
    stream = body.open()
    try:
        while piece := stream.read(PIECE):
            parser.write(piece)
        parser.finalize()
    except FormParserError:
        raise InvalidRequest("We could not parse the multipart form of your request.") from None


def _boundary(content_type: str | None) -> bytes:
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415 - the same

    # A header is ASCII where it means something; the parser raises its own errors at what is not even Latin-1.
    kind, options = parse_options_header(content_type if content_type and content_type.isascii() else "")
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY:
        raise InvalidRequest(
            f"Unsupported content type: '{(content_type or '')[:100]}'. "
            "This API method only accepts 'multipart/form-data' requests with a boundary.",
            code="unsupported_content_type",
        )
    return boundary


def _media_type(text: str) -> str:
    """As it may stand in a header of ours: the parser ends a line at CR LF alone, and lets a single LF through."""
    if len(text) > MAX_TYPE or not (text.isascii() and text.isprintable()):
        raise InvalidRequest("Invalid content type of 'file'.", code="invalid_value", param="file")
    return text


def _text(value: bytes, most: int, param: str) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest(f"Invalid '{param[:100]}': not UTF-8.", code="invalid_value", param=param[:100]) from None
    if len(text) > most or "\0" in text or "\r" in text or "\n" in text:
        raise InvalidRequest(f"Invalid '{param[:100]}'.", code="invalid_value", param=param[:100])
    return text

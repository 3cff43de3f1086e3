"""Parse a file upload: multipart/form-data, with fields in any order and the file spooled to disk beyond 1 MiB."""

from __future__ import annotations

import logging
import tempfile
from typing import TYPE_CHECKING, Final, cast

from vectorgate.api.errors import InvalidRequest, PayloadTooLarge
from vectorgate.api.http import CHUNK_SIZE, Body, FileUpload
from vectorgate.api.schemas import error_messages, split_litellm_form_fields, validate_form

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from python_multipart.multipart import MultipartCallbacks

    from vectorgate.api.operations import Operation
    from vectorgate.api.schemas import LiteLLMFields

MAX_FIELDS: Final = 16
MAX_FIELD_BYTES: Final = 4 * 1024
MAX_FILENAME: Final = 512
MAX_TYPE: Final = 200
MAX_BOUNDARY: Final = 200  # RFC 2046 allows 70; old clients in Ruby send 80
MAX_IN_MEMORY: Final = 1024 * 1024
_PARSE_ERROR: Final = "We could not parse the multipart form of your request."
_IDENTITY_ENCODINGS: Final = frozenset({b"binary", b"8bit", b"7bit"})
_CALLBACKS: Final = (
    "on_part_begin",
    "on_header_field",
    "on_header_value",
    "on_header_end",
    "on_headers_finished",
    "on_part_data",
    "on_part_end",
    "on_end",
)
_DEFAULT_TYPE: Final = "application/octet-stream"


def read_upload(
    body: Body, content_type: str | None, operation: Operation, *, max_bytes: int, too_large: str
) -> tuple[FileUpload, LiteLLMFields]:
    """Parse an upload, and LiteLLM's fields in its form. The caller closes the upload's content.

    InvalidRequest; PayloadTooLarge with the message `too_large` for a body over `max_bytes`.
    """
    if body.size > max_bytes:
        raise PayloadTooLarge(too_large, code="request_too_large")
    form = _Form(operation.file_field)
    try:
        _parse(body, _boundary(content_type), form)
        return form.upload(operation)
    except BaseException:
        form.file.close()
        raise


def file_upload(
    operation: Operation, fields: Mapping[str, str], *, filename: str, content_type: str, content: Body
) -> FileUpload:
    """Build a file upload with the other fields of its form, validated. InvalidRequest."""
    name = operation.file_field
    if operation.body is None:
        raise TypeError(f"{operation.name} has no file")
    validate_form(operation.body, fields)
    return FileUpload(
        fields=fields,
        filename=_single_line(filename, MAX_FILENAME, name),
        content_type=_media_type(content_type, name),
        content=content,
        name=name,
    )


def form_fields(fields: Mapping[str, object]) -> dict[str, str]:
    """Flatten nested values to `name[key]`, OpenAI's format of `expires_after`. TypeError for a list or a null."""
    flat: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            flat.update(form_fields({f"{name}[{key}]": inner for key, inner in value.items()}))
        else:
            flat[name] = value if isinstance(value, str) else _form_value(name, value)
    return flat


def _form_value(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"{name} cannot be sent in a form: {type(value).__name__}")


class _Form:
    """The callbacks of the multipart parser. A repeated name is an error: parsers differ in which one counts."""

    def __init__(self, file_field: str) -> None:
        self.fields: dict[str, str] = {}
        self._file_field = file_field
        # On disk beyond MAX_IN_MEMORY. It outlives this object, because the upload is sent from it.
        self.file = cast("BinaryIO", tempfile.SpooledTemporaryFile(max_size=MAX_IN_MEMORY))  # noqa: SIM115
        self.complete = False
        self._header_parts = [b"", b""]
        self._headers: dict[bytes, bytes] = {}
        self._name = ""
        self._value: bytearray | None = None
        self._filename: bytes | None = None
        self._file_type = _DEFAULT_TYPE

    def upload(self, operation: Operation) -> tuple[FileUpload, LiteLLMFields]:
        """Return the validated upload, and LiteLLM's fields. InvalidRequest."""
        name = self._file_field
        if not self.complete:
            raise InvalidRequest(_PARSE_ERROR)
        if self._filename is None:
            raise error_messages.missing_parameter(name)
        fields, extra = split_litellm_form_fields(self.fields)
        filename = _text(self._filename or b"upload", MAX_FILENAME, name)
        upload = file_upload(
            operation, fields, filename=filename, content_type=self._file_type, content=self._content()
        )
        return upload, extra

    def _content(self) -> Body:
        size = self.file.tell()
        if size > MAX_IN_MEMORY:
            return Body(size, self.file)
        self.file.seek(0)
        with self.file:
            return Body.of(self.file.read())

    def on_part_begin(self) -> None:
        """Begin a part, whose headers follow."""
        self._headers = {}

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        """Receive a piece of a header's name."""
        self._header_parts[0] += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        """Receive a piece of a header's value."""
        self._header_parts[1] += data[start:end]

    def on_header_end(self) -> None:
        """End a header."""
        self._headers[self._header_parts[0].lower()] = self._header_parts[1].strip(b" \t")
        self._header_parts = [b"", b""]

    def on_headers_finished(self) -> None:
        """Begin the part's content, a file or a field according to its headers."""
        from python_multipart.multipart import parse_options_header  # noqa: PLC0415 - only an upload needs the parser

        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        self._name = _text(options.get(b"name", b""), MAX_FIELD_BYTES, "body")
        if (
            not self._name
            or self._headers.get(b"content-transfer-encoding", b"binary").lower() not in _IDENTITY_ENCODINGS
        ):
            raise InvalidRequest(_PARSE_ERROR)
        if b"filename" in options:  # `filename*`, which RFC 7578 forbids, is not in `options`
            self._begin_file(options[b"filename"])
        else:
            self._begin_field()

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        """Receive a piece of the part's content."""
        if self._value is None:
            self.file.write(data[start:end])
            return
        self._value += data[start:end]
        if len(self._value) > MAX_FIELD_BYTES:
            raise _invalid(self._name)

    def on_part_end(self) -> None:
        """End a part."""
        if self._value is not None:
            self.fields[self._name] = _text(bytes(self._value), MAX_FIELD_BYTES, self._name)

    def on_end(self) -> None:
        """End the form, at its closing boundary."""
        self.complete = True

    def _begin_file(self, filename: bytes) -> None:
        if self._name == self._file_field and self._filename is not None:
            raise _invalid(self._name)
        if self._name != self._file_field:
            name = self._name[:100]
            raise InvalidRequest(f"Unknown parameter: '{name}'.", code="unknown_parameter", param=name)
        self._filename, self._value = filename, None
        self._file_type = self._headers.get(b"content-type", _DEFAULT_TYPE.encode()).decode("latin-1")

    def _begin_field(self) -> None:
        if self._name in self.fields or self._name == self._file_field or len(self.fields) >= MAX_FIELDS:
            raise _invalid(self._name)
        self._value = bytearray()


def _parse(body: Body, boundary: bytes, form: _Form) -> None:
    from python_multipart.exceptions import MultipartParseError  # noqa: PLC0415 - only an upload needs the parser
    from python_multipart.multipart import MultipartParser  # noqa: PLC0415 - the same

    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)  # its messages repeat what the client is sent
    callbacks = {name: getattr(form, name) for name in _CALLBACKS}
    parser = MultipartParser(boundary, cast("MultipartCallbacks", callbacks))
    stream = body.open()
    try:
        while chunk := stream.read(CHUNK_SIZE):
            parser.write(chunk)
        parser.finalize()
    except MultipartParseError:
        raise InvalidRequest(_PARSE_ERROR) from None


def _invalid(name: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid form field: '{name[:100]}'.", code="invalid_value", param=name[:100])


def _boundary(content_type: str | None) -> bytes:
    from python_multipart.multipart import parse_options_header  # noqa: PLC0415 - the same

    # A meaningful content type is ASCII; the parser raises other exceptions for text outside Latin-1.
    media_type, options = parse_options_header(content_type if content_type and content_type.isascii() else "")
    boundary = options.get(b"boundary", b"")
    if media_type != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY:
        raise InvalidRequest(
            f"Unsupported content type: '{(content_type or '')[:100]}'. "
            "This API method only accepts 'multipart/form-data' requests with a boundary.",
            code="unsupported_content_type",
        )
    return boundary


def _media_type(text: str, name: str) -> str:
    """Validate a content type that is sent upstream in a header: the parser accepts a single LF in a value."""
    if len(text) > MAX_TYPE or not (text.isascii() and text.isprintable()):
        raise InvalidRequest(f"Invalid content type of '{name}'.", code="invalid_value", param=name)
    return text


def _text(value: bytes, max_length: int, param: str) -> str:
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest(f"Invalid '{param[:100]}': not UTF-8.", code="invalid_value", param=param[:100]) from None
    return _single_line(text, max_length, param)


def _single_line(text: str, max_length: int, param: str) -> str:
    if len(text) > max_length or "\0" in text or "\r" in text or "\n" in text:
        raise InvalidRequest(f"Invalid '{param[:100]}'.", code="invalid_value", param=param[:100])
    return text

"""A multipart/form-data upload, streamed: text fields in memory (bounded), the one file straight to disk."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from local.upstream import errors

READ_BYTES = 2**18
MAX_FIELD_BYTES = 8192
MAX_FIELDS = 16
MAX_HEADER_BYTES = 8192
MAX_FILENAME_CHARS = 255
# RFC 2046 says 70; old clients send more.
MAX_BOUNDARY_BYTES = 200


@dataclass(slots=True)
class Form:
    """What was sent: fields by name, and the name of the file whose bytes went to the target."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str | None = None


class Reader:
    """The parser's callbacks."""

    def __init__(self, target: IO[bytes], file_field: str) -> None:
        self._file_field = file_field
        self.form = Form()
        self.finished = False
        self._target = target
        self._header = b""
        self._value = b""
        self._disposition = b""
        self._name = ""
        self._field: bytearray | None = None

    def callbacks(self) -> dict[str, Callable[..., None]]:
        """By the names the parser has for them."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._finish,
        }

    def _begin(self) -> None:
        self._disposition = self._header = self._value = b""
        self._field = None

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = bounded(self._header + data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value = bounded(self._value + data[start:end])

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options:
            self._begin_file(options[b"filename"].decode(errors="replace"))
        else:
            self._field = bytearray()

    def _begin_file(self, filename: str) -> None:
        if self._name != self._file_field:
            raise errors.unknown(self._name)
        if self.form.filename is not None:
            raise errors.bad_value(self._name, "expected one file, but got more.")
        self.form.filename = base_name(filename)

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._target.write(data[start:end])
        elif len(self._field) + end - start > MAX_FIELD_BYTES:
            raise errors.bad_value(self._name, "the field is too long.")
        else:
            self._field += data[start:end]

    def _end(self) -> None:
        if self._field is not None:
            if len(self.form.fields) >= MAX_FIELDS:
                raise errors.Invalid("The form has too many fields.")
            self.form.fields[self._name] = self._field.decode(errors="replace")

    def _finish(self) -> None:
        self.finished = True


def bounded(header: bytes) -> bytes:
    """A header that has not grown too long."""
    if len(header) > MAX_HEADER_BYTES:
        raise errors.Invalid("A header of the multipart form is too long.")
    return header


def base_name(filename: str) -> str:
    """The last component of whatever path a client sent."""
    return filename.replace("\\", "/").rsplit("/", 1)[-1][-MAX_FILENAME_CHARS:] or "upload"


def receive(content_type: str, stream: IO[bytes], length: int, target: IO[bytes], file_field: str = "file") -> Form:
    """Read a form, writing the file of its field ``file_field`` to ``target``."""
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= MAX_BOUNDARY_BYTES:
        raise errors.Invalid(
            f"Unsupported content type: '{content_type}'. This API method only accepts 'multipart/form-data' requests, "
            "but you specified a different content type.",
            code="unsupported_content_type",
        )
    reader = Reader(target, file_field)
    parser = MultipartParser(boundary, reader.callbacks())  # type: ignore[arg-type]
    try:
        while length > 0 and (data := stream.read(min(length, READ_BYTES))):
            length -= len(data)
            parser.write(data)
        parser.finalize()
    except FormParserError as error:
        raise errors.Invalid(f"We could not parse the multipart form of your request: {error}") from None
    if not reader.finished:
        raise errors.Invalid("We could not parse the multipart form of your request: it ends too soon.")
    return reader.form

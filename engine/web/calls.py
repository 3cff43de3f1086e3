"""Requests: the ids of a path, a query string, a JSON body or a form, checked by the gateway's schemas."""

from __future__ import annotations

from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from python_multipart.multipart import parse_options_header
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from vectorgate.api.errors import InvalidRequest, PayloadTooLarge
from vectorgate.api.schemas import check_id, error_messages, parse_json_object, validate, validate_form
from vectorgate.api.schemas.query import ListFilesQuery, ListQuery, ListStoreFilesQuery, parse_query

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping, Sequence

    from pydantic import BaseModel
    from starlette.datastructures import FormData
    from starlette.requests import Request

Model = TypeVar("Model", bound="BaseModel")
PageModel = TypeVar("PageModel", ListQuery, ListStoreFilesQuery, ListFilesQuery)

# The largest batch that the schema allows (2,000 files with 16 attributes of 64 + 512 characters) is smaller.
MAX_JSON_BYTES: Final = 32 * 2**20
MAX_FIELDS: Final = 16
MAX_FIELD_BYTES: Final = 8192
MAX_FILENAME_CHARS: Final = 255
MAX_BOUNDARY_BYTES: Final = 200  # RFC 2046 says 70; old clients send more
PIECE: Final = 2**18
MODEL: Final = "model"


@dataclass(frozen=True, slots=True)
class Call:
    """One request, whose body is read and not yet parsed."""

    ids: tuple[str, ...]
    pairs: Sequence[tuple[str, str]]
    content_type: str
    content: bytes

    @property
    def first(self) -> str:
        """The first id of the path."""
        return self.ids[0]

    @property
    def second(self) -> str:
        """The second id of the path."""
        return self.ids[1]

    def body(self, model: type[Model]) -> Model:
        """The JSON body as a model; no body is the empty object. InvalidRequest."""
        if not self.content:
            return validate(model, {})
        if self.content_type.lower() != "application/json":
            # Exactly so: OpenAI refuses a charset here, which the gateway takes.
            raise error_messages.unsupported_content_type(self.content_type)
        return validate(model, parse_json_object(self.content, self.content_type, max_bytes=MAX_JSON_BYTES))

    def page(self, model: type[PageModel]) -> PageModel:
        """The query string of a list as a model. InvalidRequest."""
        return parse_query(model, dict(self.pairs))


@dataclass(frozen=True, slots=True)
class Form:
    """A multipart form: its text fields, and the one file, which is on disk if it is large."""

    ids: tuple[str, ...]
    fields: Mapping[str, str]
    filename: str
    file: UploadFile

    @property
    def upload_id(self) -> str:
        """The upload that the file is a part of, by its path."""
        return self.ids[0]

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.file.size or 0

    def body(self, model: type[Model]) -> Model:
        """The text fields as a model. InvalidRequest."""
        return validate_form(model, self.fields)

    def pieces(self) -> Iterator[bytes]:
        """The file's bytes."""
        return iter(partial(self.file.file.read, PIECE), b"")


async def read_call(request: Request) -> Call:
    """The request with its body. InvalidRequest, PayloadTooLarge."""
    ids = checked_ids(request)
    content = b"" if request.method == "GET" else await _content(request)
    return Call(ids, request.query_params.multi_items(), request.headers.get("content-type", ""), content)


def checked_ids(request: Request) -> tuple[str, ...]:
    """The ids of the path, in their order; a model's name is only compared. InvalidRequest."""
    return tuple(value if name == MODEL else check_id(name, value) for name, value in request.path_params.items())


async def _content(request: Request) -> bytes:
    content = bytearray()
    too_large = int(request.headers.get("content-length", "0")) > MAX_JSON_BYTES
    async with aclosing(request.stream()) as pieces:
        async for piece in pieces:
            # Read to the end, so that the client reads the answer; kept as far as it may be used.
            content += b"" if too_large else piece
            too_large = too_large or len(content) > MAX_JSON_BYTES
    if too_large:
        raise PayloadTooLarge(f"The request body is larger than {MAX_JSON_BYTES} bytes.")
    return bytes(content)


@asynccontextmanager
async def read_form(request: Request, file_field: str) -> AsyncIterator[Form]:
    """The request as a form with one file, in the field of that name. InvalidRequest.

    The file is there for the time of the body.
    """
    ids = checked_ids(request)
    _check_form_type(request.headers.get("content-type", ""))
    parsed = await _parsed(request)
    try:
        files = {name: value for name, value in parsed.multi_items() if isinstance(value, UploadFile)}
        fields = {name: value for name, value in parsed.multi_items() if isinstance(value, str)}
        for name in files.keys() - {file_field}:
            raise error_messages.unknown_parameter(name)
        if file_field not in files:
            raise error_messages.missing_parameter(file_field)
        file = files[file_field]
        yield Form(ids, fields, base_name(file.filename or ""), file)
    finally:
        await parsed.close()


def base_name(filename: str) -> str:
    """The last component of the path that a client sent."""
    return filename.replace("\\", "/").rsplit("/", 1)[-1][-MAX_FILENAME_CHARS:] or "upload"


def _check_form_type(content_type: str) -> None:
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not 0 < len(options.get(b"boundary", b"")) <= MAX_BOUNDARY_BYTES:
        raise InvalidRequest(
            f"Unsupported content type: '{content_type}'. This API method only accepts 'multipart/form-data' requests, "
            "but you specified a different content type.",
            code="unsupported_content_type",
        )


async def _parsed(request: Request) -> FormData:
    try:
        async with aclosing(request.stream()) as pieces:
            parser = _CompleteForm(
                request.headers, pieces, max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FIELD_BYTES
            )
            return await parser.parse()
    except MultiPartException as error:
        raise InvalidRequest(f"We could not parse the multipart form of your request: {error.message}") from None


class _CompleteForm(MultiPartParser):
    """Starlette's parser, which takes a form that was cut off for one that ended."""

    complete = False

    def on_end(self) -> None:
        """The last boundary was read."""
        self.complete = True

    async def parse(self) -> FormData:
        """The whole form. MultiPartException."""
        form = await super().parse()
        if not self.complete:
            await form.close()
            raise MultiPartException("it ends too soon.")
        return form

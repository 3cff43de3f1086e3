"""Files that a caller hands in: bytes, paths and streams, each readable again for a second attempt."""

from __future__ import annotations

import io
import os
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

Content: TypeAlias = bytes | IO[bytes] | os.PathLike[str]
FileInput: TypeAlias = Content | tuple[str, Content] | tuple[str, Content, str]

DEFAULT_NAME: Final = "upload"  # openai's SDK's name for bytes without one
DEFAULT_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file of `size` bytes. `open` gives a stream at its beginning each time; the caller's own stream stays open."""

    filename: str
    content_type: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]

    def read(self) -> bytes:
        """The whole file."""
        with self.open() as stream:
            return stream.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A multipart/form-data body of plain fields and one file. The same boundary at each attempt: the same bytes."""

    fields: Mapping[str, str]
    file_field: str
    file: FileSource
    boundary: str

    @property
    def content_type(self) -> str:
        """The header that names the boundary. ValueError where the file's own content type breaks its line."""
        if not self.file.content_type.isascii() or not self.file.content_type.isprintable():
            raise ValueError(f"not a content type: {self.file.content_type!r}")
        return f"multipart/form-data; boundary={self.boundary}"


def file_source(file: FileInput) -> FileSource:
    """Bytes, a path, a binary stream, or `(filename, one of these[, content type])`. TypeError for anything else."""
    if isinstance(file, tuple):
        name, content, content_type = (*file, DEFAULT_TYPE)[:3]
        return _of_content(str(name), content, str(content_type))
    return _of_content(None, file, DEFAULT_TYPE)


def _of_content(name: str | None, content: Content, content_type: str) -> FileSource:
    if isinstance(content, bytes | bytearray | memoryview):
        return _of_bytes(name or DEFAULT_NAME, bytes(content), content_type)
    if isinstance(content, os.PathLike):
        path = Path(content)
        return FileSource(name or path.name, content_type, path.stat().st_size, lambda: path.open("rb"))
    if _is_text(content) or not hasattr(content, "read"):
        raise TypeError(
            "file must be bytes, a path (os.PathLike), a stream opened in binary mode, or a tuple "
            f"(filename, one of these[, content type]), not {type(content).__name__}"
        )
    return _of_stream(name or _name_of(content), content, content_type)


def _is_text(content: object) -> bool:
    return isinstance(content, io.TextIOBase)


def _of_bytes(name: str, content: bytes, content_type: str) -> FileSource:
    return FileSource(name, content_type, len(content), lambda: io.BytesIO(content))


def _of_stream(name: str, stream: IO[bytes], content_type: str) -> FileSource:
    if not stream.seekable():  # a pipe can be read once, and a second attempt must send the same bytes
        return _of_bytes(name, stream.read(), content_type)
    start = stream.tell()
    size = stream.seek(0, os.SEEK_END) - start

    def reopened() -> AbstractContextManager[IO[bytes]]:
        rest = _Rest(stream, start)
        rest.seek(0)
        return nullcontext(cast("IO[bytes]", rest))

    return FileSource(name, content_type, size, reopened)


class _Rest:
    """A caller's stream from the position at which it was handed in, which is position 0 here: httpx seeks to 0."""

    def __init__(self, stream: IO[bytes], start: int) -> None:
        self._stream = stream
        self._start = start
        self.read = stream.read

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, and return the new position."""
        return self._stream.seek(offset + (self._start if whence == os.SEEK_SET else 0), whence) - self._start

    def tell(self) -> int:
        """The position."""
        return self._stream.tell() - self._start


def _name_of(stream: IO[bytes]) -> str:
    name = getattr(stream, "name", None)
    return Path(name).name if isinstance(name, str) else DEFAULT_NAME


def form_fields(fields: Mapping[str, object]) -> dict[str, str]:
    """The fields as text, nested ones as `name[key]`, as OpenAI reads `expires_after`. TypeError for a list."""
    flat: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            flat.update(form_fields({f"{name}[{key}]": inner for key, inner in value.items()}))
        else:
            flat[name] = value if isinstance(value, str) else _as_text(name, value)
    return flat


def _as_text(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"{name} cannot be sent in a form: {type(value).__name__}")

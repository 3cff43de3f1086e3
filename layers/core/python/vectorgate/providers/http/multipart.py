"""A file on its way out: whatever the caller has, as bytes that can be read again for a second attempt, and the form.

What the SDK and the gateway's egress send, and what `invoke` makes of a payload so that the gateway can read it. How
forms are read: `forms`.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

Content: TypeAlias = bytes | IO[bytes] | os.PathLike[str]
FileInput: TypeAlias = Content | tuple[str, Content] | tuple[str, Content, str]

PIECE: Final = 64 * 1024
DEFAULT_NAME: Final = "upload"  # what openai's SDK calls bytes without a name
DEFAULT_TYPE: Final = "application/octet-stream"
_CONTROLS: Final = {chr(code): f"%{code:02X}" for code in range(32) if chr(code) != "\x1b"}
_ESCAPES: Final = str.maketrans({'"': "%22", "\\": "\\\\", **_CONTROLS})


@dataclass(frozen=True, slots=True)
class Upload:
    """`open` gives a stream at the file's beginning, each time; who opened it closes it, if `owned`."""

    filename: str
    content_type: str
    size: int
    open: Callable[[], IO[bytes]]
    owned: bool

    def pieces(self) -> Iterator[bytes]:
        """The file, 64 KiB at a time."""
        stream = self.open()
        try:
            while piece := stream.read(PIECE):
                yield piece
        finally:
            if self.owned:
                stream.close()

    def read(self) -> bytes:
        """The whole file."""
        return b"".join(self.pieces())


def upload_of(file: FileInput) -> Upload:
    """Bytes, a path, a binary stream, or `(filename, one of these[, content type])`. TypeError for anything else."""
    if isinstance(file, tuple):
        name, content, kind = (*file, DEFAULT_TYPE)[:3]
        return _named(str(name), content, str(kind))
    return _named(None, file, DEFAULT_TYPE)


def _named(name: str | None, content: Content, kind: str) -> Upload:
    if isinstance(content, bytes | bytearray | memoryview):
        kept = bytes(content)
        return Upload(name or DEFAULT_NAME, kind, len(kept), lambda: io.BytesIO(kept), owned=True)
    if isinstance(content, os.PathLike):
        path = Path(content)
        return Upload(name or path.name, kind, path.stat().st_size, lambda: path.open("rb"), owned=True)
    if _is_text(content) or not hasattr(content, "read"):
        raise TypeError(
            "file must be bytes, a path (os.PathLike), a stream opened in binary mode, or a tuple "
            f"(filename, one of these[, content type]), not {type(content).__name__}"
        )
    return _streamed(name or _name_of(content), content, kind)


def _is_text(content: object) -> bool:
    return isinstance(content, io.TextIOBase)


def _streamed(name: str, stream: IO[bytes], kind: str) -> Upload:
    if not stream.seekable():  # a pipe can be read once, and a second attempt must send the same
        kept = stream.read()
        return Upload(name, kind, len(kept), lambda: io.BytesIO(kept), owned=True)
    start = stream.tell()
    size = stream.seek(0, os.SEEK_END) - start

    def rewound() -> IO[bytes]:
        stream.seek(start)
        return stream

    return Upload(name, kind, size, rewound, owned=False)


def _name_of(stream: IO[bytes]) -> str:
    name = getattr(stream, "name", None)
    return Path(name).name if isinstance(name, str) else DEFAULT_NAME


@dataclass(frozen=True)
class Form:
    """multipart/form-data of plain fields and one file, in the field `name`. The same bytes at every attempt."""

    fields: Mapping[str, str]
    upload: Upload
    boundary: str
    name: str = "file"

    @property
    def content_type(self) -> str:
        """The header that names the boundary."""
        return f"multipart/form-data; boundary={self.boundary}"

    @property
    def size(self) -> int:
        """Bytes in all."""
        return len(self._head) + self.upload.size + len(self._tail)

    def pieces(self) -> Iterator[bytes]:
        """The form, the file 64 KiB at a time."""
        yield self._head
        yield from self.upload.pieces()
        yield self._tail

    @cached_property
    def _head(self) -> bytes:
        parts = [f"{self._part(name)}\r\n\r\n{value}\r\n" for name, value in self.fields.items()]
        file = f'{self._part(self.name)}; filename="{_quoted(self.upload.filename)}"\r\n'
        return "".join([*parts, file, f"Content-Type: {_line(self.upload.content_type)}\r\n\r\n"]).encode()

    @cached_property
    def _tail(self) -> bytes:
        return f"\r\n--{self.boundary}--\r\n".encode()

    def _part(self, name: str) -> str:
        return f'--{self.boundary}\r\nContent-Disposition: form-data; name="{_quoted(name)}"'


def _quoted(text: str) -> str:
    """As browsers do it, and with the backslash doubled, as in httpx: most parsers take one for an escape."""
    return text.translate(_ESCAPES)


def _line(text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise ValueError(f"not a content type: {text!r}")
    return text


def form_fields(fields: Mapping[str, object]) -> dict[str, str]:
    """Nested values as `name[key]`, which is how OpenAI reads `expires_after`."""
    flat: dict[str, str] = {}
    for name, value in fields.items():
        if isinstance(value, dict):
            flat.update(form_fields({f"{name}[{key}]": inner for key, inner in value.items()}))
        else:
            flat[name] = value if isinstance(value, str) else _spelled(name, value)
    return flat


def _spelled(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"{name} cannot be sent in a form: {type(value).__name__}")

"""A file in a form, as browsers send it (multipart/form-data), in pieces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.api.http import FileUpload

PIECE: Final = 64 * 1024
# As browsers write a name; and a backslash twice, because most parsers take one for an escape.
_QUOTED: Final = {code: f"%{code:02X}" for code in {*range(32), ord('"')} - {ord("\x1b")}} | {ord("\\"): "\\\\"}


class Form:
    """The form of an upload. Each iteration is from the file's beginning, and leaves it open for its owner to close."""

    def __init__(self, upload: FileUpload, boundary: str) -> None:
        self._upload = upload
        self._end = f"\r\n--{boundary}--\r\n".encode("ascii")
        fields = [f'{_named(boundary, name)}"\r\n\r\n{value}\r\n' for name, value in upload.fields.items()]
        file = f'{_named(boundary, upload.name)}"; filename="{upload.filename.translate(_QUOTED)}"'
        self._begin = f"{''.join(fields)}{file}\r\nContent-Type: {upload.content_type}\r\n\r\n".encode()

    def __len__(self) -> int:
        """Its bytes."""
        return len(self._begin) + self._upload.content.size + len(self._end)

    def __iter__(self) -> Iterator[bytes]:
        """Its pieces."""
        yield self._begin
        file = self._upload.content.open()
        while piece := file.read(PIECE):
            yield piece
        yield self._end


def _named(boundary: str, name: str) -> str:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(_QUOTED)}'

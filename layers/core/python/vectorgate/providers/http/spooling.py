"""An answer that is too large for memory: in a temporary file."""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, BinaryIO, cast

from vectorgate.api.http import Body
from vectorgate.providers.http.outcome import NoRoom

if TYPE_CHECKING:
    from collections.abc import Iterator


def on_disk(chunks: Iterator[bytes]) -> Body:
    """The pieces in a file, which its reader closes. NoRoom."""
    try:
        return _in_file(chunks)
    except OSError as error:  # the disk's: what the network raises is httpx's
        raise NoRoom from error


def _in_file(chunks: Iterator[bytes]) -> Body:
    file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - it outlives this function
    try:
        size = sum(map(file.write, chunks))
        file.flush()
    except BaseException:
        file.close()
        raise
    return Body(size, file)

"""Content encodings, decoded by httpx, which accepts content that ends early, goes on, or is unknown: this does not."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

CODED_PIECE: Final = 1024  # httpx decodes at once what it is given, and zlib makes at most 1,032 bytes of each
CODINGS: Final[Mapping[bytes, str]] = {b"gzip": "gzip", b"x-gzip": "gzip", b"deflate": "deflate"}


class EncodedContent(httpx.SyncByteStream):
    """Encoded content on its way to httpx's decoder, in pieces that are small once they are decoded.

    The decoder leaves out what follows a first member of gzip, and takes content that ends early for all of it: here
    it is started again for each member, and looked at after each piece. `decoded` is what it makes of this stream.
    """

    def __init__(self, coding: bytes, raw: Iterable[bytes]) -> None:
        if coding not in CODINGS:
            raise httpx.DecodingError("an unknown content-encoding")
        self.decoded = httpx.Response(200, headers={"content-encoding": CODINGS[coding]}, stream=self)
        self._raw = raw
        self._begun, self._whole, self._held = False, True, b""

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._raw:
            yield from self.pieces(chunk)
        self.finish()

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """The chunk in parts, each of which the decoder takes before the next."""
        content = self._held + chunk
        # httpx tells the two forms of deflate apart by zlib's header, of two bytes, and in the first piece alone.
        self._held = b"" if self._begun or len(content) > 1 else content
        for start in range(0, len(content) - len(self._held), CODED_PIECE):
            rest = content[start : start + CODED_PIECE]
            while rest:
                if self._begun and self._whole:
                    self._begin_member()
                yield rest
                state = cast("Any", self.decoded)._decoder.decompressor  # noqa: SLF001 - httpx does not show it
                self._begun, self._whole, rest = True, state.eof, state.unused_data

    def finish(self) -> None:
        """DecodingError unless the content came to its end."""
        if self._held or not self._whole:
            raise httpx.DecodingError("coded content without an end")

    def _begin_member(self) -> None:
        if self.decoded.headers["content-encoding"] != "gzip":
            raise httpx.DecodingError("more content than its coding has")
        decompressor = zlib.decompressobj(16 + zlib.MAX_WBITS)
        cast("Any", self.decoded)._decoder.decompressor = decompressor  # noqa: SLF001 - the same

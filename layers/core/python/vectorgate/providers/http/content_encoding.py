"""The content of an answer that was compressed although nobody asked for it: some proxies do so whatever is asked."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from vectorgate.providers.http.outcome import BrokenAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE: Final = 64 * 1024  # what is decoded at once, however much a few compressed bytes stand for
_GZIP: Final = 16 + zlib.MAX_WBITS
_ZLIB: Final = zlib.MAX_WBITS
_RAW: Final = -zlib.MAX_WBITS


def decoded(coding: str, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The content in pieces of at most PIECE. `coding`: the value of `content-encoding`.

    BrokenAnswer at once for a coding that nobody here knows, and later for content that is not in it.
    """
    match coding.strip().lower():
        case "" | "identity":
            return chunks
        case "gzip" | "x-gzip":
            return _inflated(chunks, gzip=True)
        case "deflate":
            return _inflated(chunks, gzip=False)
        case _:
            raise BrokenAnswer("an unknown content-encoding")


def _inflated(chunks: Iterator[bytes], *, gzip: bool) -> Iterator[bytes]:
    inflator, rest = None, b""
    for chunk in chunks:
        rest = chunk
        while rest:
            if inflator is None:
                inflator = zlib.decompressobj(_GZIP if gzip else _deflate_form(rest))
            elif inflator.eof:  # gzip allows several members, one after the other
                if not gzip:
                    raise BrokenAnswer("more content than its coding has")
                inflator = zlib.decompressobj(_GZIP)
            yield _piece(inflator, rest)
            rest = inflator.unused_data if inflator.eof else inflator.unconsumed_tail
    if inflator is not None:
        yield inflator.flush()
        if not inflator.eof:
            raise BrokenAnswer("compressed content without an end")


def _piece(inflator: zlib._Decompress, chunk: bytes) -> bytes:
    try:
        return inflator.decompress(chunk, PIECE)
    except zlib.error as error:
        raise BrokenAnswer("content that is not in its coding") from error


def _deflate_form(start: bytes) -> int:
    """`deflate` means zlib's format (RFC 9110, 8.4.1.2); some send what is inside it alone, without its header."""
    return _ZLIB if start[0] & 0x0F == zlib.DEFLATED else _RAW

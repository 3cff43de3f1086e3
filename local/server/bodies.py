"""Read a request's body: in memory as far as it is small, and on disk beyond.

A body may take as long as it comes at a pace: MIN_RATE on average, once STALL_SECONDS are over, and no pause longer
than these. Nothing else limits an upload's time.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from typing import TYPE_CHECKING, BinaryIO, Final, cast

from local.server.refusals import NoRoom, RequestTimeout, UnsupportedTransferCoding
from vectorgate.api.errors import InvalidRequest, PayloadTooLarge
from vectorgate.api.http import EMPTY, Body

if TYPE_CHECKING:
    from starlette.types import Receive

    from local.server.exchange import Head

MIB: Final = 1024 * 1024
MAX_BODY: Final = 600 * MIB  # more than the gateway takes, so that the gateway refuses it
IN_MEMORY: Final = MIB
STALL_SECONDS: Final = 60.0
MIN_RATE: Final = 4096  # bytes a second


class ClientGone(Exception):
    """The client disconnected before its request was complete."""


async def read_body(head: Head, receive: Receive) -> Body:
    """The whole body. ClientGone; InvalidRequest, PayloadTooLarge, and `refusals`'s."""
    if not _has_body(head):
        return EMPTY
    spool = _Spool()
    try:
        return await _received(spool, receive)
    except BaseException:
        spool.close()
        raise


def _has_body(head: Head) -> bool:
    """Whether one follows. The parser has refused what is ambiguous, such as a length beside a transfer coding."""
    coding = head.headers.get("transfer-encoding")
    if coding is None:
        length = int(head.headers.get("content-length", 0))
        if length > MAX_BODY:
            raise _too_large()
        return length > 0
    if head.http_version == "1.0":
        raise InvalidRequest("A request of HTTP/1.0 has no transfer-encoding.", code="invalid_request")
    if coding.lower() != "chunked":
        raise UnsupportedTransferCoding("The only transfer-encoding that is supported is 'chunked'.")
    return True


async def _received(spool: _Spool, receive: Receive) -> Body:
    began, more = time.monotonic(), True
    while more:
        try:
            async with asyncio.timeout(STALL_SECONDS):
                message = await receive()
        except TimeoutError:
            raise _too_slow() from None
        if message["type"] == "http.disconnect":
            raise ClientGone
        more = message["more_body"]
        await spool.add(message["body"])
        if more and time.monotonic() - began > STALL_SECONDS + spool.size / MIN_RATE:
            raise _too_slow()
    return await spool.finish()


class _Spool:
    """What has arrived."""

    def __init__(self) -> None:
        self.size = 0
        self._held = bytearray()
        self._file: BinaryIO | None = None

    async def add(self, piece: bytes) -> None:
        """Keep a piece. PayloadTooLarge, NoRoom."""
        self.size += len(piece)
        if self.size > MAX_BODY:
            raise _too_large()
        self._held += piece
        if len(self._held) > IN_MEMORY:
            await self._write()

    async def finish(self) -> Body:
        """The body. NoRoom."""
        if self._file is None:
            return Body.of(bytes(self._held))
        await self._write()
        return Body(self.size, self._file)

    def close(self) -> None:
        """Remove the file, if there is one."""
        if self._file is not None:
            self._file.close()

    async def _write(self) -> None:
        try:
            await asyncio.to_thread(self._write_held)
        except OSError:
            raise NoRoom("The gateway has not enough disk space for this request.", code="no_room") from None

    def _write_held(self) -> None:
        if self._file is None:
            self._file = cast("BinaryIO", tempfile.TemporaryFile())  # noqa: SIM115 - the handler closes it
        self._file.write(self._held)
        self._file.flush()
        self._held.clear()


def _too_large() -> PayloadTooLarge:
    return PayloadTooLarge(f"The request's body is larger than {MAX_BODY} bytes.")


def _too_slow() -> RequestTimeout:
    return RequestTimeout("The request's body arrives too slowly.", code="request_timeout")

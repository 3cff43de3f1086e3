"""An answer that is read while it arrives, and can be given up by another thread than the one that reads it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from vectorgate.providers.base import StreamBroken
from vectorgate.providers.http import adapter

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx


class ReceivedStream:
    """`ByteStream` of an answer's content, as it arrives. Iterated once."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self._lock = threading.Lock()
        self._reading = False
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        """The pieces. StreamBroken when the connection is lost, or the time is over, before the end."""
        with self._lock:
            if self._closed or self._reading:
                raise StreamBroken(timed_out=False)
            self._reading = True
        try:
            yield from self._response.iter_bytes()
        except adapter.FAILURES as failure:
            raise StreamBroken(timed_out=adapter.outcome_of(failure).timed_out) from failure
        finally:
            with self._lock:
                self._closed = True
            self._response.close()

    def close(self) -> None:
        """End the exchange: the provider sees that the connection is closed. A reader gets StreamBroken."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            reading = self._reading
        if reading:
            self._shut_down()  # the reader waits in another thread, which closes the answer
        else:
            self._response.close()

    def _shut_down(self) -> None:
        """Closing a socket does not wake a thread that reads it; shutting it down does."""
        connection = cast("Any", self._response.extensions.get("network_stream"))
        raw = connection.get_extra_info("socket") if connection is not None else None
        if isinstance(raw, socket.socket):
            with suppress(OSError):
                raw.shutdown(socket.SHUT_RDWR)

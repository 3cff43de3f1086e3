"""An answer that is read while it arrives, and can be given up by another thread than the one that reads it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

from vectorgate.providers.base import StreamBroken
from vectorgate.providers.http.outcome import ExchangeFailed

if TYPE_CHECKING:
    from collections.abc import Iterator


class Exchange(Protocol):
    """What a stream is read from."""

    def shut_down(self) -> None:
        """End it for the thread that reads it."""
        ...

    def close(self) -> None:
        """Close it."""
        ...


class ReceivedStream:
    """`ByteStream` of an answer's content, as it arrives: its decoded `pieces`. Iterated once."""

    def __init__(self, exchange: Exchange, pieces: Iterator[bytes]) -> None:
        self._exchange = exchange
        self._pieces = pieces
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
            yield from self._pieces
        except ExchangeFailed as failure:
            raise StreamBroken(timed_out=failure.outcome.timed_out) from failure
        finally:
            with self._lock:
                self._closed = True
            self._exchange.close()

    def close(self) -> None:
        """End the exchange: the provider sees that the connection is closed. A reader gets StreamBroken."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            reading = self._reading
        if reading:
            self._exchange.shut_down()  # the reader waits in another thread, which closes the answer
        else:
            self._exchange.close()

"""Ends a stream that Lambda takes no longer, also while its next piece is awaited."""

from __future__ import annotations

import selectors
import socket
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from vectorgate.api.http import ByteStream

_CLOSE_SECONDS: Final = 5.0


class Watch:
    """While it is entered, a thread closes the stream as soon as the exchange is over, or after so many seconds.

    The exchange is over when its socket is readable: Lambda answers, or closes it, before the response's end. The
    stream is closed once, at the latest when the watch is left. `ended` says that it was before.
    """

    def __init__(self, stream: ByteStream, exchange: socket.socket, seconds: float) -> None:
        self._stream = stream
        self._exchange = exchange
        self._seconds = seconds
        self._wake, self._woken = socket.socketpair()
        self._thread = threading.Thread(target=self._wait, name="stream-watch", daemon=True)
        self.ended = False

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop watching, and close the stream if it is not yet."""
        self._wake.close()
        self._thread.join(_CLOSE_SECONDS)
        if not self.ended:
            self._stream.close()

    def _wait(self) -> None:
        with self._woken, selectors.DefaultSelector() as selector:
            selector.register(self._exchange, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            ready = selector.select(self._seconds)
            if self._woken not in [key.fileobj for key, _ in ready]:
                self.ended = True
                self._stream.close()

"""An answer that is produced while it is sent: its pieces, from the thread that waits for them to the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import TooManyRequests

if TYPE_CHECKING:
    from local.server.threads import Call, FairThreads
    from vectorgate.api.http import ByteStream

AHEAD: Final = 16  # pieces that may wait to be sent: then the thread waits for the client


class Feed:
    """The pieces of one stream, produced by one of the threads. All methods are called on the event loop.

    The stream is closed once: by that thread when it has ended, or at once by another one when the client disconnects.
    """

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._loop = asyncio.get_running_loop()
        self._call: Call[None] | None = None
        self._room = threading.Semaphore(AHEAD)
        self._pieces: deque[bytes] = deque()
        self._news = asyncio.Event()
        self._ended = False
        self._closing = threading.Lock()
        self._left = False

    def start(self, threads: FairThreads, group: str) -> None:
        """Begin to produce. TooManyRequests, and the stream is closed, when the group has as many as it may."""
        if not threads.has_room(group):
            self.leave()
            raise TooManyRequests("You have too many streams open at once.", code="too_many_streams")
        self._call = threads.submit(group, self._produce, self._loop)

    async def next(self) -> bytes | None:
        """The next piece; None when there is none, or no client."""
        while not self._pieces and not self._ended:
            self._news.clear()
            await self._news.wait()
        if self._left or not self._pieces:
            return None
        self._room.release()
        return self._pieces.popleft()

    async def check(self) -> None:
        """Raise what the stream raised, if it did not come to its end."""
        if self._call is not None:
            await self._call.done

    def leave(self) -> None:
        """Give the stream up, unless it has ended."""
        if self._ended:
            return
        self._left = True
        self._room.release()
        self._end()
        threading.Thread(target=self._close, name="stream-close", daemon=True).start()

    def _produce(self) -> None:
        """In the thread: iterate to the end, or until the client has left."""
        try:
            for piece in filter(None, self._stream):
                self._room.acquire()
                if self._left:
                    return
                self._loop.call_soon_threadsafe(self._arrived, piece)
        except BaseException:
            if not self._left:
                raise
        finally:
            self._close()
            self._loop.call_soon_threadsafe(self._end)

    def _arrived(self, piece: bytes) -> None:
        self._pieces.append(piece)
        self._news.set()

    def _end(self) -> None:
        self._ended = True
        self._news.set()

    def _close(self) -> None:
        if self._closing.acquire(blocking=False):  # never released: the first one closes
            self._stream.close()

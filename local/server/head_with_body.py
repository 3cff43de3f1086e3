"""Send an answer's head together with what follows it at once: one packet, and one system call, less."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class HeadWithBody:
    """A connection as one answer writes to it: what comes first waits until the event loop's next turn."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: bytes | None = None
        self._begun = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send it, behind what waits."""
        if self._begun:
            self._transport.write(data if self._held is None else self._held + data)
            self._held = None
        else:
            self._begun, self._held = True, data
            self._loop.call_soon(self._send_held)

    def close(self) -> None:
        """Send what waits, and close."""
        self._send_held()
        self._transport.close()

    def _send_held(self) -> None:
        if self._held is not None:
            self._transport.write(self._held)
            self._held = None

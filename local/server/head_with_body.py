"""Send an answer's head together with what follows it at once: one packet, and one system call, less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import asyncio

_INTERIM: Final = b"HTTP/1.1 1"  # 100 Continue, which the client waits for


class HeadWithBody:
    """A connection as one answer writes to it: its head waits for the next write, for `close`, or for `flush`."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._held: bytes | None = None
        self._begun = False
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Send it, behind what waits."""
        if self._begun or data.startswith(_INTERIM):
            self._transport.write(data if self._held is None else self._held + data)
            self._held = None
        else:
            self._begun, self._held = True, data

    def close(self) -> None:
        """Send what waits, and close."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """Send what waits."""
        if self._held is not None:
            self._transport.write(self._held)
            self._held = None

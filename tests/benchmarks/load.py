"""A client that costs little: requests as bytes, over connections that are kept."""

from __future__ import annotations

import json
import selectors
import socket
import time
from typing import Any

_READ = 65_536
_OK = b"HTTP/1.1 200 "


def request_bytes(method: str, path: str, key: str, body: dict[str, Any] | None = None) -> bytes:
    """A request with JSON."""
    content = json.dumps(body).encode() if body is not None else b""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {key}\r\n"
    typed = f"content-type: application/json\r\ncontent-length: {len(content)}\r\n" if content else ""
    return f"{head}{typed}\r\n".encode("ascii") + content


class Connection:
    """A kept connection. RuntimeError for an answer other than 200, or without its length."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def send(self, request: bytes) -> None:
        """Send a request."""
        self._received = b""
        self.socket.sendall(request)

    def receive(self) -> bytes | None:
        """Read what has arrived; the answer's content once that is whole."""
        piece = self.socket.recv(_READ)
        self._received += piece
        head, end, content = self._received.partition(b"\r\n\r\n")
        if not piece or (end and not head.startswith(_OK)):
            raise RuntimeError(f"answered {self._received[:2_000]!r}")
        if not end:
            return None
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        return content if len(content) >= int(length) else None

    def call(self, request: bytes) -> bytes:
        """Send a request, and wait for the answer's content."""
        self.send(request)
        while (content := self.receive()) is None:
            pass
        return content

    def timed(self, request: bytes) -> float:
        """The seconds that a call takes."""
        began = time.perf_counter()
        self.call(request)
        return time.perf_counter() - began

    def close(self) -> None:
        """Close it."""
        self.socket.close()


def saturate(port: int, request: bytes, *, connections: int, seconds: float) -> int:
    """Keep a request waiting on each connection for so long; how many were answered."""
    answered, end = 0, time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        for _ in range(connections):
            connection = Connection(port)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
            connection.send(request)
        while selector.get_map():
            for key, _ in selector.select():
                if key.data.receive() is None:
                    continue
                answered += 1
                if time.monotonic() < end:
                    key.data.send(request)
                else:
                    selector.unregister(key.fileobj)
                    key.data.close()
    return answered

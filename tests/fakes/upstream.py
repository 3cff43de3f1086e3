"""An HTTP server on loopback that answers by a script, failures included, and records the requests.

An `Act` answers one request on its raw socket and says whether the connection may be used again, so that an answer
can be late, torn, endless or no HTTP at all.
"""

from __future__ import annotations

import json
import socket
import socketserver
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Self

    Act: TypeAlias = Callable[[socket.socket, "Received"], bool]

LONG = 60.0  # seconds until a hanging answer ends by itself: longer than any test; `close` ends it sooner
PIECE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived. Header names are lower-case; `ended` is set when the server closes."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    ended: threading.Event = field(compare=False)

    @property
    def document(self) -> dict[str, object]:
        """The JSON body."""
        return cast("dict[str, object]", json.loads(self.body))


class FaultyUpstream:
    """A server on 127.0.0.1. The script answers the first requests, the usual act all others."""

    def __init__(self, usual: Act) -> None:
        self.received: list[Received] = []
        self.connections = 0
        self._usual = usual
        self._script: deque[Act] = deque()
        self._ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.002}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """The base URL that a provider's secret names."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        """The number of requests received."""
        return len(self.received)

    def will(self, *acts: Act) -> None:
        """Answer the next requests by these acts, one after the other."""
        self._script = deque(acts)

    def always(self, act: Act) -> None:
        """Answer every request by this act."""
        self._usual = act

    def forget(self) -> None:
        """Drop the recorded requests, such as those of a test's preparation."""
        self.received.clear()
        self.connections = 0

    def close(self) -> None:
        """End hanging answers, and stop listening."""
        self._ended.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def converse(self, connection: socket.socket) -> None:
        """Answer the requests of one connection until either side closes it."""
        self.connections += 1
        with connection.makefile("rb") as stream:
            while (received := _read(stream, self._ended)) is not None:
                self.received.append(received)
                act = self._script.popleft() if self._script else self._usual
                if not act(connection, received):
                    return


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], upstream: FaultyUpstream) -> None:
        self.upstream = upstream
        super().__init__(address, _Handler)


class _Handler(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        try:
            cast("_Server", self.server).upstream.converse(self.request)
        except OSError:
            return  # the gateway closed the connection


def _read(stream: socket.SocketIO | object, ended: threading.Event) -> Received | None:
    lines = cast("socket.SocketIO", stream)
    start = lines.readline()
    if not start.strip():
        return None
    method, path, _ = start.decode("latin-1").split(" ", 2)
    headers = dict(_headers(lines))
    body = lines.read(int(headers.get("content-length", 0))) or b""
    return Received(method, path, headers, body, ended)


def _headers(lines: socket.SocketIO) -> Iterator[tuple[str, str]]:
    while (line := lines.readline()) not in (b"\r\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        yield name.lower(), value.strip()


def raw(content: bytes, *, reusable: bool = False) -> Act:
    """Return an act that sends these bytes as they are."""

    def act(connection: socket.socket, received: Received) -> bool:
        del received
        connection.sendall(content)
        return reusable

    return act


def answer(status: int, document: object, headers: Mapping[str, str] | None = None) -> Act:
    """Return an act that answers with a JSON document, or with bytes, and their length."""
    body = document if isinstance(document, bytes) else json.dumps(document).encode()
    fields = {"content-type": "application/json", **(headers or {}), "content-length": str(len(body))}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return raw(f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode("latin-1") + body, reusable=True)


def refusal(status: int, code: str | None = None, headers: Mapping[str, str] | None = None) -> Act:
    """Return an act that answers with an error in OpenAI's envelope."""
    error = {"message": f"upstream says {status}", "type": "upstream_type", "param": "upstream_param", "code": code}
    return answer(status, {"error": error}, headers)


def chunked(*pieces: bytes, status: int = 200, complete: bool = True) -> Act:
    """Return an act that sends each piece as a chunk; unless `complete`, without the last chunk."""
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    head = f"HTTP/1.1 {status} Whatever\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    return raw(head.encode() + framed + (b"0\r\n\r\n" if complete else b""))


def hang(connection: socket.socket, received: Received) -> bool:
    """Never answer."""
    del connection
    received.ended.wait(LONG)
    return False


def trickle(connection: socket.socket, received: Received) -> bool:
    """Send a byte now and then without end: each read succeeds, and the answer is never complete."""
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000000\r\n\r\n")
    while not received.ended.wait(0.02):
        connection.sendall(b" ")
    return False


def trickle_headers(connection: socket.socket, received: Received) -> bool:
    """Send a byte of a header now and then without end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nx-long: ")
    while not received.ended.wait(0.02):
        connection.sendall(b"a")
    return False


def hang_up(connection: socket.socket, received: Received) -> bool:
    """Close without an answer."""
    del connection, received
    return False


def reset(connection: socket.socket, received: Received) -> bool:
    """Reset the connection (RST) after the whole request was read, as a server does that crashes after a commit."""
    del received
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    socket.close(connection.detach())
    return False

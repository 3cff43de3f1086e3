"""A server that takes exports: what it got is kept, and it can be killed and started again on its port.

`python -m tests.fakes.receiver PORT FILE` is one as a process, which writes each request to the file before it answers.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes


def take(_: Delivery) -> int:
    """Answer 200."""
    return 200


@dataclass
class Receiver:
    """The server. `status`: what it answers to a request, after it was kept; 0 breaks the connection off."""

    status: Callable[[Delivery], int] = take
    keep: Callable[[Delivery], None] | None = None
    answer: bytes = b""
    port: int = 0
    got: list[Delivery] = field(default_factory=list)
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None
    _open: set[socket.socket] = field(default_factory=set)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()

    @property
    def url(self) -> str:
        """Of the server."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the port that it had."""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                super().setup()
                receiver._open.add(self.connection)

            def finish(self) -> None:
                receiver._open.discard(self.connection)
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def do_POST(self) -> None:
                receiver._take(self)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own
                pass

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        server.daemon_threads = True
        self.port, self._server = server.server_address[1], server
        self._thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def kill(self) -> None:
        """End as a killed process does: no new connection is taken, and open ones are reset."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
        self._server = None
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _take(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers["content-length"]))
        got = Delivery(handler.path, {name.lower(): value for name, value in handler.headers.items()}, body)
        self.got.append(got)
        if self.keep is not None:
            self.keep(got)
        status = self.status(got)
        if status == 0:
            handler.close_connection = True
            return
        handler.send_response(status)
        handler.send_header("content-length", str(len(self.answer)))
        handler.end_headers()
        handler.wfile.write(self.answer)


def kept_in(file: Path) -> Iterator[Delivery]:
    """What a process has written."""
    for line in file.read_text().splitlines():
        with contextlib.suppress(ValueError):  # the line that it was killed at
            path, headers, body = json.loads(line)
            yield Delivery(path, headers, base64.b64decode(body))


def main() -> None:
    """Serve until the process is killed."""
    with Path(sys.argv[2]).open("a", buffering=1) as file:
        lock = threading.Lock()

        def keep(got: Delivery) -> None:
            with lock:
                file.write(json.dumps([got.path, got.headers, base64.b64encode(got.body).decode()]) + "\n")

        with Receiver(keep=keep, port=int(sys.argv[1])) as receiver:
            receiver.got = _Nothing()
            threading.Event().wait()


class _Nothing(list[Delivery]):
    """Keeps nothing."""

    def append(self, _: Delivery) -> None:
        pass


if __name__ == "__main__":
    main()

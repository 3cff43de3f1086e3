"""Lambda's Runtime API on a loopback socket: it hands out invocations, and keeps what a runtime posts."""

from __future__ import annotations

import json
import queue
import socket
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

SEPARATOR = bytes(8)
LIMIT_MS = 900_000
SECONDS = 60  # that a test waits at most, the start of a process included


@dataclass
class Invocation:
    """One invocation, and what became of it. `chunks`: each as it arrives; None after the last.

    `answer`: the status that the response is answered with.
    """

    request_id: str
    content: bytes
    deadline_ms: int
    answer: int = 202
    headers: Mapping[str, str] = field(default_factory=dict)
    chunks: queue.Queue[bytes | None] = field(default_factory=queue.Queue)
    trailers: dict[str, str] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    connection: socket.socket | None = None
    done: threading.Event = field(default_factory=threading.Event)

    def chunk(self) -> bytes:
        """Wait for the next chunk. AssertionError after the last."""
        chunk = self.chunks.get(timeout=SECONDS)
        assert chunk is not None
        return chunk

    def prelude(self) -> dict[str, Any]:
        """Wait for the first chunk: status and headers."""
        content = self.chunk()
        assert content.endswith(SEPARATOR)
        found: dict[str, Any] = json.loads(content.removesuffix(SEPARATOR))
        return found

    def rest(self) -> bytes:
        """Wait for the response's end, and return what has not been looked at."""
        return b"".join(iter(lambda: self.chunks.get(timeout=SECONDS), None))

    def answered(self) -> dict[str, Any]:
        """Wait for a response that is not a stream."""
        found: dict[str, Any] = json.loads(self.rest())
        return found

    def cut(self) -> None:
        """Close the connection, as Lambda does when it gives a response up."""
        if self.connection is None:
            raise ValueError("no response has begun")
        self.connection.shutdown(socket.SHUT_RDWR)


class FakeRuntimeApi:
    """The API. `start_error`: what a runtime says that cannot start. `close` ends a runtime that waits.

    `now_ms`: when every invocation begins, in the runtime's time. `snapshot` is set when a runtime of SnapStart may be
    copied; it is a copy as soon as the test sets `restore`.
    """

    def __init__(self, now_ms: int) -> None:
        self._now_ms = now_ms
        self.start_error: dict[str, Any] | None = None
        self.restore_error: dict[str, Any] | None = None
        self.snapshot, self.restore = threading.Event(), threading.Event()
        self.waiting: queue.Queue[Invocation | None] = queue.Queue()
        self.known: dict[str, Invocation] = {}
        api = self

        class Handler(_Handler):
            """A handler that knows the API."""

            runtime_api = api

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def address(self) -> str:
        """What `AWS_LAMBDA_RUNTIME_API` holds."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def invoke(self, event: object, *, limit_ms: int = LIMIT_MS, answer: int = 202) -> Invocation:
        """Invoke the function, which may take `limit_ms`."""
        request_id = f"invocation-{len(self.known)}"
        invocation = Invocation(request_id, json.dumps(event).encode(), self._now_ms + limit_ms, answer)
        self.known[request_id] = invocation
        self.waiting.put(invocation)
        return invocation

    def close(self) -> None:
        """Hand out nothing more."""
        self.waiting.put(None)
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Handler(BaseHTTPRequestHandler):
    runtime_api: FakeRuntimeApi
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Hand out an invocation, as soon as there is one."""
        if self.path == "/2018-06-01/runtime/restore/next":
            self.runtime_api.snapshot.set()
            assert self.runtime_api.restore.wait(SECONDS)
            self._answer(200)
            return
        assert self.path == "/2018-06-01/runtime/invocation/next"
        invocation = self.runtime_api.waiting.get()
        if invocation is None:
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", invocation.request_id)
        self.send_header("Lambda-Runtime-Deadline-Ms", str(invocation.deadline_ms))
        self.send_header("Lambda-Runtime-Trace-Id", f"Root={invocation.request_id}")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:eu-central-1:1:function:stream")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(invocation.content)))
        self.end_headers()
        self.wfile.write(invocation.content)

    def do_POST(self) -> None:
        """Take a response, or an error."""
        place = self.path.removeprefix("/2018-06-01/runtime/").split("/")
        if place[1] == "error":
            setattr(self.runtime_api, {"init": "start_error", "restore": "restore_error"}[place[0]], self._document())
            self._answer(202)
            return
        invocation = self.runtime_api.known[place[1]]
        if place[2] == "error":
            invocation.error = self._document()
            self._answer(202)
        else:
            self._response(invocation)
        invocation.done.set()

    def _response(self, invocation: Invocation) -> None:
        invocation.headers, invocation.connection = dict(self.headers), self.connection
        if "Content-Length" in self.headers:
            invocation.chunks.put(self.rfile.read(int(self.headers["Content-Length"])))
            invocation.chunks.put(None)
            self._answer(invocation.answer)
            return
        with suppress(OSError, ValueError):  # the test, or the runtime, closed the connection
            while size := int(self.rfile.readline(), 16):
                invocation.chunks.put(self.rfile.read(size))
                assert self.rfile.readline() == b"\r\n"
            while line := self.rfile.readline().strip():
                name, _, value = line.decode("ascii").partition(": ")
                invocation.trailers[name] = value
            self._answer(invocation.answer)
        invocation.chunks.put(None)

    def _document(self) -> dict[str, Any]:
        assert self.headers["Lambda-Runtime-Function-Error-Type"]
        found: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        return found

    def _answer(self, status: int) -> None:
        self.close_connection = True
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

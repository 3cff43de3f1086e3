"""The server of local mode in this process, on a socket, around a handler that a test gives."""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from local.server.app import App, Handlers
from local.server.listening import listen
from vectorgate.api.http import EMPTY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.api.http import Body, ByteStream
    from vectorgate.entrypoints.lambda_http import LambdaResponse

    Handler = Callable[[Mapping[str, object]], LambdaResponse]


def result(body: Body | ByteStream = EMPTY, content_type: str = "application/json") -> LambdaResponse:
    """A handler's result."""
    return {"statusCode": 200, "headers": {"content-type": content_type}, "body": body}


def serving(app: App) -> int:
    """Serve until the process ends, and give the port."""
    serve, port = listen(app, "127.0.0.1", 0, drain_seconds=0)
    threading.Thread(target=serve, name="local-server", daemon=True).start()
    return port


def serve(handler: Handler) -> int:
    """Serve this handler, which gets each event, until the process ends; the port."""

    def handle(event: Mapping[str, object], _: object) -> LambdaResponse:
        return handler(event)

    return serving(App(Handlers(api=handle, admin=handle)))


@contextmanager
def requested(port: int, path: str, method: str = "GET") -> Iterator[http.client.HTTPResponse]:
    """The answer to a request whose client disconnects at the end of the block."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path)
        with connection.getresponse() as answer:
            yield answer
    finally:
        connection.close()


def answers_to(port: int, request: bytes) -> bytes:
    """What is answered to these bytes, until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request)
        return b"".join(iter(lambda: connection.recv(65536), b""))

"""The HTTP server of local mode: requests as the events that API Gateway makes of them, to the functions' handlers."""

from __future__ import annotations

import re
import resource
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl, unquote

from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask
from waitress.utilities import InternalServerError

from local.lambda_api import serves
from local.mistakes import CannotStart, one_line
from vectorgate.api.errors import INVALID_REQUEST
from vectorgate.api.http import JSON, Body, encode_json
from vectorgate.entrypoints.lambda_http import UNENCODED_BODY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from waitress.parser import HTTPRequestParser
    from waitress.server import BaseWSGIServer

    from local.lambda_api import InvokeApi
    from vectorgate.api.http import ByteStream
    from vectorgate.entrypoints.lambda_http import LambdaResponse

    Handler = Callable[[Mapping[str, object], object], LambdaResponse]

THREADS: Final = 64
MIB: Final = 1024 * 1024
MAX_BODY: Final = 600 * MIB  # more than the gateway takes, so that the gateway refuses it
PIECE: Final = 64 * 1024
CONNECTIONS: Final = 2_000  # idle ones included: a client's pool keeps some
FILES: Final = 4 * CONNECTIONS  # a connection, its request and response spooled, and the connection to the provider
IDLE_SECONDS: Final = 60
BACKLOG: Final = 1_024
ADMIN_PREFIXES: Final = ("/spend/", "/key/", "/team/", "/customer/", "/v1/indexes")
_HEALTH: Final = "/healthz"
_HEALTHY: Final[LambdaResponse] = {
    "statusCode": 200,
    "headers": {"content-type": JSON},
    "body": Body.of(b'{"status":"ok"}'),
}
_ESCAPED_SLASH: Final = re.compile("%2f", re.IGNORECASE)
_REASONS: Final = {int(status): status.phrase for status in HTTPStatus}


class WsgiApp:
    """A WSGI application over the functions' handlers: the admin's paths, Lambda's Invoke API, and everything else."""

    def __init__(self, api: Handler, admin: Handler, invoke: InvokeApi | None = None) -> None:
        self._api = api
        self._admin = admin
        self._invoke = invoke

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = path_of(environ)
        if path == _HEALTH:
            return _write(_HEALTHY, environ, start_response)
        if self._invoke is not None and serves(path):
            content = self._invoke(environ, start_response)
            return [] if environ["REQUEST_METHOD"] == "HEAD" else content
        handler = self._admin if path.startswith(ADMIN_PREFIXES) else self._api
        return _write(handler(event_of(environ, path), None), environ, start_response)


def path_of(environ: WSGIEnvironment) -> str:
    """The path of the request line, decoded once, as API Gateway hands it over.

    Except for an escaped slash, which API Gateway decodes as well: here it stays escaped, and so matches no path.
    """
    return unquote(_ESCAPED_SLASH.sub("%252F", str(environ["REQUEST_URI"]).partition("?")[0]))


def event_of(environ: WSGIEnvironment, path: str) -> dict[str, object]:
    """The request as an event of payload format 2.0, except that the body stays where the server spooled it."""
    size = int(environ.get("CONTENT_LENGTH") or 0)
    query = str(environ.get("QUERY_STRING", ""))
    return {
        "version": "2.0",
        "rawPath": path,
        "rawQueryString": query,
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": _headers(environ),
        "requestContext": {"http": {"method": environ["REQUEST_METHOD"], "path": path}},
        "body": Body(size, cast("BinaryIO", environ["wsgi.input"])) if size else None,
        "isBase64Encoded": False,
        UNENCODED_BODY: Body,
    }


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {
        name[len("HTTP_") :].replace("_", "-").lower(): str(value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if "CONTENT_TYPE" in environ:
        headers["content-type"] = environ["CONTENT_TYPE"]
    return headers


def _write(result: LambdaResponse, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    status = cast("int", result["statusCode"])
    body = cast("Body | ByteStream", result["body"])
    headers = cast("Mapping[str, str]", result["headers"])
    length = [("content-length", str(body.size))] if isinstance(body, Body) else []
    start_response(f"{status} {_REASONS.get(status, 'Unknown')}", [*headers.items(), *length])
    if environ["REQUEST_METHOD"] == "HEAD":
        body.close()
        return []
    if not isinstance(body, Body):
        return body
    if isinstance(body.source, bytes):
        return [body.source]
    # The server sends it in pieces, and closes it after the last one or when the client disconnects.
    return cast("Iterable[bytes]", environ["wsgi.file_wrapper"](body.open(), PIECE))


class _EnvelopeTask(ErrorTask):
    """The server's own errors (malformed HTTP, too large a request) in the envelope of all others."""

    def execute(self) -> None:
        """Answer, and close the connection."""
        error = cast("HTTPRequestParser", self.request).error or InternalServerError("")
        kind = INVALID_REQUEST if error.code < HTTPStatus.INTERNAL_SERVER_ERROR else "server_error"
        message = f"{error.reason}: {error.body}"
        content = encode_json({"error": {"message": message, "type": kind, "param": None, "code": None}})
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", JSON)]
        self.set_close_on_finish()
        self.content_length = len(content)
        self.write(content)


class _Channel(HTTPChannel):
    error_task_class = _EnvelopeTask


def listen(app: WSGIApplication, host: str, port: int) -> tuple[Callable[[], None], int]:
    """Listen on the port (0 takes a free one); the function that serves until SystemExit, and the port. CannotStart."""
    listener = _listener(host, port)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        max_request_body_size=MAX_BODY,
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE_SECONDS,
        backlog=BACKLOG,
        ident=None,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
    )
    cast("BaseWSGIServer", server).channel_class = _Channel  # it listens on one socket
    return server.run, listener.getsockname()[1]


def _listener(host: str, port: int) -> socket.socket:
    """On the host's first address, of IPv4 if it has one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        return socket.create_server(address[:2], family=family)
    except (OSError, UnicodeError) as error:
        raise CannotStart(f"cannot listen on HOST {host!r}, PORT {port}: {one_line(error)}") from None


def raise_file_limit() -> None:
    """Let the process have as many files open as its connections may need, as far as it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

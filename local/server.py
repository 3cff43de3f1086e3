"""HTTP on this machine to the events that API Gateway would make of it, and the handlers' answers back."""

from __future__ import annotations

import base64
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast
from urllib.parse import parse_qsl

from waitress.server import create_server

from local.invoke_api import serves
from vectorgate.messages import Body

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import BinaryIO
    from wsgiref.types import StartResponse, WSGIEnvironment

    from local.invoke_api import InvokeApi
    from vectorgate.lambda_http import Result

    Handler = Callable[[Mapping[str, object], object], Result]

THREADS: Final = 64
MIB: Final = 1024 * 1024
MAX_BODY: Final = 513 * MIB  # the largest file that OpenAI takes, and the form around it
ADMIN_PREFIXES: Final = ("/spend/", "/key/", "/team/", "/customer/", "/v1/indexes")
_HEALTH: Final = "/healthz"
_REASONS: Final = {int(status): status.phrase for status in HTTPStatus}


class Front:
    """A WSGI application over two handlers: the admin function's paths, and everything else."""

    def __init__(self, api: Handler, admin: Handler, invoke: InvokeApi | None = None) -> None:
        self._api = api
        self._admin = admin
        self._invoke = invoke

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path = raw_path(environ)
        if path == _HEALTH:
            start_response("200 OK", [("content-type", "application/json")])
            return [b'{"status":"ok"}']
        if self._invoke is not None and serves(path):
            return self._invoke(environ, start_response)
        handler = self._admin if path.startswith(ADMIN_PREFIXES) else self._api
        return _write(handler(event_of(environ, path), None), start_response)


def raw_path(environ: WSGIEnvironment) -> str:
    """The path as it stood in the request line, still percent-encoded."""
    return str(environ.get("REQUEST_URI", environ["PATH_INFO"])).partition("?")[0]


def event_of(environ: WSGIEnvironment, path: str) -> dict[str, object]:
    """The request as an event of payload format 2.0, but that its body stays where the server spooled it."""
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


def _write(result: Result, start_response: StartResponse) -> Iterable[bytes]:
    status = cast("int", result["statusCode"])
    body = cast("str", result["body"])
    content = base64.b64decode(body) if result["isBase64Encoded"] else body.encode("utf-8")
    reason = _REASONS.get(status, "Unknown")
    headers = cast("Mapping[str, str]", result["headers"])
    start_response(f"{status} {reason}", [*headers.items(), ("content-length", str(len(content)))])
    return [content]


def listen(front: Front, host: str, port: int) -> tuple[Callable[[], None], int]:
    """A server that holds its port, as the function that serves until the process is told to stop, and the port."""
    listener = socket.create_server((host, port))
    server = create_server(
        front,
        sockets=[listener],
        threads=THREADS,
        max_request_body_size=MAX_BODY,
        ident=None,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
    )
    return server.run, listener.getsockname()[1]

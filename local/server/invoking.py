"""The Invoke API, a WSGI application, called with a request that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.http import Body

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from wsgiref.types import WSGIApplication

    from local.server.exchange import Head
    from vectorgate.entrypoints.lambda_http import LambdaResponse

    ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def called(app: WSGIApplication, head: Head, body: Body) -> LambdaResponse:
    """Call the application, in a thread that it may block."""
    started: dict[str, object] = {}

    def start(status: str, headers: Sequence[tuple[str, str]], _: ExcInfo | None = None, /) -> None:
        fields = {name.lower(): value for name, value in headers if name.lower() != "content-length"}
        started.update(statusCode=int(status.partition(" ")[0]), headers=fields)

    content = b"".join(app(_environ(head, body), start))  # type: ignore[arg-type]  # nothing is written otherwise
    return {**started, "body": Body.of(content)}


def _environ(head: Head, body: Body) -> dict[str, object]:
    return {
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in head.headers.items()},
        "REQUEST_METHOD": head.method,
        "REQUEST_URI": head.raw_path,
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "REMOTE_ADDR": head.client,
        "CONTENT_LENGTH": str(body.size),
        "wsgi.input": body.open(),
    }

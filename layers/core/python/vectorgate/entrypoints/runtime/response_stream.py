r"""One response on its way to Lambda, in HTTP chunks.

::

    POST /2018-06-01/runtime/invocation/{id}/response
    Lambda-Runtime-Function-Response-Mode: streaming

    {"statusCode": 200, "headers": {...}} \0\0\0\0\0\0\0\0 piece piece ...
    Lambda-Runtime-Function-Error-Type, -Body       trailers, where the response broke off
"""

from __future__ import annotations

import base64
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import encode_json

if TYPE_CHECKING:
    import socket

    from vectorgate.api.http import Response
    from vectorgate.entrypoints.runtime.failure import Failure

_ERROR_TYPE: Final = "Lambda-Runtime-Function-Error-Type"
_ERROR_BODY: Final = "Lambda-Runtime-Function-Error-Body"
HEADERS: Final = {
    "Content-Type": "application/vnd.awslambda.http-integration-response",
    "Lambda-Runtime-Function-Response-Mode": "streaming",
    "Transfer-Encoding": "chunked",
    "Trailer": f"{_ERROR_TYPE}, {_ERROR_BODY}",
}
_PRELUDE_END: Final = bytes(8)


class ExchangeEnded(Exception):
    """Lambda takes no more of the response: the connection is closed, or nothing was taken in time."""


class ResponseStream:
    """The exchange, begun with status and headers. `seconds`: how long it may take, and Lambda may take nothing."""

    def __init__(self, connection: HTTPConnection, path: str, response: Response, *, seconds: float) -> None:
        self.seconds = seconds
        self._connection = connection
        prelude = encode_json({"statusCode": response.status, "headers": dict(response.headers)})
        try:
            connection.putrequest("POST", path)
            for name, value in HEADERS.items():
                connection.putheader(name, value)
            connection.endheaders(_chunk(prelude + _PRELUDE_END))
        except (OSError, HTTPException) as error:
            connection.close()
            raise ExchangeEnded from error

    @property
    def socket(self) -> socket.socket:
        """The connection's socket. It becomes readable when Lambda answers, or closes it."""
        return self._connection.sock

    def send(self, piece: bytes) -> None:
        """Send a piece at once. ExchangeEnded where Lambda does not take it."""
        if piece:  # an empty chunk would end the response
            self._send(_chunk(piece))

    def end(self, failure: Failure | None = None) -> int:
        """End the response, with the error that broke it off if there is one; Lambda's status."""
        trailers = b"" if failure is None else _trailers(failure)
        self._send(b"0\r\n" + trailers + b"\r\n")
        try:
            return self._connection.getresponse().status
        except (OSError, HTTPException) as error:
            raise ExchangeEnded from error

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _send(self, content: bytes) -> None:
        try:
            self._connection.send(content)
        except (OSError, HTTPException) as error:
            raise ExchangeEnded from error


def accepted(status: int) -> bool:
    """Whether Lambda took a response."""
    return status == HTTPStatus.ACCEPTED


def _chunk(content: bytes) -> bytes:
    return b"%X\r\n%b\r\n" % (len(content), content)


def _trailers(failure: Failure) -> bytes:
    body = base64.b64encode(encode_json(failure.document())).decode("ascii")
    return f"{_ERROR_TYPE}: {failure.type}\r\n{_ERROR_BODY}: {body}\r\n".encode("ascii")

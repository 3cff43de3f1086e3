"""HTTP/1.1 as uvicorn speaks it over llhttp, with what uvicorn leaves to a server in front of it.

- A request's head has to arrive within HEAD_SECONDS of its first byte and to fit into MAX_HEAD; an idle connection is
  closed after IDLE_SECONDS.
- A client that does not read its answer for STALL_SECONDS is cut off.
- An answer's head is sent with what follows it at once: one packet, and one system call, less.
- There are limits for connections (`connections`), and errors in the envelope of all others.
- An upgrade that a client offers is not taken up, as RFC 9110 allows: the request is answered as it stands. llhttp
  stops reading there and would lose the body, so the offer is removed before.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from local.server.head_with_body import HeadWithBody
from local.server.refusals import HeadTooLarge, NoRoom, RequestTimeout
from vectorgate.api.errors import ApiError, InvalidRequest
from vectorgate.api.http import JSON, encode_json

if TYPE_CHECKING:
    import asyncio

    from local.server.connections import Connections

MAX_HEAD: Final = 256 * 1024
HEAD_SECONDS: Final = 10.0
IDLE_SECONDS: Final = 60
STALL_SECONDS: Final = 60.0
_UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r\n]*", re.IGNORECASE)


class HttpProtocol(HttpToolsProtocol):
    """One client's connection."""

    def __init__(self, connections: Connections, **options: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(**options)
        self._connections = connections
        self._running: Any = None  # uvicorn's cycle of the request that is being answered; `cycle` is the last one
        self._in_head = False
        self._head_is_due = False
        self._unheeded = 0  # bytes since the parser last had a head, or a piece of a body
        self._deadline: asyncio.TimerHandle | None = None
        self._stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        """Take the connection, or refuse it."""
        super().connection_made(transport)
        self._await_head(IDLE_SECONDS)
        if not self._connections.opened(self):
            self._refuse(NoRoom("The gateway has too many connections.", code="too_many_connections"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the request that is being answered, and forget the connection."""
        self._connections.closed(self)
        self._head_is_here()
        if self._running is not None:
            self._running.disconnected = True
            self._running.message_event.set()
        self.resume_writing()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close, for another connection is to have the place."""
        self.transport.abort()

    # -------------------------------------------------------------------------------------------------- reading

    def data_received(self, data: bytes) -> None:
        """Parse what arrived, and see to it that the head goes on."""
        self._unheeded += len(data)
        super().data_received(data if self._in_head or self._at_work() else _without_upgrade(data))
        if self.transport.is_closing():
            return
        if self._unheeded > MAX_HEAD:
            self._refuse(HeadTooLarge(f"The request's head is larger than {MAX_HEAD} bytes.", code="head_too_large"))
        elif not (self._head_is_due or self._at_work()):
            self._head_is_due = True
            self._await_head(HEAD_SECONDS)

    def on_message_begin(self) -> None:
        """Begin a head."""
        self._in_head = True
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header. A trailer, behind the body, is not one."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin a request."""
        if self.parser.should_upgrade():
            raise ValueError("an offer to upgrade that was not removed, behind which a body would be lost")
        self._in_head, self._unheeded = False, 0
        self._head_is_here()
        self._connections.at_work(self)
        super().on_headers_complete()
        self.cycle.transport = cast("Any", HeadWithBody(self.transport))

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._unheeded = 0
        super().on_body(body)

    def on_response_complete(self) -> None:
        """Wait for the next request, if none has arrived yet."""
        cast("HeadWithBody", self._running.transport).flush()  # an answer to HEAD has nothing behind its head
        self._running = None
        super().on_response_complete()
        if not (self._at_work() or self.transport.is_closing()):
            self._connections.quiet(self)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - uvicorn's own
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def _at_work(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self, seconds: float) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(seconds, self._head_is_late)

    def _head_is_here(self) -> None:
        self._head_is_due = False
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _head_is_late(self) -> None:
        if self._unheeded:
            self._refuse(RequestTimeout("The request's head arrives too slowly.", code="request_timeout"))
        else:
            self.transport.close()

    # -------------------------------------------------------------------------------------------------- writing

    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP. Behind a request that is being answered, the connection ends after that one."""
        del msg
        if self._at_work() and not self.cycle.more_body:
            self.cycle.keep_alive = False
        else:
            self._refuse(InvalidRequest("The request is not valid HTTP/1.1.", code="invalid_http"))

    def _refuse(self, error: ApiError) -> None:
        content = encode_json(error.envelope())
        headers = {**error.headers, "content-type": JSON, "content-length": str(len(content)), "connection": "close"}
        lines = [f"{name}: {value}\r\n".encode("ascii") for name, value in headers.items()]
        self.transport.write(b"".join([STATUS_LINE[error.status], *lines, b"\r\n", content]))
        self.transport.close()

    def pause_writing(self) -> None:
        """The client does not read as fast as it is sent to."""
        super().pause_writing()
        self._stalled = self.loop.call_later(STALL_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """Let the writer go on: the client reads again, or has left."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close an idle connection, also one whose last answer is not read."""
        self.transport.abort()


def _without_upgrade(data: bytes) -> bytes:
    """A request's beginning without the offer of another protocol."""
    if b"pgrade:" not in data and b"PGRADE:" not in data:
        return data
    head, end, rest = data.partition(b"\r\n\r\n")
    return _UPGRADE.sub(b"", head) + end + rest

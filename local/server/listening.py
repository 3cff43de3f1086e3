"""The socket, the server on it, and its end: what was begun is finished first."""

from __future__ import annotations

import logging
import resource
import socket
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn import Config, Server

from local.mistakes import CannotStart, one_line
from local.server.connections import Connections
from local.server.protocol import IDLE_SECONDS, HttpProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.server.app import App

CONNECTIONS: Final = 2_000  # idle ones included: a client's pool keeps some
FILES: Final = 4 * CONNECTIONS  # a connection, its request and response spooled, and the connection to the provider
BACKLOG: Final = 1_024
_log = logging.getLogger("vectorgate")


def listen(app: App, host: str, port: int, *, drain_seconds: float) -> tuple[Callable[[], None], int]:
    """Listen on the port (0 takes a free one); the function that serves until a signal, and the port. CannotStart.

    `drain_seconds`: how long requests that were begun may take after SIGTERM or SIGINT.
    """
    listener = _listener(host, port)
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # below that it tells of each malformed request
    config = Config(
        cast("Any", app),
        interface="asgi3",
        loop="asyncio",
        http=cast("Any", partial(HttpProtocol, Connections(CONNECTIONS))),
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=cast("Any", drain_seconds),  # asyncio takes fractions
    )
    server = _DrainingServer(config)
    return partial(_run, server, listener), listener.getsockname()[1]


def _run(server: Server, listener: socket.socket) -> None:
    try:
        server.run([listener])
    except KeyboardInterrupt:  # which uvicorn raises at its end, again
        return


class _DrainingServer(Server):
    """A server that says, at its end, what it waits for."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no new request, and wait for those that were begun."""
        if calls := len(self.server_state.tasks):
            seconds = self.config.timeout_graceful_shutdown
            _log.warning("stopping: %d requests may take %s s more; Ctrl+C ends them", calls, seconds)
        await super().shutdown(sockets)


def _listener(host: str, port: int) -> socket.socket:
    """On the host's first address, of IPv4 if it has one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        family, *_, address = min(found, key=lambda info: info[0] != socket.AF_INET)
        return _bound(family, address)
    except (OSError, UnicodeError) as error:
        raise CannotStart(f"cannot listen on HOST {host!r}, PORT {port}: {one_line(error)}") from None


def _bound(family: socket.AddressFamily, address: Any) -> socket.socket:  # noqa: ANN401 - of any family
    # Its protocol is named: only then does asyncio turn off Nagle's algorithm, which delays each answer by 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def raise_file_limit() -> None:
    """Let the process have as many files open as its connections may need, as far as it is allowed to."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))

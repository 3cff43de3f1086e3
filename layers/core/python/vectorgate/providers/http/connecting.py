"""New connections: at most CONNECT_SECONDS for each of a host's addresses."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Final

from vectorgate.providers.http.dns import addresses_of
from vectorgate.providers.http.outcome import ExchangeFailed, NotSent
from vectorgate.providers.http.tls import tls_context

if TYPE_CHECKING:
    from vectorgate.providers.http.http1 import Deadline
    from vectorgate.providers.http.target import Target

CONNECT_SECONDS: Final = 5.0  # as in openai's SDK


def connected(target: Target, deadline: Deadline) -> socket.socket:
    """A connection to the first of the host's addresses that answers, encrypted for https. ExchangeFailed."""
    try:
        raw = _socket(target, deadline)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if target.scheme != "https":
            return raw
        raw.settimeout(deadline.left())
        return tls_context(None).wrap_socket(raw, server_hostname=target.host)
    except OSError as error:
        raise ExchangeFailed(NotSent(timed_out=isinstance(error, TimeoutError))) from error


def _socket(target: Target, deadline: Deadline) -> socket.socket:
    failure = OSError("no address")
    for address in addresses_of(target.host, target.port, deadline.left()):
        seconds = min(CONNECT_SECONDS, deadline.left())
        try:
            return socket.create_connection((address, target.port), seconds)
        except OSError as error:
            failure = error
    raise failure

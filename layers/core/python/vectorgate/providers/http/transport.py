"""The only egress: one request over a kept connection, within one total time.

A provider's request as bytes, and its result as an `Outcome`. An answer has neither the `location` of a redirect nor
`set-cookie`; nothing of the environment or of an earlier answer has a part in a request; no URL goes to a log.
"""

from __future__ import annotations

import os
import re
import threading
from itertools import chain
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import EVENT_STREAM, Body, FileUpload
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.connecting import connected
from vectorgate.providers.http.http1 import Connection, Deadline
from vectorgate.providers.http.outcome import ExchangeFailed, NoRoom, NotSent, Outcome, Replied, ResponseLost, TooLarge
from vectorgate.providers.http.target import CannotSend, target_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from vectorgate.clock import Clock
    from vectorgate.providers.base import UpstreamRequest
    from vectorgate.providers.http.http1 import Head
    from vectorgate.providers.http.multipart import Form
    from vectorgate.providers.http.target import Target

MAX_CONNECTIONS: Final = 100
IDLE_SECONDS: Final = 4.0  # below the 5 s after which common servers close an idle connection: a reused one is alive
IN_MEMORY: Final = 1024 * 1024  # an answer beyond this goes to a temporary file
MAX_DOCUMENT: Final = 32 * 1024 * 1024  # of whatever is parsed: a page of 50 search results is a few hundred KB
MAX_CONTENT: Final = 600 * 1024 * 1024  # a 512 MB file, and what surrounds it


_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_VALUE: Final = re.compile("[\t\x20-\x7e\x80-\xff]*")


class PooledTransport:
    """Sends over kept-alive connections. Safe to use from many threads, after `close`, and after a fork.

    `most_content`: how many bytes of a file's content the deployment can return; more is not read. `entropy(n)`:
    n random bytes, for a form's boundary. `most_connections`: how many exchanges there may be at once; others wait.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        most_content: int = MAX_CONTENT,
        entropy: Callable[[int], bytes] = os.urandom,
        most_connections: int = MAX_CONNECTIONS,
    ) -> None:
        self._clock = clock
        self._most_content = most_content
        self._entropy = entropy
        self._most_connections = most_connections
        self._pools: dict[int, Pool] = {}

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """See `outcome.Transport`: what cannot have reached the provider is NotSent, all other failure ResponseLost."""
        if seconds <= 0:
            return NotSent(timed_out=True)
        try:
            exchange = self._begun(request, seconds)
            if request.stream and _is_success(exchange.head) and _is_event_stream(exchange.head):
                return Replied(_streamed(exchange))
            try:
                return self._received(exchange, request)
            finally:
                exchange.close()
        except CannotSend:
            return NotSent(timed_out=False)
        except ExchangeFailed as failure:
            return failure.outcome

    def close(self) -> None:
        """Close the connections of this process; a later request opens new ones."""
        pool = self._pools.pop(os.getpid(), None)
        if pool is not None:
            pool.close()

    def _begun(self, request: UpstreamRequest, seconds: float) -> Exchange:
        target = target_of(request.url)
        head, content = self._encoded(request, target)
        return self._pool().begin(target, head, content, seconds)

    def _pool(self) -> Pool:
        key = os.getpid()  # a connection that a child shares with its parent would mix up their answers
        if key not in self._pools:
            pool = Pool(self._clock.monotonic, self._most_connections)
            self._pools.setdefault(key, pool)  # two threads may both have made one: the first stays
        return self._pools[key]

    def _encoded(self, request: UpstreamRequest, target: Target) -> tuple[bytes, bytes | Form]:
        headers = {"host": target.authority, **request.headers, "accept-encoding": "identity"}
        content: bytes | Form
        if isinstance(request.content, FileUpload):
            from vectorgate.providers.http.multipart import Form  # noqa: PLC0415 - of uploads alone

            boundary = self._entropy(16).hex()  # not to be foreseen by the file's writer
            headers["content-type"] = f"multipart/form-data; boundary={boundary}"
            content = Form(request.content, boundary)
        else:
            content = request.content or b""
        if request.content is not None or request.method not in {"GET", "DELETE"}:
            headers["content-length"] = str(len(content))
        return _head(request.method, target, headers), content

    def _received(self, exchange: Exchange, request: UpstreamRequest) -> Outcome:
        """The whole answer. That to a request for a file's content may be as large as a file."""
        content = request.binary and _is_success(exchange.head)
        headers, coding = readable(exchange.head)
        most = self._most_content if content else MAX_DOCUMENT
        try:
            body = _spooled(_limited(_decoded(exchange, coding), int(headers.get("content-length", 0)), most))
        except _TooLong:
            return TooLarge() if content else ResponseLost(timed_out=False)
        except NoRoom:
            return ResponseLost(timed_out=False)
        return Replied(UpstreamResponse(status=exchange.head.status, headers=headers, body=body))


def _head(method: str, target: Target, headers: Mapping[str, str]) -> bytes:
    """A request's head. CannotSend for a header that could become two."""
    if not all(map(_NAME.fullmatch, (method, *headers))) or not all(map(_VALUE.fullmatch, headers.values())):
        raise CannotSend
    lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
    return f"{method} {target.path} HTTP/1.1\r\n{''.join(lines)}\r\n".encode("latin-1")


def readable(head: Head) -> tuple[dict[str, str], str]:
    """The headers that a caller may see, and the content's coding, which it may not: "" for none."""
    codings = [value for name, value in head.headers if name == "content-encoding"]
    dropped = {"set-cookie", *({"content-encoding", "content-length"} if codings else ())}
    if 300 <= head.status < 400:  # noqa: PLR2004 - the class of redirects
        dropped.add("location")
    coding = ", ".join(codings).strip().lower()
    return {name: value for name, value in head.headers if name not in dropped}, "" if coding == "identity" else coding


def _decoded(exchange: Exchange, coding: str) -> Iterator[bytes]:
    if not coding:
        return exchange.content()
    from vectorgate.providers.http.coding import decoded  # noqa: PLC0415 - of answers that are coded unasked

    return decoded(coding, exchange.content())


def _limited(pieces: Iterator[bytes], announced: int, most: int) -> Iterator[bytes]:
    """The same pieces. _TooLong for more bytes than `most`."""
    if announced > most:
        raise _TooLong
    for piece in pieces:
        most -= len(piece)
        if most < 0:
            raise _TooLong
        yield piece


def _is_success(head: Head) -> bool:
    return 200 <= head.status < 300  # noqa: PLR2004 - the class of successes


def _is_event_stream(head: Head) -> bool:
    return any(name == "content-type" and value.lower().startswith(EVENT_STREAM) for name, value in head.headers)


def _streamed(exchange: Exchange) -> UpstreamResponse:
    """The head of an answer whose content is read while it arrives."""
    from vectorgate.providers.http.streaming import ReceivedStream  # noqa: PLC0415 - of streams alone

    headers, coding = readable(exchange.head)
    stream = ReceivedStream(exchange, _decoded(exchange, coding))
    return UpstreamResponse(status=exchange.head.status, headers=headers, events=stream)


class _TooLong(Exception):
    """More content than may be read."""


def _spooled(chunks: Iterator[bytes]) -> Body:
    """The answer in memory, or from IN_MEMORY on in a file, which the answer's reader closes. NoRoom for it there."""
    start, size = [], 0
    for chunk in chunks:
        start.append(chunk)
        size += len(chunk)
        if size > IN_MEMORY:
            from vectorgate.providers.http.spooling import on_disk  # noqa: PLC0415 - of large answers alone

            return on_disk(chain(start, chunks))
    return Body.of(b"".join(start))  # of one chunk, as most answers are, the chunk itself


class Pool:
    """The kept connections of one process. `most`: how many exchanges there may be at once; others wait."""

    def __init__(self, monotonic: Callable[[], float], most: int) -> None:
        self._monotonic = monotonic
        self._places = threading.BoundedSemaphore(most)
        self._idle: dict[str, list[Connection]] = {}
        self._lock = threading.Lock()

    def begin(self, target: Target, head: bytes, content: bytes | Form, seconds: float) -> Exchange:
        """Send a request, and read its answer's head. ExchangeFailed. `seconds`: for the whole exchange."""
        deadline = Deadline(self._monotonic, seconds)
        if not self._places.acquire(timeout=seconds):
            raise ExchangeFailed(NotSent(timed_out=True))
        connection: Connection | None = None
        try:
            connection = self._kept(target) or Connection(connected(target, deadline))
            answer = connection.request(head, content, deadline)
        except BaseException:
            if connection is not None:
                connection.close()
            self._places.release()
            raise
        return Exchange(connection, answer, lambda whole: self._end(target, connection, reusable=whole))

    def close(self) -> None:
        """Close the connections that are idle; a later request opens new ones."""
        with self._lock:
            idle, self._idle = self._idle, {}
        for connection in (each for kept in idle.values() for each in kept):
            connection.close()

    def _kept(self, target: Target) -> Connection | None:
        """The connection that was used last and is alive."""
        while True:
            with self._lock:
                kept = self._idle.get(target.origin)
                connection = kept.pop() if kept else None
            if connection is None:
                return None
            if self._monotonic() < connection.idle_until and not connection.has_news():
                return connection
            connection.close()

    def _end(self, target: Target, connection: Connection, *, reusable: bool) -> None:
        if reusable and not connection.has_surplus():
            self._keep(target, connection)
        else:
            connection.close()
        self._places.release()

    def _keep(self, target: Target, connection: Connection) -> None:
        """Keep a connection, and close the one that has been idle longest if it is too old to be used."""
        now = self._monotonic()
        connection.idle_until = now + IDLE_SECONDS
        with self._lock:
            kept = self._idle.setdefault(target.origin, [])
            oldest = kept.pop(0) if kept and kept[0].idle_until <= now else None
            kept.append(connection)
        if oldest is not None:
            oldest.close()


class Exchange:
    """An answer on its way. `close` frees its connection: for the next exchange, if its content was read to its end."""

    def __init__(self, connection: Connection, head: Head, end: Callable[[bool], None]) -> None:
        self.head = head
        self._connection = connection
        self._end = end
        self._whole = self._closed = False

    def content(self) -> Iterator[bytes]:
        """The content as it arrives, as it is coded. ExchangeFailed."""
        yield from self._connection.content(self.head)
        self._whole = True

    def shut_down(self) -> None:
        """End the exchange for the thread that reads it, which then closes it."""
        self._connection.shut_down()

    def close(self) -> None:
        """Close it, once."""
        if not self._closed:
            self._closed = True
            self._end(self._whole and self.head.kept)

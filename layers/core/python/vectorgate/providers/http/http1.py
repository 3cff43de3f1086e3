"""One connection that speaks HTTP/1.1 (RFC 9112), and an exchange over it, which ends by a point in time.

- A head goes out with its body, in pieces that each get what is left of the time. An answer may come before the
  request's end, so that a write that fails is followed by a read.
- Content has a length, comes in chunks, or goes on to the connection's end. Where two readers could see two different
  answers, there is none: Malformed.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Final

from vectorgate.providers.http.outcome import lost

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from vectorgate.providers.http.multipart import Form

WRITE_PIECE: Final = 16 * 1024  # a TLS record; below what a fresh connection takes at once
READ_PIECE: Final = 64 * 1024
MOST_HEAD: Final = 100 * 1024  # bytes of a head, of the trailers, and of a chunk's line
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([1-9]\d\d)(?: [^\x00\r\n]*)?")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\x00\r\n]*?)[ \t]*")
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_CHUNK_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00\r\n]*)?\r?\n")
_DIGITS: Final = re.compile(r"\d{1,18}", re.ASCII)
_INTERIM: Final = range(100, 200)
_SWITCHED: Final = 101
_BARE: Final = frozenset({204, 304})  # answers without content


class Malformed(Exception):
    """What arrived is no answer of HTTP/1.1, or ends before it does."""


@dataclass(frozen=True, slots=True)
class Head:
    """What stands before the content: names in lower case, values as latin-1.

    `length`: bytes of the content; None: it is `chunked`, or goes on to the connection's end. `kept`: the connection
    may be used again.
    """

    status: int
    headers: tuple[tuple[str, str], ...]
    length: int | None
    chunked: bool
    kept: bool


class Deadline:
    """A point in time, so many seconds from now."""

    def __init__(self, monotonic: Callable[[], float], seconds: float) -> None:
        self._monotonic = monotonic
        self._at = monotonic() + seconds

    def left(self) -> float:
        """The seconds until then. TimeoutError when there are none."""
        left = self._at - self._monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class Connection:
    """One connection, for one exchange at a time. `idle_until`: when it is too old to be used again."""

    def __init__(self, raw: socket.socket) -> None:
        self._raw = raw
        self._deadline: Deadline | None = None
        self._incoming = Incoming(self._read)
        self.idle_until = 0.0

    def request(self, head: bytes, content: bytes | Form, deadline: Deadline) -> Head:
        """Send a request, and read its answer's head. ExchangeFailed."""
        self._deadline = deadline
        try:
            whole = self._send(head, content)
            answer = self._incoming.head()
        except (OSError, Malformed) as error:
            raise lost(error) from error
        return answer if whole else replace(answer, kept=False)

    def content(self, head: Head) -> Iterator[bytes]:
        """The answer's content as it arrives. ExchangeFailed."""
        try:
            yield from self._incoming.content(head)
        except (OSError, Malformed) as error:
            raise lost(error) from error

    def has_surplus(self) -> bool:
        """Whether more has been read than the answer."""
        return self._incoming.has_more or (isinstance(self._raw, ssl.SSLSocket) and self._raw.pending() > 0)

    def has_news(self) -> bool:
        """Whether something has arrived, or the other side has closed it."""
        poll = select.poll()
        poll.register(self._raw, select.POLLIN)
        return bool(poll.poll(0))

    def shut_down(self) -> None:
        """End it for a thread that waits for it, which closing does not wake."""
        with suppress(OSError):
            self._raw.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        self._raw.close()

    def _send(self, head: bytes, content: bytes | Form) -> bool:
        """Send all; False if the other side does not take it. TimeoutError."""
        try:
            for piece in _pieces(head, content):
                self._write(piece)
        except TimeoutError:
            raise
        except OSError:
            return False
        return True

    def _write(self, content: bytes) -> None:
        """In pieces, for a slow reader is granted each piece's time as a whole."""
        for start in range(0, len(content), WRITE_PIECE):
            self._wait()
            self._raw.sendall(content[start : start + WRITE_PIECE])

    def _read(self) -> bytes:
        self._wait()
        return self._raw.recv(READ_PIECE)

    def _wait(self) -> None:
        """Give the next wait what is left of the time. TimeoutError."""
        if self._deadline is not None:
            self._raw.settimeout(self._deadline.left())


class Incoming:
    """The answers that arrive on a connection, one after another. `read` returns what has arrived, b"" at its end."""

    def __init__(self, read: Callable[[], bytes]) -> None:
        self._read = read
        self._held = b""

    @property
    def has_more(self) -> bool:
        """Whether more was read than the answer so far."""
        return bool(self._held)

    def head(self) -> Head:
        """The next answer's head; interim ones are left out. Malformed."""
        while True:
            head = read_head(self._until_blank_line())
            if head.status not in _INTERIM:
                return head
            if head.status == _SWITCHED:
                raise Malformed("another protocol, for which nothing asked")

    def content(self, head: Head) -> Iterator[bytes]:
        """That answer's content as it arrives. Malformed."""
        if head.chunked:
            yield from self._chunks()
        elif head.length is not None:
            yield from self._exactly(head.length)
        else:
            while piece := self._next():
                yield piece

    def _until_blank_line(self) -> bytes:
        while (end := _HEAD_END.search(self._held)) is None:
            self._read_more()
        head, self._held = self._held[: end.start()], self._held[end.end() :]
        return head

    def _read_more(self) -> None:
        piece = self._read()
        self._held += piece
        if not piece or len(self._held) > MOST_HEAD:
            raise Malformed("a head without an end")

    def _next(self) -> bytes:
        held, self._held = self._held, b""
        return held or self._read()

    def _exactly(self, length: int) -> Iterator[bytes]:
        while length:
            piece = self._next()
            if not piece:
                raise Malformed("content without its end")
            self._held = piece[length:]
            piece = piece[:length]
            length -= len(piece)
            yield piece

    def _chunks(self) -> Iterator[bytes]:
        while size := self._chunk_size():
            yield from self._exactly(size)
            if self._line() not in {b"\r\n", b"\n"}:
                raise Malformed("a chunk that is longer than it says")
        while self._line() not in {b"\r\n", b"\n"}:  # trailers
            pass

    def _chunk_size(self) -> int:
        line = _CHUNK_LINE.fullmatch(self._line())
        if line is None:
            raise Malformed("a chunk without its length")
        return int(line[1], 16)

    def _line(self) -> bytes:
        while (end := self._held.find(b"\n") + 1) == 0:
            self._read_more()
        line, self._held = self._held[:end], self._held[end:]
        return line


def _pieces(head: bytes, content: bytes | Form) -> Iterable[bytes]:
    """A request's pieces: a head goes with content that is small."""
    if isinstance(content, bytes):
        return (head + content,) if len(content) < WRITE_PIECE else (head, content)
    return chain((head,), content)


def read_head(text: bytes) -> Head:
    """A head, without the empty line behind it. Malformed."""
    first, *lines = text.split(b"\n")
    status_line = _STATUS_LINE.fullmatch(first.removesuffix(b"\r"))
    if status_line is None:
        raise Malformed("no status line")
    headers = tuple(_field(line) for line in lines)
    status = int(status_line[2])
    length, chunked = _framing(status, headers)
    tokens = _all(headers, "connection").lower()
    kept = "close" not in tokens and (status_line[1] == b"1" or "keep-alive" in tokens)
    return Head(status, headers, length, chunked, kept=kept and (chunked or length is not None))


def _field(line: bytes) -> tuple[str, str]:
    field = _FIELD.fullmatch(line.removesuffix(b"\r"))
    if field is None:
        raise Malformed("no header")
    return field[1].decode("ascii").lower(), field[2].decode("latin-1")


def _framing(status: int, headers: tuple[tuple[str, str], ...]) -> tuple[int | None, bool]:
    """The content's length, if it has one, and whether it comes in chunks."""
    if status in _INTERIM or status in _BARE:
        return 0, False
    coding = _all(headers, "transfer-encoding").strip().lower()
    lengths = {each.strip() for name, value in headers if name == "content-length" for each in value.split(",")}
    if coding:
        if coding != "chunked" or lengths:
            raise Malformed("a transfer coding that is unknown, or has a length beside it")
        return None, True
    if len(lengths) > 1 or not all(_DIGITS.fullmatch(each) for each in lengths):
        raise Malformed("no one length")
    return (int(lengths.pop()), False) if lengths else (None, False)


def _all(headers: tuple[tuple[str, str], ...], wanted: str) -> str:
    return ", ".join([value for name, value in headers if name == wanted])

"""The access log: a line for each request that was answered, or whose client disconnected before.

::

    2026-11-22T10:11:12.345Z 127.0.0.1 POST /v1/vector_stores 200 312 11.9ms 019a...

Time, client, method, path, status, bytes of the answer's body, duration, `x-request-id`. A part that is not known is
`-`; `cut` at the end: the answer did not reach the client as a whole. Queries, headers and bodies are never in it, and
a virtual key in a path (LiteLLM: `/key/{key}/regenerate`) is `sk-...`. A thread writes the lines: neither a slow disk
nor a pipe that is not read holds up a request.
"""

from __future__ import annotations

import logging
import queue
import re
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from typing import TYPE_CHECKING, Final, TextIO

from local.mistakes import CannotStart, one_line
from local.server.app import no_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.server.exchange import Exchange
    from vectorgate.clock import Clock

STANDARD_OUTPUT: Final = frozenset({"1", "-"})
MOST_WAITING: Final = 10_000  # lines; more are dropped, and counted
MOST_PATH: Final = 500  # characters
CLOSE_SECONDS: Final = 5.0
_MILLISECONDS: Final = 1_000
_KEY: Final = re.compile(r"(?<=/)sk(?:-|%2D)[^/]+", re.IGNORECASE)


class AccessLog:
    """Writes a line for each exchange to standard output (`1` or `-`), or appends it to a file, which may be rotated.

    CannotStart for a file that cannot be opened.
    """

    def __init__(self, destination: str, clock: Clock) -> None:
        self._handler = _handler(destination)
        self._clock = clock
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_WAITING)
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def __call__(self, exchange: Exchange) -> None:
        """Log one exchange. Returns at once."""
        try:
            self._lines.put_nowait(line_of(exchange, self._clock.wall()))
        except queue.Full:
            self._dropped += 1

    def close(self) -> None:
        """Write what is waiting, and end."""
        self._lines.put(None)
        self._thread.join(CLOSE_SECONDS)
        self._handler.close()

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            dropped, self._dropped = self._dropped, 0
            if dropped:
                line = f"{dropped} requests are not in this log: it could not be written fast enough\n{line}"
            try:
                self._handler.emit(logging.makeLogRecord({"msg": line}))
            except OSError:  # such as the file's folder, which was removed
                self._dropped += 1


@contextmanager
def opened(destination: str | None, clock: Clock) -> Iterator[Callable[[Exchange], None]]:
    """The function that logs an exchange: to the destination, or nowhere. CannotStart as `AccessLog`."""
    if destination is None:
        yield no_log
        return
    log = AccessLog(destination, clock)
    try:
        yield log
    finally:
        log.close()


def line_of(exchange: Exchange, unix_s: float) -> str:
    """The line of an exchange that ended at that time."""
    head = exchange.head
    time = datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    who = f"{head.client or '-'} {head.method} {_printable(head.raw_path)}" if head is not None else "- - -"
    status = exchange.status if exchange.status is not None else "-"
    duration = f"{exchange.seconds * _MILLISECONDS:.1f}ms"
    cut = "" if exchange.whole else " cut"
    return f"{time} {who} {status} {exchange.sent} {duration} {exchange.request_id or '-'}{cut}"


def _printable(path: str) -> str:
    shown = _KEY.sub("sk-...", path)[:MOST_PATH]
    return "".join(each if each.isprintable() and each != " " else "?" for each in shown)


def _handler(destination: str) -> logging.Handler:
    if destination in STANDARD_OUTPUT:
        return _StandardOutput(sys.stdout)
    try:
        return _File(destination, encoding="utf-8")
    except OSError as error:
        raise CannotStart(f"VECTORGATE_ACCESS_LOG cannot be used: {one_line(error)}") from None


class _StandardOutput(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: there may be no place left to say it."""


class _File(WatchedFileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: the disk is full, or worse."""

"""Telemetry of local mode: each failure is a line on standard error. Requests are in the ledger.

What fails at every attempt, such as a thread's work on a full disk, is a line a minute.
"""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.ledger.entry import LedgerEntry

REPEAT_SECONDS: Final = 60.0
MOST_REMEMBERED: Final = 1_000  # lines

_log = logging.getLogger("vectorgate")


class LineTelemetry:
    """Kinds and places of failures, without the messages of exceptions, which may hold anything.

    `monotonic`: the seconds since an arbitrary moment.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._written: dict[str, float] = {}

    def invoked(self, function_request_id: str | None, api_request_id: str | None = None) -> None:
        """Nothing: no AWS gives ids."""

    def request_completed(self, entry: LedgerEntry) -> None:
        """Nothing: `/spend/logs` has it."""

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        """A row could not be advanced."""
        self._write(f"unrecorded {entry.operation} {entry.id}: {type(error).__name__}")

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Settling failed, and will be tried again."""
        self._write(f"unsettled{_named(entry)}: {type(error).__name__}")

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Background work failed, and will be done again."""
        self._write(f"{metric}{_named(entry)}: {type(error).__name__}")

    def uningested(self, error: Exception) -> None:
        """A scan of the watched folder failed, and will be repeated."""
        self._write(f"ingestion: {type(error).__name__}")

    def unexpected_error(self, error: BaseException) -> None:
        """A defect."""
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        self._write(f"crashed: {type(error).__name__} at {' < '.join(reversed(frames))}")

    def count(self, name: str, value: int = 1) -> None:
        """Nothing: local mode has no metrics."""

    def flush(self) -> None:
        """Nothing."""

    def _write(self, line: str) -> None:
        now = self._monotonic()
        if now - self._written.get(line, -REPEAT_SECONDS) < REPEAT_SECONDS:
            return
        if len(self._written) >= MOST_REMEMBERED:
            self._written.clear()
        self._written[line] = now
        _log.error("%s", line)


def _named(entry: LedgerEntry | None) -> str:
    return f" {entry.operation} {entry.id}" if entry is not None else ""

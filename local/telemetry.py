"""Telemetry of local mode: each failure is a line on standard error. Requests are in the ledger."""

from __future__ import annotations

import logging
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry

_log = logging.getLogger("vectorgate")


class LineTelemetry:
    """Kinds and places of failures, without the messages of exceptions, which may hold anything."""

    def request_completed(self, entry: LedgerEntry) -> None:
        """Nothing: `/spend/logs` has it."""

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        """A row could not be advanced."""
        _log.error("unrecorded %s %s: %s", entry.operation, entry.id, type(error).__name__)

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Settling failed, and will be tried again."""
        _log.error("unsettled%s: %s", _named(entry), type(error).__name__)

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Background work failed, and will be done again."""
        _log.error("%s%s: %s", metric, _named(entry), type(error).__name__)

    def uningested(self, error: Exception) -> None:
        """A scan of the watched folder failed, and will be repeated."""
        _log.error("ingestion: %s", type(error).__name__)

    def unexpected_error(self, error: BaseException) -> None:
        """A defect."""
        frames = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
        _log.error("crashed: %s at %s", type(error).__name__, " < ".join(reversed(frames)))

    def count(self, name: str, value: int = 1) -> None:
        """Nothing: local mode has no metrics."""

    def flush(self) -> None:
        """Nothing."""


def _named(entry: LedgerEntry | None) -> str:
    return f" {entry.operation} {entry.id}" if entry is not None else ""

"""Telemetry that a test can look at."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry


@dataclass
class RecordingTelemetry:
    """Keeps the entries of requests, the errors that were reported, the ids of the entries they name, and counts."""

    requests: list[LedgerEntry] = field(default_factory=list)
    errors: list[BaseException] = field(default_factory=list)
    failed_ids: list[OperationId] = field(default_factory=list)
    invocations: list[tuple[str | None, str | None]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def request_completed(self, entry: LedgerEntry) -> None:
        self.requests.append(entry)

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        del entry
        self.errors.append(error)

    def invoked(self, function_request_id: str | None, api_request_id: str | None = None) -> None:
        """Note the ids."""
        self.invocations.append((function_request_id, api_request_id))

    def unexpected_error(self, error: BaseException) -> None:
        self.errors.append(error)

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        self.task_failed("SettleFailures", error, entry)

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        del metric
        self.errors.append(error)
        self.failed_ids += [entry.id] if entry is not None else []

    def count(self, name: str, value: int = 1) -> None:
        self.counts[name] += value

    def flush(self) -> None:
        """Do nothing: there is no buffer."""


@dataclass
class CrashTelemetry:
    """Keeps the errors of defects alone, for simulations in which every other failure is injected."""

    crashes: list[BaseException] = field(default_factory=list)

    def invoked(self, function_request_id: str | None, api_request_id: str | None = None) -> None:
        """Ignore an invocation."""
        del function_request_id, api_request_id

    def unexpected_error(self, error: BaseException) -> None:
        self.crashes.append(error)

    def request_completed(self, entry: LedgerEntry) -> None:
        """Ignore a request."""

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        """Ignore an injected fault."""

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Ignore an injected fault."""

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Ignore an injected fault."""

    def count(self, name: str, value: int = 1) -> None:
        """Ignore a count."""

    def flush(self) -> None:
        """Do nothing: there is no buffer."""

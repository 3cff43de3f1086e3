"""What the gateway says of itself: one log line and a few metrics a request, each field chosen by name.

A log record is made of the fields that are listed here and of nothing else, so that no header, body or message of an
exception can carry a secret into it.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.errors import ApiError

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger, Metrics

    from vectorgate.ledger.entry import LedgerEntry

LOGGED: Final = (
    "id",
    "operation",
    "state",
    "key_id",
    "tenant",
    "provider",
    "vector_store_id",
    "file_id",
    "batch_id",
    "upload_id",
    "part_id",
    "status_code",
    "error_code",
    "upstream_request_id",
    "upstream_us",
    "overhead_us",
)
NAMESPACE: Final = "vectorgate"


class Telemetry(Protocol):
    """Where the gateway reports to."""

    def request(self, entry: LedgerEntry) -> None:
        """A request was answered."""
        ...

    def unrecorded(self, entry: LedgerEntry, error: Exception) -> None:
        """A row could not be advanced: the meter will have to find out."""
        ...

    def crashed(self, error: BaseException) -> None:
        """A defect: an exception that no rule foresees."""
        ...

    def unsettled(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """A row could not be booked; without one, a batch could not as a whole, and is tried row by row."""
        ...

    def failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Work that nobody waits for failed, on one row or as a whole. It is done again; counted as `metric`."""
        ...

    def count(self, name: str, value: int = 1) -> None:
        """Something countable happened."""
        ...

    def flush(self) -> None:
        """Hand on what was counted: the invocation ends."""
        ...


class PowertoolsTelemetry:
    """JSON lines and embedded metrics on standard output, as CloudWatch reads them."""

    def __init__(self, logger: Logger, metrics: Metrics) -> None:
        self._logger = logger
        self._metrics = metrics
        self._counted = False

    def request(self, entry: LedgerEntry) -> None:
        """One line, with what it took, and a count; failures are counted beside."""
        self._logger.info("request", extra={"call": _facts(entry)})
        self.count("Requests")
        if entry.status_code is not None and entry.status_code >= 500:  # noqa: PLR2004 - the class of failures
            self.count("Failures")

    def unrecorded(self, entry: LedgerEntry, error: Exception) -> None:
        """An error line that names the row and the kind of failure."""
        self._logger.error("unrecorded", extra={"call": _facts(entry), "failure": type(error).__name__})
        self.count("Unrecorded")

    def crashed(self, error: BaseException) -> None:
        """Type and place of the defect. Not its message: that may hold anything."""
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        self._logger.error("crashed", extra={"failure": type(error).__name__, "frames": frames})
        self.count("Crashes")

    def unsettled(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """A warning that names the row and the kind of failure."""
        self._warn("unsettled", error, entry)
        self.count("SettleFailures")

    def failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """A warning that names the row and the kind of failure."""
        self._warn("failed", error, entry)
        self.count(metric)

    def _warn(self, what: str, error: Exception, entry: LedgerEntry | None) -> None:
        code = {"error_code": error.code} if isinstance(error, ApiError) else {}  # a word of ours; never a message
        self._logger.warning(what, extra={"call": _facts(entry), "failure": type(error).__name__, **code})

    def flush(self) -> None:
        """One line of embedded metrics, if anything was counted."""
        if self._counted:  # Powertools warns of an empty flush, into the log
            self._metrics.flush_metrics()
            self._counted = False

    def count(self, name: str, value: int = 1) -> None:
        """A metric of the namespace, flushed with the invocation."""
        from aws_lambda_powertools.metrics import MetricUnit  # noqa: PLC0415 - loaded with Metrics already

        self._counted = True
        self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _facts(entry: LedgerEntry | None) -> dict[str, object]:
    record = entry.to_record() if entry is not None else {}
    return {name: record[name] for name in LOGGED if name in record}

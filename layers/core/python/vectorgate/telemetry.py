"""Logs and metrics: one log line for each request, and a metric for what failed.

A log record holds only the fields that are listed here, so that no header, body or message of an exception can carry a
secret into it.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Final, Protocol, Self
from zlib import crc32

from vectorgate.api.errors import ApiError

if TYPE_CHECKING:
    from typing import TextIO

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
    """The port to logs and metrics."""

    def invoked(self, function_request_id: str | None, api_request_id: str | None = None) -> None:
        """An invocation begins. Its ids, Lambda's and API Gateway's, are in its log lines."""
        ...

    def request_completed(self, entry: LedgerEntry) -> None:
        """Report an answered request."""
        ...

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        """Report a row that could not be advanced to its outcome: reconciliation has to resolve it."""
        ...

    def unexpected_error(self, error: BaseException) -> None:
        """Report a defect: an exception that no code handles."""
        ...

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Report a row that could not be settled; without one, a batch, whose rows are then settled one by one."""
        ...

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Report a failed background task, or a failure on one of its rows, and count it as `metric`. It is retried."""
        ...

    def count(self, name: str, value: int = 1) -> None:
        """Add to a counter."""
        ...

    def flush(self) -> None:
        """Write the counters out, at the end of an invocation."""
        ...


class PowertoolsTelemetry:
    """JSON lines and embedded metrics on standard output, as CloudWatch reads them.

    `successes_percent`: of the calls that succeeded, so many have a line. Their ids decide which.
    """

    def __init__(self, logger: Logger, metrics: Metrics, *, successes_percent: int = 100) -> None:
        self._logger = logger
        self._metrics = metrics
        self._successes_percent = successes_percent
        self._counted = False
        self._cold = True

    @classmethod
    def of(cls, service: str, *, successes_percent: int = 100, stream: TextIO | None = None) -> Self:
        """The telemetry of a stack. Lines do not name their place in this module, which is the same for each."""
        from aws_lambda_powertools import Logger, Metrics  # noqa: PLC0415 - in a function of AWS alone

        logger = Logger(service=service, stream=stream, location=None)
        return cls(logger, Metrics(namespace=NAMESPACE, service=service), successes_percent=successes_percent)

    def invoked(self, function_request_id: str | None, api_request_id: str | None = None) -> None:
        """The ids are in each line until the next invocation; those of the first one say that it was a cold start."""
        self._logger.append_keys(
            function_request_id=function_request_id, api_request_id=api_request_id, cold_start=self._cold or None
        )
        self._cold = False

    def request_completed(self, entry: LedgerEntry) -> None:
        """One line with times, a warning if the call failed; answers of 500 and above are counted."""
        failed = not entry.succeeded or entry.error_code is not None  # a stream that broke had begun with 200
        if failed or crc32(entry.id.encode()) % 100 < self._successes_percent:
            log = self._logger.warning if failed else self._logger.info
            log("request", extra={"call": _logged_fields(entry)})
        if entry.status_code is not None and entry.status_code >= 500:  # noqa: PLR2004 - the class of failures
            self.count("Failures")

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        """An error line with the row and the type of the error."""
        self._logger.error("unrecorded", extra={"call": _logged_fields(entry), "failure": type(error).__name__})
        self.count("Unrecorded")

    def unexpected_error(self, error: BaseException) -> None:
        """An error line with the error's type and stack, without its message, which may hold anything."""
        frames = [
            f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        ]
        self._logger.error("crashed", extra={"failure": type(error).__name__, "frames": frames})
        self.count("Crashes")

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """A warning with the row and the type of the error."""
        self._warn("unsettled", error, entry)
        self.count("SettleFailures")

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """A warning with the row and the type of the error."""
        self._warn("failed", error, entry)
        self.count(metric)

    def _warn(self, message: str, error: Exception, entry: LedgerEntry | None) -> None:
        code = (
            {"error_code": error.code} if isinstance(error, ApiError) else {}
        )  # one of the gateway's own codes; never a message
        self._logger.warning(message, extra={"call": _logged_fields(entry), "failure": type(error).__name__, **code})

    def flush(self) -> None:
        """One line of embedded metrics, if anything was counted."""
        if self._counted:  # Powertools logs a warning for an empty flush
            self._metrics.flush_metrics()
            self._counted = False

    def count(self, name: str, value: int = 1) -> None:
        """Add to a metric of the namespace, flushed with the invocation."""
        from aws_lambda_powertools.metrics import MetricUnit  # noqa: PLC0415 - loaded with Metrics already

        self._counted = True
        self._metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def _logged_fields(entry: LedgerEntry | None) -> dict[str, object]:
    record = entry.to_record() if entry is not None else {}
    logged: dict[str, object] = {name: record[name] for name in LOGGED if name in record}
    if logged.get("tenant") == f"key:{logged.get('key_id')}":
        del logged["tenant"]  # a key without a team is its own tenant
    return logged

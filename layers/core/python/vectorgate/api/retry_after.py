"""Read from a response's headers when to retry. Pure; shared by the gateway and the SDK."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# Codes, which OpenAI repeats as types, of an error 429 that does not end by waiting.
QUOTA: Final = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
_HEADERS: Final = (("retry-after-ms", 1000.0), ("retry-after", 1.0))


def retry_after(headers: Mapping[str, str], unix_s: float) -> float | None:
    """Seconds to wait: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; at least 0.

    None without these headers, or when they are malformed. `unix_s` is the time now.
    """
    for name, divisor in _HEADERS:
        try:
            seconds = float(headers[name]) / divisor
        except (KeyError, ValueError):
            continue
        return seconds if 0 <= seconds < float("inf") else None
    return _until(headers["retry-after"], unix_s) if "retry-after" in headers else None


def http_date(text: str) -> float | None:
    """The Unix second of an HTTP date; None for a malformed one."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - ten modules for a rarely used format

    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _until(date: str, unix_s: float) -> float | None:
    moment = http_date(date)
    return max(0.0, moment - unix_s) if moment is not None else None

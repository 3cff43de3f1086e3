"""What an answer says about asking again, as the gateway hears it from a provider and the SDK from either. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

# The codes (OpenAI repeats them as types) of a 429 that no waiting cures.
QUOTA: Final = frozenset({"insufficient_quota", "credit_balance_exhausted", "billing_hard_limit_reached"})
_FORMS: Final = (("retry-after-ms", 1000.0), ("retry-after", 1.0))


def retry_after(headers: Mapping[str, str], unix_s: float) -> float | None:
    """Seconds to wait, as asked for: `retry-after-ms`, else `retry-after` in seconds or as an HTTP date; at least 0.

    None when nothing is asked for, or in a form that makes no sense.
    """
    for name, divisor in _FORMS:
        try:
            seconds = float(headers[name]) / divisor
        except (KeyError, ValueError):
            continue
        return seconds if 0 <= seconds < float("inf") else None
    return _until(headers["retry-after"], unix_s) if "retry-after" in headers else None


def _until(date: str, unix_s: float) -> float | None:
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - ten modules for a form that hardly anyone uses

    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - unix_s)
    except (ValueError, OverflowError):
        return None

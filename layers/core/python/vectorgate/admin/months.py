"""The months (`YYYY-MM`, UTC) before a moment: what is summed up where no dates are asked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.rollups import day_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_A_YEAR: Final = 12


def months_since(since: int, now: int) -> Iterator[str]:
    """From the month of `now` back to that of `since` (Unix seconds); none where that is later."""
    return _months(_number_of(since), _number_of(now))


def last_months(count: int, now: int) -> Iterator[str]:
    """The last `count` months, from that of `now` (Unix seconds) back."""
    last = _number_of(now)
    return _months(last - count + 1, last)


def days_of_last_months(count: int, now: int) -> tuple[str, str]:
    """The first day of the last `count` months, and that of `now` (Unix seconds)."""
    *_, first = last_months(count, now)
    return f"{first}-01", day_of(now * MILLISECONDS)


def _months(first: int, last: int) -> Iterator[str]:
    for number in range(last, first - 1, -1):
        yield f"{number // _A_YEAR:04d}-{number % _A_YEAR + 1:02d}"


def _number_of(unix_s: int) -> int:
    moment = datetime.fromtimestamp(unix_s, UTC)
    return moment.year * _A_YEAR + moment.month - 1

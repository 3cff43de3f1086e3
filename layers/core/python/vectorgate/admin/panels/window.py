"""The days that a chart shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.rollups import day_of
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 366


@dataclass(frozen=True, slots=True)
class Window:
    """UTC days (`YYYY-MM-DD`), the first one first, up to today."""

    days: tuple[str, ...]

    @property
    def first(self) -> str:
        """The first day."""
        return self.days[0]

    @property
    def last(self) -> str:
        """Today."""
        return self.days[-1]

    def series(self, by_day: Mapping[str, int]) -> list[int]:
        """A value for each day, 0 for a day without one."""
        return [by_day.get(day, 0) for day in self.days]


def window_of(request: Request, deps: AdminDeps) -> Window:
    """The last `days` (30). InvalidRequest."""
    refuse_unknown(request.query, {"days"})
    today = deps.clock.unix_s() // DAY_S
    count = number(request.query, "days", DEFAULT_DAYS, MAX_DAYS)
    return Window(tuple(_text(day) for day in range(today - count + 1, today + 1)))


def _text(day: int) -> str:
    return day_of(day * DAY_S * MILLISECONDS)


def largest(sums: Mapping[str, Mapping[str, int]], most: int) -> list[str]:
    """The names with the largest totals, the largest first, at most `most`; none without anything."""
    totals = {name: sum(by_day.values()) for name, by_day in sums.items()}
    return [name for name in sorted(totals, key=lambda each: (-totals[each], each)) if totals[name]][:most]


def added(sums: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """The sums by day."""
    found: dict[str, int] = {}
    for by_day in sums:
        for day, value in by_day.items():
            found[day] = found.get(day, 0) + value
    return found

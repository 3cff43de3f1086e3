"""Points in time as users write them: a day, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

import click

DAY_S: Final = 86_400
_AGO: Final = re.compile(r"([1-9][0-9]{0,4})(s|m|h|d|w)", re.ASCII)
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


class Moment(click.ParamType[str]):
    """`2026-11-22`, `2026-11-22T10:00`, or `7d` before now. As text: whether it is a whole day matters to reports."""

    name = "day, time or age"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text, unless it is none of the three forms."""
        if not _AGO.fullmatch(value):
            try:
                datetime.fromisoformat(value)
            except ValueError:
                self.fail(
                    f"{value!r} is no day (2026-11-22), time (2026-11-22T10:00) or age (30m, 12h, 7d)", param, ctx
                )
        return value


MOMENT: Final = Moment()


def since(text: str | None, now: float) -> str | None:
    """The moment in ISO 8601 and UTC; a day stays a day. `now`: Unix seconds."""
    if text is None or (ago := _AGO.fullmatch(text)) is None:
        return text
    return iso_of(now - int(ago[1]) * _SECONDS[ago[2]])


def whole_days(first: str | None, last: str | None, now: float) -> tuple[int, int]:
    """The Unix seconds at which the first UTC day begins and the last ends; without a last, today's. UsageError."""
    start = _unix(since(first, now), now) // DAY_S * DAY_S
    end = (_unix(since(last, now), now) // DAY_S + 1) * DAY_S
    if start >= end:
        raise click.UsageError("--since must be before --until.")
    return start, end


def day_of(text: str | None, now: float) -> str | None:
    """The UTC day of a moment; None for none."""
    return None if text is None else datetime.fromtimestamp(_unix(since(text, now), now), UTC).date().isoformat()


def _unix(text: str | None, now: float) -> int:
    return int(now if text is None else unix_s_of(text))


def unix_s_of(text: str) -> float:
    """The Unix seconds of a moment in ISO 8601, UTC by default."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()


def iso_of(unix_s: float) -> str:
    """The inverse of `unix_s_of`, to the millisecond, as the gateway's parameters take it."""
    return datetime.fromtimestamp(unix_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "")

"""One finding: what was looked at, whether it passed, and what to do if it did not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.client.cli.exits import NOT_AUTHORISED, Failure
from vectorgate.client.cli.output import Column

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.client.cli.output.columns import Row

SKEW_WARNED: Final = 5.0  # seconds
SKEW_FAILED: Final = 240.0  # AWS refuses signatures that are five minutes off
CHECKS: Final = (
    Column("check", "check"),
    Column("result", "result"),
    Column("found", "found"),
    Column("what to do", "advice"),
)


class Result(StrEnum):
    """What became of a check."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"  # it could not be looked at


@dataclass(frozen=True, slots=True)
class Check:
    """A finding."""

    name: str
    result: Result
    found: str
    advice: str | None = None

    @property
    def row(self) -> Row:
        """Its columns."""
        return {"check": self.name, "result": str(self.result), "found": self.found, "advice": self.advice}


def passed(name: str, found: str) -> Check:
    """The result of a check that found nothing."""
    return Check(name, Result.OK, found)


def warning(name: str, found: str, advice: str) -> Check:
    """The result of a check of what works, but should be changed."""
    return Check(name, Result.WARNING, found, advice)


def failed(name: str, found: str, advice: str) -> Check:
    """The result of a check of what does not work."""
    return Check(name, Result.FAILED, found, advice)


def looked_at(name: str, look: Callable[[], Check]) -> Check:
    """The finding; what cannot be read is skipped where rights lack, and has failed otherwise."""
    try:
        return look()
    except Failure as error:
        if error.code == NOT_AUTHORISED:
            return Check(name, Result.SKIPPED, str(error), "run it with credentials that may read this")
        return failed(name, str(error), "deploy the stack again: what it made is gone or cannot be read")


def clock_check(name: str, date: str | None, now: float) -> Check:
    """This machine's clock against the date of an answer. `now`: Unix seconds, when it arrived."""
    try:
        there = parsedate_to_datetime(date or "")
    except ValueError:
        return Check(name, Result.SKIPPED, "the answer has no date")
    skew = now - there.replace(tzinfo=there.tzinfo or UTC).timestamp()
    found = f"this machine is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}"
    if abs(skew) < SKEW_WARNED:
        return passed(name, f"within {SKEW_WARNED:.0f} s")
    advice = "synchronise this machine's clock (timedatectl set-ntp true), or the server's"
    return failed(name, found, advice) if abs(skew) >= SKEW_FAILED else warning(name, found, advice)

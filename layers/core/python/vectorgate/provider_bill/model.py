"""A provider's figures of a UTC day beside ours, and how much of them our records have. Pure.

A share is counted in millionths that are missing, rounded up, so that no share is shown as more than it is.
"""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.money import ZERO, NanoUSD

if TYPE_CHECKING:
    from collections.abc import Mapping

MILLION: Final = 1_000_000
MAX_DAYS: Final = 31  # of one comparison: a page of OpenAI's usage reports
MAX_MISSING: Final = 1_000  # millionths: a captured share of 0.999
_GIBIBYTE_HOURS: Final = "gibibyte_hours"
_TOKENS: Final = frozenset({"tokens", "1000_tokens"})


class Line(StrEnum):
    """What a line item of a bill is for."""

    STORAGE = "storage"
    FILE_SEARCH = "file_search"
    TOKENS = "tokens"
    OTHER = "other"  # of calls past the gateway, or of other products: it is shown, and not compared


COMPARED: Final = (Line.STORAGE, Line.FILE_SEARCH)  # the lines of vector stores alone: tokens have other uses, too


@dataclass(frozen=True, slots=True)
class Cost:
    """One line item of a provider's bill: its name, its unit if it has one, and nano-dollars."""

    item: str
    unit: str | None
    amount: NanoUSD

    @property
    def line(self) -> Line:
        """What it is for. OpenAI documents the units, and no name: names are recognised by their words."""
        name = self.item.lower()
        if self.unit == _GIBIBYTE_HOURS:
            return Line.STORAGE
        if self.unit in _TOKENS:
            return Line.TOKENS
        if "file search" in name or "vector store" in name or "file_search" in name:
            return Line.STORAGE if "storage" in name else Line.FILE_SEARCH
        return Line.OTHER


@dataclass(frozen=True, slots=True)
class ProviderDay:
    """What a provider reports of a day. `stored`: bytes, None while it reports none. `searches`: calls by store."""

    stored: int | None = None
    searches: Mapping[str, int] = field(default_factory=dict)
    costs: tuple[Cost, ...] = ()

    @property
    def is_reported(self) -> bool:
        """Whether the provider reports anything: its reports may be a day late."""
        return self.stored is not None or bool(self.searches) or bool(self.costs)

    def amount(self, line: Line) -> NanoUSD:
        """What the items of a line cost."""
        return NanoUSD(sum(cost.amount for cost in self.costs if cost.line is line))


@dataclass(frozen=True, slots=True)
class OurDay:
    """What our records have of a day. `byte_seconds` of all stores of the account; nano-dollars by line.

    `has_bytes`: False for a day of an early release, whose sums have the cost of storage alone.
    """

    byte_seconds: int = 0
    has_bytes: bool = True
    searches: int = 0
    amounts: Mapping[Line, NanoUSD] = field(default_factory=dict)

    def amount(self, line: Line) -> NanoUSD:
        """What the records of a line come to."""
        return self.amounts.get(line, ZERO)


@dataclass(frozen=True, slots=True)
class StoreUse:
    """What is recorded of a store in all days that are compared: calls of the tool `file_search`, and byte-seconds."""

    searches: int = 0
    byte_seconds: int = 0
    owned: bool = False


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the provider beside ours."""

    provider: int
    ours: int

    @property
    def difference(self) -> int:
        """What the provider has more than we."""
        return self.provider - self.ours

    @property
    def missing(self) -> int:
        """How much of the provider's figure our records lack, in millionths; 0 if they have as much, or more."""
        return -(-max(0, self.difference) * MILLION // self.provider) if self.provider > 0 else 0


class Status(StrEnum):
    """Whether a day can be compared."""

    COMPARED = "compared"
    NOT_REPORTED = "not_reported"  # the provider's reports are late
    NOT_CLOSED = "not_closed"  # our storage of the day is not charged yet
    NOT_KEPT = "not_kept"  # of an early release, which kept no bytes


@dataclass(frozen=True, slots=True)
class Day:
    """Both sides of a UTC day (`YYYY-MM-DD`)."""

    day: str
    provider: ProviderDay
    ours: OurDay
    closed: bool

    @property
    def status(self) -> Status:
        """Whether it can be compared."""
        if not self.closed:
            return Status.NOT_CLOSED
        if not self.ours.has_bytes:
            return Status.NOT_KEPT
        has_records = self.ours.byte_seconds or self.ours.searches
        return Status.NOT_REPORTED if has_records and not self.provider.is_reported else Status.COMPARED

    @property
    def stored(self) -> Compared:
        """Bytes, as the mean over the day."""
        return Compared(self.provider.stored or 0, self.ours.byte_seconds // DAY_S)

    @property
    def searches(self) -> Compared:
        """Calls of the tool `file_search`."""
        return Compared(sum(self.provider.searches.values()), self.ours.searches)

    def spend(self, line: Line) -> Compared:
        """Nano-dollars of a line."""
        return Compared(self.provider.amount(line), self.ours.amount(line))

    @property
    def missing(self) -> int:
        """The worst of bytes and the compared lines' dollars, in millionths; 0 for a day that is not compared."""
        if self.status is not Status.COMPARED:
            return 0
        return max(each.missing for each in (self.stored, *(self.spend(line) for line in COMPARED)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Days, the first one first, and what our records have of each store in them."""

    days: tuple[Day, ...]
    stores: Mapping[str, StoreUse]

    @property
    def missing(self) -> int:
        """The worst day, in millionths."""
        return max((day.missing for day in self.days), default=0)

    def total(self, figures: list[Compared]) -> Compared:
        """Their sums."""
        return Compared(sum(each.provider for each in figures), sum(each.ours for each in figures))

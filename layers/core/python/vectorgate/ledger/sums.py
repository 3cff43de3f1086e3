"""Queries of reports: which rollups are added up, and by what they are told apart. Pure."""

from __future__ import annotations

import re
from enum import StrEnum
from operator import add, itemgetter
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from vectorgate.classes import dataclass
from vectorgate.ledger.rollups import Bucket, Facts, Rollup, Scope, measures_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

# A rollup as adapters read it: scope id, day, provider, operation, facts, and the measures, in their order.
Line: TypeAlias = "tuple[str | int, ...]"


class Dimension(StrEnum):
    """What sums may be told apart by, in the order of a line's columns."""

    ID = "id"
    DAY = "day"
    PROVIDER = "provider"
    OPERATION = "operation"
    KEY = "key_id"
    TENANT = "tenant"
    USER = "user_id"
    MODEL = "model"


MAX_MONTHS: Final = 25  # of one query
_DAY_TEXT: Final = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])-\d{2}", re.ASCII)
DIMENSIONS: Final = tuple(Dimension)
_FIRST_FACT: Final = DIMENSIONS.index(Dimension.KEY)
_FIRST_MEASURE: Final = len(DIMENSIONS)
_PROVIDER: Final = DIMENSIONS.index(Dimension.PROVIDER)
_OPERATION: Final = DIMENSIONS.index(Dimension.OPERATION)
NO_CALLS: Final = frozenset({"storage", "correction"})  # operations of records that are no calls
_DAY: Final = DIMENSIONS.index(Dimension.DAY)


@dataclass(frozen=True, slots=True, kw_only=True)
class SumQuery:
    """The rollups of a scope from `first_day` to `last_day`, both included, with values that every filter allows.

    `by`: what their sums are told apart by; the other parts of a sum's bucket are empty. No filter: None.
    `kinds`: of operations, storage and corrections alone are told apart from all others, which have an empty text.
    Of tenants and end users only rows since the release that keeps facts are found; of all calls (KEY) those before
    it, too, without key, tenant, user and model.
    """

    first_day: str
    last_day: str
    scope: Scope = Scope.KEY
    by: frozenset[Dimension] = frozenset()
    ids: frozenset[str] | None = None
    keys: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    users: frozenset[str] | None = None
    models: frozenset[str] | None = None
    operations: frozenset[str] | None = None
    kinds: bool = False

    @property
    def needs_keys(self) -> bool:
        """Whether sums by tenant do not tell enough, because keys or their users count."""
        return bool(self.by & {Dimension.KEY, Dimension.USER, Dimension.ID}) or any(
            each is not None for each in (self.ids, self.keys, self.users)
        )


class Page(NamedTuple):
    """Some of a query's rollups, and how many there are."""

    rows: Sequence[Rollup]
    total: int


def months_of(query: SumQuery) -> list[str]:
    """The months (`YYYY-MM`) of the query, the first one first."""
    year, month = int(query.first_day[:4]), int(query.first_day[5:7])
    last, found = (int(query.last_day[:4]), int(query.last_day[5:7])), list[str]()
    while (year, month) <= last:  # as numbers: after the year 9999 comes one of five digits
        found.append(f"{year:04d}-{month:02d}")
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)  # noqa: PLR2004 - December
    return found


def check_sum_query(query: SumQuery) -> None:
    """ValueError unless the days are days, the first not behind the last, in at most MAX_MONTHS months."""
    if _DAY_TEXT.fullmatch(query.first_day) is None or _DAY_TEXT.fullmatch(query.last_day) is None:
        raise ValueError("not a day")
    if not query.first_day <= query.last_day or len(months_of(query)) > MAX_MONTHS:
        raise ValueError("not a range of days")


def line_of(rollup: Rollup) -> Line:
    """A rollup as a line."""
    bucket, facts = rollup.bucket, rollup.bucket.facts
    place = (bucket.scope_id, bucket.day, bucket.provider, bucket.operation)
    measures: tuple[int, ...] = measures_of(rollup)
    return (*place, *facts, *measures)


def rollup_of_line(scope: Scope, line: Line) -> Rollup:
    """The inverse of `line_of`."""
    bucket = Bucket._make((scope, *line[:_FIRST_FACT], Facts._make(line[_FIRST_FACT:_FIRST_MEASURE])))
    return Rollup._make((bucket, *line[_FIRST_MEASURE:], ()))


def matching(lines: Iterable[Line], query: SumQuery) -> Iterable[Line]:
    """The lines of the query's scope that its days and filters allow."""
    kept = lines
    for place, allowed in enumerate(_allowed(query)):
        if allowed is not None:
            kept = _only(kept, place, allowed)
    return kept


def within_days(lines: Iterable[Line], query: SumQuery) -> Iterator[Line]:
    """The lines of the query's days."""
    return (line for line in lines if query.first_day <= str(line[_DAY]) <= query.last_day)


def _allowed(query: SumQuery) -> tuple[Collection[str] | None, ...]:
    """The allowed values of each column."""
    return (
        *(query.ids, None, None, query.operations),
        *(query.keys, query.tenants, query.users, query.models),
    )


def _only(lines: Iterable[Line], place: int, allowed: Collection[str]) -> Iterator[Line]:
    return (line for line in lines if line[place] in allowed)


def added(lines: Iterable[Line], query: SumQuery) -> list[Rollup]:
    """The sums of the lines, told apart as the query says, ordered by bucket."""
    place_of = _place_of(query.by)
    if query.kinds:
        lines = map(of_kind, lines)
    sums: dict[tuple[str, ...], tuple[int, ...]] = {}
    for line in lines:
        place, measures = place_of(line), cast("tuple[int, ...]", line[_FIRST_MEASURE:])
        total = sums.get(place)
        sums[place] = measures if total is None else tuple(map(add, total, measures))
    # Places sort as buckets do, which take ten times as long to compare.
    whole = _whole_of(query.by)
    return [rollup_of_line(query.scope, (*whole((*place, "")), *total)) for place, total in sorted(sums.items())]


def _place_of(by: Collection[Dimension]) -> Callable[[Line], tuple[str, ...]]:
    places = [place for place, name in enumerate(DIMENSIONS) if name in by]
    if len(places) > 1:
        return itemgetter(*places)
    return (lambda line: (str(line[places[0]]),)) if places else (lambda _: ())


def _whole_of(by: Collection[Dimension]) -> Callable[[Sequence[str]], tuple[str, ...]]:
    """What makes a place, with an empty text behind it, one of all dimensions."""
    kept = [name for name in DIMENSIONS if name in by]
    return itemgetter(*(kept.index(name) if name in by else len(kept) for name in DIMENSIONS))


def of_kind(line: Line) -> Line:
    """A line whose operation is its kind, without provider."""
    operation = line[_OPERATION] if line[_OPERATION] in NO_CALLS else ""
    return (*line[:_PROVIDER], "", operation, *line[_OPERATION + 1 :])


def newest_first(rows: Iterable[Rollup]) -> list[Rollup]:
    """Rollups by day, the last day first, and of a day by bucket."""
    in_order = sorted(rows, key=line_of)
    return sorted(in_order, key=lambda rollup: rollup.bucket.day, reverse=True)

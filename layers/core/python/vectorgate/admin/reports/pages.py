"""The query of OpenAI's reports (`/v1/organization/...`): time buckets, filters and grouping; and their pages.

A bucket is a UTC day, hour or minute: those that the range touches are whole. Teams stand where OpenAI has projects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from vectorgate.admin.fields import invalid, label_forms
from vectorgate.admin.keys import key_id_in
from vectorgate.admin.reports.parameters import chosen, integer, refuse_unknown, values_of
from vectorgate.api.errors import InvalidRequest
from vectorgate.classes import dataclass
from vectorgate.ids import is_object_id, tenant_of_team
from vectorgate.ledger.rollups import NO_KEY, day_numbered
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Rollup


class Width(NamedTuple):
    """How long a bucket is, how many a page has by default, and at most."""

    seconds: int
    default: int
    most: int


USAGE: Final[Mapping[str, Width]] = {"1d": Width(DAY_S, 7, 31), "1h": Width(3_600, 24, 168), "1m": Width(60, 60, 1_440)}
COSTS: Final[Mapping[str, Width]] = {"1d": Width(DAY_S, 7, 180)}
_MAX_UNIX_S: Final = 253_402_214_399  # in the year 9999
_PAGE: Final = re.compile(r"page_([0-9]{1,9})", re.ASCII)
_SHARED: Final = ("start_time", "end_time", "bucket_width", "group_by", "limit", "page")
DIMENSIONS: Final[Mapping[str, Dimension]] = {
    "project_id": Dimension.TENANT,
    "user_id": Dimension.USER,
    "api_key_id": Dimension.KEY,
    "model": Dimension.MODEL,
}
FILTERS: Final = ("project_ids", "user_ids", "api_key_ids", "vector_store_ids", "models", "line_items")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketQuery:
    """The buckets of a page (numbers since 1970), how results are grouped, and the filters that are given."""

    seconds: int
    first: int
    end: int
    next: int | None
    groups: Sequence[str]
    filters: Mapping[str, frozenset[str]]

    def day_of(self, bucket: int) -> str:
        """The UTC day that a bucket is in."""
        return day_numbered(bucket * self.seconds // DAY_S)

    def name_of(self, bucket: int) -> str:
        """What sums have in place of a day: the day, or the bucket's number."""
        return day_numbered(bucket) if self.by_day else str(bucket)

    @property
    def by_day(self) -> bool:
        """Whether a bucket is a day."""
        return self.seconds == DAY_S

    def sums(self, *beside: Dimension, operations: frozenset[str] | None = None) -> SumQuery:
        """The query of the rollups, by day, by what the results are grouped by, and by what else is asked for."""
        grouped = [DIMENSIONS[name] for name in self.groups if name in DIMENSIONS]
        projects = self.filters.get("project_ids")
        return SumQuery(
            first_day=self.day_of(self.first),
            last_day=self.day_of(self.end - 1),
            by=frozenset({Dimension.DAY, *grouped, *beside}),
            tenants=frozenset(map(tenant_of_team, projects)) if projects is not None else None,
            users=self.filters.get("user_ids"),
            keys=self.filters.get("api_key_ids"),
            models=self.filters.get("models"),
            operations=operations,
        )


def bucket_query(
    request: Request, deps: AdminDeps, *, groups: Sequence[str], filters: Sequence[str], widths: Mapping[str, Width]
) -> BucketQuery:
    """Validate the parameters. InvalidRequest, as OpenAI's."""
    refuse_unknown(request, {*_SHARED, *filters})
    (name,) = chosen("bucket_width", [request.query.get("bucket_width") or "1d"], [*widths])
    seconds, default, most = widths[name]
    start = integer(request, "start_time", None, 0, _MAX_UNIX_S)
    end = integer(request, "end_time", deps.clock.unix_s() + 1, 0, _MAX_UNIX_S)
    if start >= end:
        param = "end_time" if "end_time" in request.query else "start_time"
        raise InvalidRequest("'end_time' must be after 'start_time'.", code="invalid_value", param=param)
    first, last = start // seconds, (end - 1) // seconds
    first = _page(request, first, last)
    stop = min(first + integer(request, "limit", default, 1, most), last + 1)
    found = {name: values_of(request, name) for name in filters}
    return BucketQuery(
        seconds=seconds,
        first=first,
        end=stop,
        next=stop if stop <= last else None,
        groups=chosen("group_by", values_of(request, "group_by"), groups),
        filters={
            name: frozenset[str]().union(*(_filter(name, each) for each in found[name]))
            for name in found
            if found[name]
        },
    )


def _page(request: Request, first: int, last: int) -> int:
    text = request.query.get("page")
    if not text:
        return first
    match = _PAGE.fullmatch(text)
    if match is None or not first <= int(match[1]) <= last:
        message = "Invalid 'page': expected the 'next_page' of an answer to the same query."
        raise InvalidRequest(message, code="invalid_value", param="page")
    return int(match[1])


def _filter(name: str, value: str) -> frozenset[str]:
    """What rollups hold of a filter's value. InvalidRequest for a value that cannot be a part of their keys."""
    match name:
        case "api_key_ids":
            return frozenset({key_id_in(value)})
        case "project_ids":
            return label_forms(name, value)
        case "vector_store_ids" if not is_object_id(value):
            raise invalid(name, "ids of vector stores")
    return frozenset({value})


def page_of(query: BucketQuery, results: Mapping[str, Sequence[Mapping[str, object]]]) -> dict[str, object]:
    """OpenAI's page, with the results of each bucket, by its name."""
    buckets = [
        {
            "object": "bucket",
            "start_time": bucket * query.seconds,
            "end_time": (bucket + 1) * query.seconds,
            "results": results.get(query.name_of(bucket), []),
        }
        for bucket in range(query.first, query.end)
    ]
    more = query.next is not None
    return {"object": "page", "data": buckets, "has_more": more, "next_page": f"page_{query.next}" if more else None}


def group_fields(query: BucketQuery, rollup: Rollup, names: Sequence[str]) -> dict[str, object]:
    """What a result is grouped by; None for the others of `names`."""
    return {name: _GROUPED[name](rollup) if name in query.groups else None for name in names}


def _known(text: str) -> str | None:
    return text if text not in {"", NO_KEY} else None


_GROUPED: Final[Mapping[str, Callable[[Rollup], object]]] = {
    "project_id": lambda rollup: rollup.bucket.facts.team,
    "user_id": lambda rollup: _known(rollup.bucket.facts.user_id),
    "api_key_id": lambda rollup: _known(rollup.bucket.facts.key_id),
    "vector_store_id": lambda rollup: _known(rollup.bucket.scope_id),
    "model": lambda rollup: _known(rollup.bucket.facts.model),
    "batch": lambda _: False,
    "api_source": lambda _: "unlabeled",
}

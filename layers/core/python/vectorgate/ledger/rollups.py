"""Rollups: sums over settled rows, added in the same transaction that settles them. Pure."""

from __future__ import annotations

from collections import Counter
from datetime import date
from enum import StrEnum
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Final, NamedTuple

from vectorgate.clock import DAY_MS
from vectorgate.ids import TenantId, team_of
from vectorgate.pricing.money import ZERO, NanoUSD, apportion
from vectorgate.pricing.usage import tool_calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from vectorgate.ledger.entry import LedgerEntry


TOOLS: Final = "responses.tools"  # the line of tools' calls in every report; earlier releases kept it as an operation
SEARCH: Final = "vector_stores.search"
CREATE: Final = "vector_stores.create"
SHARE: Final = "vector_stores.share"  # of its records the tags say which team got what
NO_KEY: Final = "-"  # the scope id of what no key is charged for: refused callers, stores without an owner
_FILE_SEARCH: Final = "file_search"
_COUNTS: Final = frozenset({"calls", "failures", "refusals", "upstream_errors"})
_FIRST_SERVER_ERROR: Final = 500
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Scope(StrEnum):
    """The dimension of a sum. KEY has every row once; earlier releases had PROVIDER for that."""

    KEY = "key"
    TENANT = "tenant"
    END_USER = "end_user"
    STORE = "store"
    TAG = "tag"
    PROVIDER = "provider"


class Facts(NamedTuple):
    """What else the rows of a bucket have in common; an empty text for nothing."""

    key_id: str = ""
    tenant: str = ""
    user_id: str = ""
    model: str = ""

    @property
    def team(self) -> str | None:
        """The tenant's team; None for a key without a team, and for no tenant."""
        return team_of(TenantId(self.tenant))


NO_FACTS: Final = Facts()


class Bucket(NamedTuple):
    """The key of a sum: scope and its id, UTC day (`YYYY-MM-DD`), provider, operation, and facts."""

    scope: Scope
    scope_id: str
    day: str
    provider: str
    operation: str
    facts: Facts = NO_FACTS


class Rollup(NamedTuple):
    """The sums of a bucket, or what is added to them. `spend` and `tools_spend`, a part of it, are nano-dollars.

    `failures` are calls that the client saw fail: `refusals` those that no provider was asked for, `upstream_errors`
    those with a status from 500 on. `searches` of stores, by themselves or in a response. `latencies`: calls by the
    bucket of a histogram (`ledger.latencies`), of KEY only; they are written with the sums and read apart from them.
    A tuple, as its bucket is: reports make tens of thousands, each in a fifth of a dataclass's time.
    """

    bucket: Bucket
    calls: int = 0
    failures: int = 0
    spend: NanoUSD = ZERO
    tool_calls: int = 0
    tools_spend: NanoUSD = ZERO
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    searches: int = 0
    byte_seconds: int = 0
    refusals: int = 0
    upstream_errors: int = 0
    latencies: tuple[tuple[str, int], ...] = ()


MEASURES: Final = Rollup._fields[1:-1]
measures_of: Final = attrgetter(*MEASURES)


def day_of(unix_ms: int) -> str:
    """The UTC day (`YYYY-MM-DD`) of a moment."""
    return day_numbered(unix_ms // DAY_MS)


@lru_cache(maxsize=64)
def day_numbered(days: int) -> str:
    """The UTC day (`YYYY-MM-DD`) so many days after the first of 1970.

    Cached, for a process settles many rows of few days.
    """
    return date.fromordinal(_EPOCH + days).isoformat()


def rollups_of(entries: Iterable[LedgerEntry]) -> list[Rollup]:
    """The sums of these rows, one for each bucket, ordered by bucket."""
    sums: dict[Bucket, Counter[str]] = {}
    for entry in entries:
        for bucket, added in _parts(entry):
            total = sums.setdefault(bucket, Counter())
            for name, amount in added.items():
                total[name] += amount
    return [_rollup(bucket, total) for bucket, total in sorted(sums.items())]


def _rollup(bucket: Bucket, total: Mapping[str, int]) -> Rollup:
    measured = {name: amount for name, amount in total.items() if name in _MEASURED}
    latencies = tuple(sorted((name, count) for name, count in total.items() if name not in _MEASURED))
    return Rollup(bucket, **measured, latencies=latencies)  # type: ignore[arg-type] # NanoUSD is an int


_MEASURED: Final = frozenset(MEASURES)


def buckets_of(entry: LedgerEntry) -> Iterator[Bucket]:
    """The buckets that a row counts in: of its key, tenant, end user, tags and stores."""
    return (bucket for bucket, _ in _parts(entry))


def store_bucket(entry: LedgerEntry, store: str) -> Bucket:
    """The bucket of a row for a store."""
    place = (day_of(entry.started_ms), entry.provider or "-", entry.operation)
    return Bucket(Scope.STORE, store, *place, _facts_of(entry))


def _facts_of(entry: LedgerEntry) -> Facts:
    return Facts(entry.key_id or NO_KEY, entry.tenant or "", entry.user_id or "", entry.model or "")


def _parts(entry: LedgerEntry) -> Iterator[tuple[Bucket, Mapping[str, int]]]:
    """The row's buckets, and what it adds to each."""
    from vectorgate.ledger.latencies import buckets_of_call  # noqa: PLC0415 - the api function settles nothing

    facts = _facts_of(entry)
    day, provider, operation = day_of(entry.started_ms), entry.provider or "-", entry.operation
    figures = _figures(entry)
    latencies = dict.fromkeys(buckets_of_call(entry), 1)
    yield Bucket(Scope.KEY, facts.key_id, day, provider, operation, facts), {**figures, **latencies}
    if entry.tenant is not None:
        modelled = Facts(model=facts.model)
        yield Bucket(Scope.TENANT, entry.tenant, day, provider, operation, modelled), figures
    if entry.end_user is not None:
        yield Bucket(Scope.END_USER, entry.end_user, day, provider, operation, facts), figures
    for tag in dict.fromkeys(entry.tags if entry.operation != SHARE else ()):
        yield Bucket(Scope.TAG, tag, day, provider, operation, facts), figures
    for store, shared in _by_store(entry, figures):
        yield store_bucket(entry, store), shared


def _figures(entry: LedgerEntry) -> dict[str, int]:
    """What the row adds to a sum that has all of it, without zeros."""
    tools = tool_calls_of(entry.tool_calls) if entry.tool_calls else {}
    failed = not entry.succeeded
    found = {
        "calls": 1,
        "failures": int(failed),
        "spend": entry.spend or 0,
        "tool_calls": sum(tools.values()),
        "tools_spend": entry.tools_spend or 0,
        "input_tokens": entry.input_tokens or 0,
        "output_tokens": entry.output_tokens or 0,
        "cached_tokens": entry.cached_tokens or 0,
        "cache_write_tokens": entry.cache_write_tokens or 0,
        "searches": tools.get(_FILE_SEARCH, 0) + int(entry.operation == SEARCH and not failed),
        "byte_seconds": entry.byte_seconds or 0,
        "refusals": int(failed and not entry.upstream_us),
        "upstream_errors": int(failed and (entry.status_code or 0) >= _FIRST_SERVER_ERROR),
    }
    return {name: amount for name, amount in found.items() if amount}


def _by_store(entry: LedgerEntry, figures: Mapping[str, int]) -> Iterator[tuple[str, Mapping[str, int]]]:
    """The stores in whose sums the row counts. Those that a response searched share its amount and searches evenly.

    A store's creation that costs nothing counts in none: it would be a write for each store that no report reads.
    """
    if entry.vector_store_id is not None and not (entry.operation == CREATE and figures.keys() <= _COUNTS):
        yield entry.vector_store_id, figures
    if not entry.searched_stores:
        if entry.vector_store_id is None and figures.get("searches"):
            yield NO_KEY, {"calls": 1, "searches": figures["searches"]}
        return
    names = ("spend", "tools_spend", "searches")
    shares = [apportion(figures.get(name, 0), [1] * len(entry.searched_stores)) for name in names]
    for store, *parts in zip(entry.searched_stores, *shares, strict=True):
        shared = {name: part for name, part in zip(names, parts, strict=True) if part}
        yield store, {"calls": 1, "failures": figures.get("failures", 0), **shared}

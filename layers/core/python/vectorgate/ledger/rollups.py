"""Rollups: sums over settled rows, added in the same transaction that settles them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vectorgate.pricing.money import ZERO, NanoUSD

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vectorgate.ledger.entry import LedgerEntry


_DAY_MS: Final = 86_400_000
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Scope(StrEnum):
    """The dimension of a sum."""

    KEY = "key"
    TENANT = "tenant"
    END_USER = "end_user"
    STORE = "store"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True, order=True)
class Bucket:
    """The key of a sum: scope and its id, UTC day (`YYYY-MM-DD`), provider, operation."""

    scope: Scope
    scope_id: str
    day: str
    provider: str
    operation: str


@dataclass(frozen=True, slots=True)
class Rollup:
    """The sums of a bucket, or what is added to them: calls, failed calls, and nano-dollars."""

    bucket: Bucket
    calls: int
    failures: int
    spend: NanoUSD


def day_of(unix_ms: int) -> str:
    """The UTC day (`YYYY-MM-DD`) of a moment."""
    return _day(unix_ms // _DAY_MS)


@lru_cache(maxsize=64)
def _day(days: int) -> str:
    """The text of a day, numbered from 1970. Cached, for a process settles many rows of few days."""
    return date.fromordinal(_EPOCH + days).isoformat()


def rollups_of(entries: Iterable[LedgerEntry]) -> list[Rollup]:
    """The sums of these rows, one for each bucket, ordered by bucket."""
    sums: dict[Bucket, list[int]] = {}
    for entry in entries:
        spend = entry.spend if entry.spend is not None else ZERO
        for bucket in buckets_of(entry):
            total = sums.setdefault(bucket, [0, 0, 0])
            total[0] += 1
            total[1] += not entry.succeeded
            total[2] += spend
    in_order = sorted(sums.items())
    return [Rollup(bucket, calls, failures, NanoUSD(spend)) for bucket, (calls, failures, spend) in in_order]


def buckets_of(entry: LedgerEntry) -> Iterator[Bucket]:
    """The buckets that a row counts in: one for each scope that it has."""
    day = day_of(entry.started_ms)
    scopes = {
        Scope.KEY: entry.key_id,
        Scope.TENANT: entry.tenant,
        Scope.END_USER: entry.end_user,
        Scope.STORE: entry.vector_store_id,
        Scope.PROVIDER: entry.provider,
    }
    for scope, scope_id in scopes.items():
        if scope_id is not None:
            yield Bucket(scope, scope_id, day, entry.provider or "-", entry.operation)

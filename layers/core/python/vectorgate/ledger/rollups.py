"""Rollups: sums over settled rows, added in the same transaction that settles them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vectorgate.pricing.money import ZERO, NanoUSD, apportion
from vectorgate.pricing.usage import tool_calls_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vectorgate.ledger.entry import LedgerEntry


TOOLS: Final = "responses.tools"  # the operation of the sums for calls of tools: a line of its own in every report
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
        for rollup in _parts(entry):
            total = sums.setdefault(rollup.bucket, [0, 0, 0])
            total[0] += rollup.calls
            total[1] += rollup.failures
            total[2] += rollup.spend
    in_order = sorted(sums.items())
    return [Rollup(bucket, calls, failures, NanoUSD(spend)) for bucket, (calls, failures, spend) in in_order]


def buckets_of(entry: LedgerEntry) -> Iterator[Bucket]:
    """The buckets that a row counts in, for each scope that it has and each store that it searched.

    One for the operation, and where it called tools, one for TOOLS.
    """
    for scope, scope_id, operation, _ in _shares(entry):
        yield Bucket(scope, scope_id, day_of(entry.started_ms), entry.provider or "-", operation)


def store_bucket(entry: LedgerEntry, store: str) -> Bucket:
    """The bucket of a row's operation for a store."""
    return Bucket(Scope.STORE, store, day_of(entry.started_ms), entry.provider or "-", entry.operation)


def _parts(entry: LedgerEntry) -> Iterator[Rollup]:
    """What the row adds to each of its buckets."""
    calls_of_tools = sum(tool_calls_of(entry.tool_calls).values()) if entry.tool_calls else 0
    for (_, _, operation, spend), bucket in zip(_shares(entry), buckets_of(entry), strict=True):
        own = operation != TOOLS
        yield Rollup(bucket, 1 if own else calls_of_tools, own and not entry.succeeded, spend)


def _shares(entry: LedgerEntry) -> Iterator[tuple[Scope, str, str, NanoUSD]]:
    """Scope, its id, operation and amount. The stores that a response searched share its whole amount evenly."""
    spend, tools = entry.spend or ZERO, entry.tools_spend or ZERO
    lines = [(entry.operation, NanoUSD(spend - tools)), *([(TOOLS, tools)] if tools else [])]
    for operation, amount in lines:
        for scope, scope_id in _scopes(entry):
            yield scope, scope_id, operation, amount
        if entry.searched_stores:
            shares = apportion(amount, [1] * len(entry.searched_stores))
            for store, share in zip(entry.searched_stores, shares, strict=True):
                yield Scope.STORE, store, operation, NanoUSD(share)


def _scopes(entry: LedgerEntry) -> Iterator[tuple[Scope, str]]:
    scopes = {
        Scope.KEY: entry.key_id,
        Scope.TENANT: entry.tenant,
        Scope.END_USER: entry.end_user,
        Scope.STORE: entry.vector_store_id,
        Scope.PROVIDER: entry.provider,
    }
    for scope, scope_id in scopes.items():
        if scope_id is not None:
            yield scope, scope_id

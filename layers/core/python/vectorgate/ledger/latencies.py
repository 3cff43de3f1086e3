"""How long calls took, as histograms with fixed, logarithmic buckets, which can be added up. Pure.

Five buckets for each power of ten: a percentile is off by at most a quarter of itself. A bucket's name is `o` (the
gateway's own time) or `u` (the provider's), and its number: `o07`.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry

# The upper bounds of the buckets but the last, in microseconds.
BOUNDS_US: Final = (
    *(400, 630, 1_000, 1_600, 2_500, 4_000, 6_300, 10_000, 16_000, 25_000, 40_000, 63_000, 100_000),
    *(160_000, 250_000, 400_000, 630_000, 1_000_000, 1_600_000, 2_500_000, 4_000_000, 6_300_000),
    *(10_000_000, 16_000_000, 25_000_000),
)
OVERHEAD: Final = "o"
UPSTREAM: Final = "u"
BUCKET_NAMES: Final = tuple(f"{kind}{number:02d}" for kind in (OVERHEAD, UPSTREAM) for number in range(26))
_LAST_US: Final = 40_000_000  # an upper bound of the last bucket, by which percentiles in it are shown


def buckets_of_call(entry: LedgerEntry) -> Iterator[str]:
    """The bucket of the gateway's own time and, if the provider was asked, that of the provider's."""
    if entry.overhead_us is not None:
        yield _name(OVERHEAD, entry.overhead_us)
    if entry.upstream_us:
        yield _name(UPSTREAM, entry.upstream_us)


def _name(kind: str, microseconds: int) -> str:
    return f"{kind}{bisect_left(BOUNDS_US, microseconds):02d}"


def percentile_ms(counts: Mapping[str, int], kind: str, percent: int) -> float | None:
    """The time, in milliseconds, that `percent` of the calls did not exceed; None without calls.

    Within its bucket the calls are taken to be spread evenly.
    """
    calls = [counts.get(f"{kind}{number:02d}", 0) for number in range(len(BOUNDS_US) + 1)]
    wanted = sum(calls) * percent / 100
    if not wanted:
        return None
    return _at(calls, wanted)


def _at(calls: Sequence[int], wanted: float) -> float:
    edges = (0, *BOUNDS_US, _LAST_US)
    passed = 0
    for number, count in enumerate(calls):
        if count and passed + count >= wanted:
            low, high = edges[number], edges[number + 1]
            return round((low + (high - low) * (wanted - passed) / count) / 1_000, 3)
        passed += count
    raise AssertionError("the last bucket has the rest")

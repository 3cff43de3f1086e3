"""How many calls of one budget a second its account takes: a model of DynamoDB, with our own pauses.

A create updates the account once. It is refused while a settlement's transaction holds the account, which no emulator
does, and when the partition's write units are used up. A transaction lasts 10 ms, of which nothing was measured on AWS.
The account holds the id of a create until that is settled: 1.5 s for the call and the stream, and half of the time in
which one of the stream's four shards has 100 rows, at most five seconds.
"""

from __future__ import annotations

import heapq
import random
from typing import Final

from vectorgate.persistence.dynamodb.table import PATIENT_PAUSES_S

SECONDS: Final = 60.0
TRANSACTION_S: Final = 0.010
SETTLED: Final = 90  # rows of a transaction
SHARDS: Final = 4
BATCH: Final = 100
WINDOW_S: Final = 5.0
CALL_S: Final = 1.5
ID_BYTES: Final = 16
OTHER_BYTES: Final = 150
PARTITION_UNITS: Final = 1_000.0  # a second
RATES: Final = (5, 10, 20, 50, 100, 150, 200)


def report() -> list[str]:
    """Return the lines to print."""
    return [f"{rate} creates a second of one budget: {line}" for rate in RATES for line in [_line(rate)]]


def _line(rate: float) -> str:
    waits, refused = contended(rate)
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    share = 100 * refused / (refused + len(waits))
    return f"{share:.1f} % 503, p99 of the pauses {1000 * p99:.0f} ms, {update_units(rate)} write units a create"


def window_s(rate: float) -> float:
    """The seconds between two batches of a shard."""
    return min(WINDOW_S, BATCH * SHARDS / rate)


def update_units(rate: float) -> int:
    """The write units of one update of the account."""
    held = rate * (CALL_S + window_s(rate) / 2)
    return int(-(-(OTHER_BYTES + ID_BYTES * held) // 1024))


def contended(rate: float, seed: int = 1) -> tuple[list[float], int]:
    """The seconds that each create waited for its account, and the number of those that gave up."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    tries: list[tuple[float, float, int]] = []
    at = 0.0
    while (at := at + chance.expovariate(rate)) < SECONDS:
        tries.append((at, at, 0))
    rows = rate / SHARDS * window_s(rate)
    settlements = int(SECONDS / window_s(rate) * SHARDS * -(-rows // SETTLED))
    tries += [(SECONDS * chance.random(), -1.0, 0) for _ in range(settlements)]
    heapq.heapify(tries)
    free_at, left, seen, refused, waits = 0.0, PARTITION_UNITS, 0.0, 0, list[float]()
    while tries:
        now, began, attempt = heapq.heappop(tries)
        left, seen = min(PARTITION_UNITS, left + (now - seen) * PARTITION_UNITS), now
        units = update_units(rate) * (1 if began >= 0 else 2)
        if now >= free_at and left >= units:
            left -= units
            free_at = free_at if began >= 0 else now + TRANSACTION_S
            waits += [now - began] if began >= 0 else []
        elif attempt < len(PATIENT_PAUSES_S):
            heapq.heappush(tries, (now + PATIENT_PAUSES_S[attempt] * chance.random(), began, attempt + 1))
        else:
            refused += began >= 0
    return waits, refused

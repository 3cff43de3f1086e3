"""How many calls of one budget a second its account takes: a model of DynamoDB's conflicts, with our own pauses.

A transaction that begins while another holds the account is refused, which no emulator does. Each lasts 10 ms, of which
nothing was measured on AWS; a create is one transaction on the account, and its settlement a share of one a second.
"""

from __future__ import annotations

import heapq
import random
from typing import Final

from vectorgate.persistence.dynamodb.table import PATIENT_PAUSES_S

SECONDS: Final = 60.0
TRANSACTION_S: Final = 0.010
RATES: Final = (5, 10, 20, 50, 100)


def report() -> list[str]:
    """Return the lines to print."""
    return [f"{rate} creates a second of one budget: {line}" for rate in RATES for line in [_line(*contended(rate))]]


def _line(waits: list[float], refused: int) -> str:
    p99 = sorted(waits)[int(len(waits) * 0.99)]
    return f"{100 * refused / (refused + len(waits)):.1f} % 503, p99 of the pauses {1000 * p99:.0f} ms"


def contended(rate: float, seed: int = 1) -> tuple[list[float], int]:
    """The seconds that each create waited for its account, and the number of those that gave up."""
    chance = random.Random(seed)  # noqa: S311 - to be repeatable
    tries: list[tuple[float, float, int]] = []
    at = 0.0
    while (at := at + chance.expovariate(rate)) < SECONDS:
        tries.append((at, at, 0))
    tries += [(float(second), -1.0, 0) for second in range(int(SECONDS))]  # the settlement of a second's rows
    heapq.heapify(tries)
    free_at, refused, waits = 0.0, 0, list[float]()
    while tries:
        now, began, attempt = heapq.heappop(tries)
        if now >= free_at:
            free_at = now + TRANSACTION_S
            waits += [now - began] if began >= 0 else []
        elif attempt < len(PATIENT_PAUSES_S):
            heapq.heappush(tries, (now + PATIENT_PAUSES_S[attempt] * chance.random(), began, attempt + 1))
        else:
            refused += began >= 0
    return waits, refused

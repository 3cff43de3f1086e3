"""Corrections: a settled row never changes, so a change of its cost is a new row that refers to it. Pure."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.pricing.book import CORRECTION
from vectorgate.pricing.money import ZERO, NanoUSD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import OperationId
    from vectorgate.pricing.book import Charge


def correction(entry: LedgerEntry, charge: Charge, earlier: Sequence[LedgerEntry] = ()) -> LedgerEntry | None:
    """The row that brings a settled `entry`, with its `earlier` corrections, to `charge`; None if it costs that now.

    Its spend is the difference, which may be negative. It counts for the same day and against the same budgets as the
    corrected row, under an operation of its own, so that no call is counted twice. Its id follows from the corrected
    row's and the number of earlier corrections: of two that are posted at once, the second is AlreadyExists. ValueError
    for a row that is not settled, or is itself a correction.
    """
    if entry.state is not State.SETTLED or entry.corrects is not None:
        raise ValueError("only a settled row is corrected, and never a correction")
    difference = charge.spend - cost_of(entry, earlier)
    if difference == 0:
        return None
    return LedgerEntry(
        id=correction_id(entry, len(earlier)),
        operation=CORRECTION,
        state=State.ANSWERED,
        started_ms=entry.started_ms,
        ended_ms=entry.ended_ms,
        key_id=entry.key_id,
        tenant=entry.tenant,
        key_alias=entry.key_alias,
        team_id=entry.team_id,
        user_id=entry.user_id,
        end_user=entry.end_user,
        tags=entry.tags,
        provider=entry.provider,
        vector_store_id=entry.vector_store_id,
        searched_stores=entry.searched_stores,
        status_code=200,
        spend=NanoUSD(difference),
        price_id=charge.price_id,
        corrects=entry.id,
        budgets=entry.budgets,
    )


def cost_of(entry: LedgerEntry, corrections: Sequence[LedgerEntry]) -> NanoUSD:
    """The cost of a row, corrections included, in nano-dollars."""
    return NanoUSD(sum(row.spend or ZERO for row in (entry, *corrections)))


def correction_id(entry: LedgerEntry, number: int) -> OperationId:
    """The id of a row's first (0), second (1), ... correction."""
    name = hashlib.sha256(f"{CORRECTION}#{entry.id}#{number}".encode()).digest()
    return uuid7(entry.started_ms, int.from_bytes(name, "big") & ((1 << 74) - 1))

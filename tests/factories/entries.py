"""Ledger rows from a number, and the stream's records of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.ids import KeyId, ObjectId, ProviderName, TenantId, uuid7
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.persistence.dynamodb.schema import operation_item

if TYPE_CHECKING:
    from collections.abc import Iterable

T0 = 1_772_600_767_000  # 2026-03-04 05:06:07 UTC


def answered_row(
    number: int,
    *,
    operation: str = "vector_stores.create",
    team: str | None = None,
    end_user: str | None = None,
    status_code: int = 200,
) -> LedgerEntry:
    """A row as a read leaves it, and a change after its conclusion."""
    key_id = KeyId(f"{number % 3:064x}")
    return LedgerEntry(
        id=uuid7(T0 + number, number),
        operation=operation,
        state=State.ANSWERED,
        started_ms=T0 + number,
        key_id=key_id,
        tenant=TenantId(f"team:{team}" if team else f"key:{key_id}"),
        end_user=end_user,
        provider=ProviderName("openai"),
        vector_store_id=ObjectId(f"vs_{number % 4}"),
        status_code=status_code,
    )


def stream_of(entries: Iterable[LedgerEntry]) -> dict[str, object]:
    """The event of DynamoDB's stream; the sequence number is the place in the batch."""
    return {
        "Records": [
            {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": str(place), "NewImage": operation_item(entry)}}
            for place, entry in enumerate(entries)
        ]
    }

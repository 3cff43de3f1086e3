"""Ledger entries, and the rows beside them, made from a number so that no two are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.ids import KeyId, ObjectId, ObjectKind, OperationId, ProviderName, TenantId
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.pricing.money import NanoUSD
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterable

T0 = 1_772_600_767_000  # 2026-03-04 05:06:07 UTC
OPENAI = ProviderName("openai")
AZURE = ProviderName("azure")
RED = TenantId("team:red")
BLUE = TenantId("team:blue")
KEY = KeyId("a" * 64)
OTHER_KEY = KeyId("b" * 64)
STORE = ObjectKind.VECTOR_STORE


def operation_id(number: int, started_ms: int = T0) -> OperationId:
    """Return an id like those in production: time, then bits that differ by the number."""
    return uuid7(started_ms, number * 0x9E3779B97F4A7C15F39CC & ((1 << 74) - 1))


def begun(
    number: int = 0, *, state: State = State.STARTED, started_ms: int | None = None, **fields: object
) -> LedgerEntry:
    """Return an entry as `begin` writes it; number n began n milliseconds after T0."""
    moment = T0 + number if started_ms is None else started_ms
    values: dict[str, object] = {
        "key_id": KEY,
        "tenant": RED,
        "provider": OPENAI,
        "end_user": "émile 東京",
        "tags": ("b", "a"),
    }
    return LedgerEntry(
        id=operation_id(number, moment),
        operation="vector_stores.create",
        state=state,
        started_ms=moment,
        **(values | fields),  # type: ignore[arg-type]
    )


def answered(entry: LedgerEntry, **fields: object) -> LedgerEntry:
    """Return the entry after its answer."""
    values: dict[str, object] = {"status_code": 200, "vector_store_id": ObjectId("vs_1"), "ended_ms": T0 + 5}
    return entry.transition(State.ANSWERED, **(values | fields))


def settled(entry: LedgerEntry, spend: int = 7) -> LedgerEntry:
    """Return the entry with its charge."""
    return entry.transition(State.SETTLED, spend=NanoUSD(spend), price_id="free")


def ref(id_: str = "vs_1", kind: ObjectKind = STORE, provider: ProviderName = OPENAI) -> ObjectRef:
    """Return the reference of an object."""
    return ObjectRef(provider, kind, ObjectId(id_))


def own(at: ObjectRef, tenant: TenantId = RED, created_at: int = 1_772_600_767, **fields: object) -> Ownership:
    """Return the ownership of an object."""
    return Ownership(ref=at, tenant=tenant, key_id=KEY, created_at=created_at, **fields)  # type: ignore[arg-type]


def answered_row(
    number: int,
    *,
    operation: str = "vector_stores.create",
    team: str | None = None,
    end_user: str | None = None,
    status_code: int = 200,
) -> LedgerEntry:
    """Return an answered entry, as a read writes it; its key, store and end user repeat with the number."""
    key_id = KeyId(f"{number % 3:064x}")
    return LedgerEntry(
        id=uuid7(T0 + number, number),
        operation=operation,
        state=State.ANSWERED,
        started_ms=T0 + number,
        key_id=key_id,
        tenant=TenantId(f"team:{team}" if team else f"key:{key_id}"),
        end_user=end_user,
        provider=OPENAI,
        vector_store_id=ObjectId(f"vs_{number % 4}"),
        status_code=status_code,
    )


def stream_of(entries: Iterable[LedgerEntry]) -> dict[str, object]:
    """Return the event of DynamoDB's stream that has these entries; a sequence number is a place in the batch."""
    return {
        "Records": [
            {"eventName": "MODIFY", "dynamodb": {"SequenceNumber": str(place), "NewImage": operation_item(entry)}}
            for place, entry in enumerate(entries)
        ]
    }

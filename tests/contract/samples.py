"""Rows to test with: complete enough to be told apart, made from a number."""

from __future__ import annotations

from vectorgate.ids import KeyId, ObjectId, ObjectKind, OperationId, ProviderName, TenantId, uuid7
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.pricing.money import NanoUSD
from vectorgate.tenancy.ownership import ObjectRef, Ownership

# 2026-03-04 05:06:07 UTC.
T0 = 1_772_600_767_000
OPENAI = ProviderName("openai")
AZURE = ProviderName("azure")
RED = TenantId("team:red")
BLUE = TenantId("team:blue")
KEY = KeyId("a" * 64)
OTHER_KEY = KeyId("b" * 64)
STORE = ObjectKind.VECTOR_STORE


def operation_id(number: int, started_ms: int = T0) -> OperationId:
    """An id like the real ones: time, then what looks like chance."""
    return uuid7(started_ms, number * 0x9E3779B97F4A7C15F39CC & ((1 << 74) - 1))


def begun(
    number: int = 0, *, state: State = State.STARTED, started_ms: int | None = None, **fields: object
) -> LedgerEntry:
    """A row as `begin` writes it; number n began n milliseconds after T0."""
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
    """The row after its answer."""
    values: dict[str, object] = {"status_code": 200, "vector_store_id": ObjectId("vs_1"), "ended_ms": T0 + 5}
    return entry.transition(State.ANSWERED, **(values | fields))


def settled(entry: LedgerEntry, spend: int = 7) -> LedgerEntry:
    """The row with its price."""
    return entry.transition(State.SETTLED, spend=NanoUSD(spend), price_id="free")


def ref(id_: str = "vs_1", kind: ObjectKind = STORE, provider: ProviderName = OPENAI) -> ObjectRef:
    """An object."""
    return ObjectRef(provider, kind, ObjectId(id_))


def own(at: ObjectRef, tenant: TenantId = RED, created_at: int = 1_772_600_767, **fields: object) -> Ownership:
    """Its row."""
    return Ownership(ref=at, tenant=tenant, key_id=KEY, created_at=created_at, **fields)  # type: ignore[arg-type]

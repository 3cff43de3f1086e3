"""Rows of every kind, as the release before 0.2.0 wrote them: those in `tests/fixtures/old_rows.json` and `.sql`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectorgate.auth.keys.model import IndexPermission, VirtualKey
from vectorgate.azure_search.model import VirtualIndex
from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject
from vectorgate.idempotency.record import IdempotencyRecord
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.ingest.model import ObjectLocation
from vectorgate.ledger.entry import LedgerEntry, Resolution, State, uuid7
from vectorgate.metering.model import Meter
from vectorgate.pricing.money import ZERO, NanoUSD
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from vectorgate.ids import OperationId

FIXTURES = Path(__file__).parents[1] / "fixtures"
ITEMS: list[dict[str, Any]] = json.loads((FIXTURES / "old_rows.json").read_text("utf-8"))
SCRIPT = (FIXTURES / "old_rows.sql").read_text("utf-8")
T0 = 1_772_600_767_000  # 2026-03-04 05:06:07 UTC
SECOND = T0 // 1_000
OPENAI, RED, KEY = ProviderName("openai"), TenantId("team:red"), KeyId("a" * 64)
STORE, FILE, BATCH = ObjectId("vs_1"), ObjectId("file-1"), ObjectId("vsfb_1")
USER = "émile 東京"
LISTED_SINCE = frozenset({"by_tenant_pk", "by_tenant_sk"})  # what keys and limits have since administrators list them
BUDGETS = ("key/2026-03-01", "team/ever")


def id_of(number: int) -> OperationId:
    """The id of the row of that number."""
    return uuid7(T0 + number, number)


def row(number: int, state: State, operation: str = "vector_stores.create", **fields: Any) -> LedgerEntry:
    """What every call of the key's has, and its own fields."""
    of_the_key: dict[str, Any] = {
        "key_id": KEY,
        "tenant": RED,
        "key_alias": "alias",
        "team_id": "red",
        "user_id": "u",
        "end_user": USER,
        "tags": ("b", "a"),
        "provider": OPENAI,
        "fingerprint": "f" * 64,
    }
    return LedgerEntry(
        id=id_of(number), operation=operation, state=state, started_ms=T0 + number, **of_the_key | fields
    )


def storage_row(number: int, state: State, operation: str, **fields: Any) -> LedgerEntry:
    """A storage record, or the correction of one."""
    return LedgerEntry(
        id=id_of(number),
        operation=operation,
        state=state,
        started_ms=T0 - 767_000,
        ended_ms=T0,
        key_id=KEY,
        tenant=RED,
        team_id="red",
        provider=OPENAI,
        vector_store_id=STORE,
        status_code=200,
        **fields,
    )


ENTRIES = [
    row(1, State.STARTED, idempotency_name="c" * 64, budgets=BUDGETS, reserved=NanoUSD(5), until_ms=T0 + 600_000),
    row(2, State.STARTED),
    row(
        3,
        State.UNCERTAIN,
        fuzzy_fingerprint="9" * 32,
        status_code=502,
        error_code="upstream_lost",
        ended_ms=T0 + 900,
        upstream_us=7,
        overhead_us=8,
        first_absent_ms=T0 + 61_000,
        found_by=Resolution.AMBIGUOUS,
    ),
    row(
        4,
        State.ANSWERED,
        idempotency_name="7" * 64,
        status_code=200,
        vector_store_id=STORE,
        ended_ms=T0 + 50,
        upstream_request_id="req_1",
        upstream_us=1_000,
        overhead_us=20,
        quarantined=("usage_bytes",),
        found_by=Resolution.TAG,
    ),
    row(5, State.ANSWERED, "files.create", status_code=200, file_id=FILE, ended_ms=T0 + 60),
    row(6, State.ANSWERED, "files.delete", status_code=200, file_id=FILE, ended_ms=T0 + 70),
    row(
        7,
        State.SETTLED,
        "vector_stores.file_batches.create",
        vector_store_id=STORE,
        file_id=FILE,
        batch_id=BATCH,
        upload_id=ObjectId("upload_1"),
        part_id=ObjectId("part_1"),
        status_code=200,
        ended_ms=T0 + 80,
        budgets=BUDGETS,
        spend=NanoUSD(7),
        price_id="openai.calls.2025-03-11",
    ),
    LedgerEntry(
        id=id_of(8),
        operation="unknown",
        state=State.VOIDED,
        started_ms=T0 + 8,
        ended_ms=T0 + 9,
        status_code=401,
        error_code="invalid_api_key",
        spend=ZERO,
        price_id="vectorgate.not-executed",
        overhead_us=3,
    ),
    storage_row(
        9, State.SETTLED, "storage", byte_seconds=1 << 60, spend=NanoUSD(225), price_id="openai.storage.2025-03-11"
    ),
    storage_row(10, State.ANSWERED, "correction", spend=NanoUSD(-25), price_id="ours", corrects=id_of(9)),
]
BY_ID = {entry.id: entry for entry in ENTRIES}
BY_KEY = IdempotencyRecord(
    tenant=RED,
    name="c" * 64,
    slot="0",
    fingerprint="d" * 64,
    operation_id=id_of(1),
    claimed_ms=T0 + 1,
    expires_at=SECOND + 86_400,
)
BY_BODY = IdempotencyRecord(
    tenant=RED,
    name="e" * 64,
    slot=str(id_of(2)),
    fingerprint="f" * 64,
    operation_id=id_of(2),
    claimed_ms=T0 + 2,
    expires_at=SECOND + 600,
    attempt=1,
)
ANSWERED = IdempotencyRecord(
    tenant=RED,
    name="7" * 64,
    slot="0",
    fingerprint="d" * 64,
    operation_id=id_of(4),
    claimed_ms=T0 + 4,
    expires_at=SECOND + 86_400,
    status=200,
    body='{"id":"vs_1","name":"\\u00e9"}',
)
OWNED_STORE = Ownership(
    ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, STORE), tenant=RED, key_id=KEY, created_at=SECOND, end_user=USER
)
RETIRED_FILE = Ownership(
    ref=ObjectRef(OPENAI, ObjectKind.FILE, FILE),
    tenant=RED,
    key_id=KEY,
    created_at=SECOND,
    snapshot='{"id":"file-1","bytes":7}',
    retired_at=SECOND + 5,
)
OWNED_BATCH = Ownership(
    ref=ObjectRef(OPENAI, ObjectKind.BATCH, BATCH), tenant=RED, key_id=KEY, created_at=SECOND, parent=STORE
)
FULL_KEY = VirtualKey(
    id=KEY,
    created_at=SECOND,
    alias="alias",
    team_id="red",
    user_id="u",
    expires_at=SECOND + 9,
    blocked=True,
    indexes={"docs": frozenset(IndexPermission), "logs": frozenset({IndexPermission.READ})},
    metadata='{"a":[1]}',
    max_budget=NanoUSD(10**9),
    soft_budget=NanoUSD(5),
    budget_duration="1mo",
)
PLAIN_KEY = VirtualKey(id=KeyId("b" * 64), created_at=SECOND)
TEAM, CUSTOMER = Subject(BudgetScope.TEAM, "red"), Subject(BudgetScope.END_USER, USER)
LIMITS = {
    TEAM: Limit(
        since=SECOND,
        max_budget=NanoUSD(9),
        soft_budget=NanoUSD(3),
        duration="2w",
        alias="r",
        blocked=True,
        metadata="{}",
    ),
    CUSTOMER: Limit(since=SECOND),
}
BALANCES = {
    Account(Subject(BudgetScope.KEY, KEY), "2026-03-01"): Balance(reserved=5, spent=7),
    Account(TEAM, "ever"): Balance(reserved=5, spent=7),
}
INDEX = VirtualIndex(name="docs", real_name="docs-v2", vector_store_name="azure search", created_at=SECOND)
METERS = [
    Meter(
        provider=OPENAI,
        id=STORE,
        at=SECOND,
        size=1 << 40,
        days={20_516: 1 << 60, 20_517: 0},
        tenant=RED,
        key_id=KEY,
        end_user=USER,
    ),
    Meter(provider=OPENAI, id=ObjectId("vs_2"), at=SECOND, stopped_at=SECOND, days={20_516: 5}),
]
LOCATION = ObjectLocation("bucket", "folder/ä #1.md")
OBJECT = {
    "place": {"bucket": "bucket", "key": "folder/ä #1.md"},
    "revision": 2,
    "sequencer": "0A1B",
    "version": "v1",
    "gone": True,
    "team": "red",
    "vector_store_id": STORE,
    "file_id": FILE,
    "attempted": SECOND,
    "attached": True,
    "batch_id": "",
    "reported": True,
    "obsolete": (ObjectId("file-0"),),
    "loose": ("k1",),
}

"""The meter on the deployed stack: what a tick does with the permissions of its role alone."""

from __future__ import annotations

import json
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from secrets import randbits
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

import pytest

from tests.harnesses.aws_stack import STACK, Stack, sample
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import LIFETIME, Account, BudgetScope, Subject, account_ref
from vectorgate.idempotency.service import explicit_record
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.metering.bill import record_id
from vectorgate.metering.model import DAY_S, Meter
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.persistence.dynamodb.budgets import account_key
from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.idempotency import record_item, record_key
from vectorgate.persistence.dynamodb.schema import SHARDS, operation_item, ownership_key
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.openai import TAG
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import OpenAI

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WITHIN = 30.0  # as in test_stack
LONG_AGO_MS: Final = 120_000  # longer than the minute after which a row counts as abandoned
GIB: Final = 1 << 30
OPENAI: Final = ProviderName("openai")


@dataclass(frozen=True, slots=True)
class Tenant:
    """The owner of the test's rows."""

    stack: Stack
    key: str

    def left_behind(self, state: State, ago_ms: int = LONG_AGO_MS, **more: Any) -> LedgerEntry:
        """Return a create that a crash left open two minutes ago."""
        began = int(time.time() * 1000) - ago_ms
        return LedgerEntry(
            id=uuid7(began, randbits(74)),
            operation="vector_stores.create",
            state=state,
            started_ms=began,
            key_id=key_id_of(self.key),
            tenant=TenantId("team:red"),
            team_id="red",
            provider=OPENAI,
            fingerprint="f" * 64,
            **more,
        )


@pytest.fixture
def tenant(stack: Stack, key: str) -> Tenant:
    return Tenant(stack, key)


@pytest.fixture
def provider(stack: Stack) -> Iterator[OpenAI]:
    with closing(stack.provider()) as made:
        yield made


def tick(stack: Stack) -> None:
    """Invoke the meter as the schedule does."""
    done = stack.invoked("MeterFunction", sample("meter_schedule.json"))
    assert done.get("failed", 0) == 0, done


def test_what_a_crash_left_open_is_adopted_with_its_owner_and_answered_for(
    stack: Stack, tenant: Tenant, provider: OpenAI
) -> None:
    row = tenant.left_behind(State.STARTED, idempotency_name="c" * 64)
    idempotency = explicit_record(row, "c" * 64, "f" * 64)
    stack.put(operation_item(row))
    stack.put(record_item(idempotency))
    store = provider.vector_stores.create(name="lost", metadata={TAG: row.id})
    tick(stack)
    settled = stack.settled(row.id, WITHIN)
    assert (settled["found_by"], settled["vector_store_id"]) == ({"S": "tag"}, {"S": store.id})
    owned = stack.item(ownership_key(ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(store.id))))
    assert owned is not None
    assert owned["tenant"] == {"S": "team:red"}
    kept = stack.item(record_key(idempotency))
    assert kept is not None
    assert kept["status"] == {"N": "200"}
    assert json.loads(kept["body"]["S"])["id"] == store.id


def test_what_was_never_executed_is_voided_and_its_reservation_released(stack: Stack, tenant: Tenant) -> None:
    account = Account(Subject(BudgetScope.KEY, key_id_of(tenant.key)), LIFETIME)
    held = {"reserved": NanoUSD(5), "spent": NanoUSD(2), "committed": NanoUSD(7)}
    stack.put(account_key(account) | encoded(held))
    looked = int(time.time() * 1000) - LONG_AGO_MS // 2
    row = tenant.left_behind(
        State.UNCERTAIN, first_absent_ms=looked, budgets=(account_ref(account),), reserved=NanoUSD(5), status_code=504
    )
    stack.put(operation_item(row))
    tick(stack)
    voided = stack.row(row.id)
    assert voided is not None
    assert (voided["state"], voided["found_by"]) == ({"S": "voided"}, {"S": "absent"})
    assert stack.item(account_key(account)) == account_key(account) | encoded(
        {"reserved": 0, "spent": 2, "committed": 2}
    )


def test_a_deletion_that_took_place_is_concluded(stack: Stack, tenant: Tenant, provider: OpenAI) -> None:
    made = tenant.left_behind(State.STARTED)
    stack.put(operation_item(made))
    store = provider.vector_stores.create(name="gone soon", metadata={TAG: made.id})
    tick(stack)
    provider.vector_stores.delete(store.id)
    row = tenant.left_behind(State.STARTED).changed(
        operation="vector_stores.delete", vector_store_id=ObjectId(store.id)
    )
    stack.put(operation_item(row))
    tick(stack)
    assert stack.settled(row.id, WITHIN)["found_by"] == {"S": "object"}
    owned = stack.item(ownership_key(ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(store.id))))
    assert owned is not None
    assert "retired_at" in owned


def test_a_row_that_the_stream_gave_up_is_settled_by_the_next_tick(stack: Stack, tenant: Tenant) -> None:
    stack.quiet(WITHIN)
    account = Account(Subject(BudgetScope.KEY, key_id_of(tenant.key)), LIFETIME)
    held = {"reserved": NanoUSD(5), "spent": NanoUSD(2), "committed": NanoUSD(7)}
    given_up = tenant.left_behind(
        State.ANSWERED, ago_ms=(LATE_SECONDS + 60) * 1000, budgets=(account_ref(account),), reserved=NanoUSD(5)
    )
    fresh = tenant.left_behind(State.ANSWERED)
    with without_stream(stack):
        stack.put(account_key(account) | encoded(held))
        for row in (given_up, fresh):
            stack.put(operation_item(row, listed=True))
        before = stack.rollups()
        tick(stack)
        settled_row, waiting = stack.row(given_up.id), stack.row(fresh.id)
        assert settled_row is not None
        assert waiting is not None
        assert (settled_row["state"], waiting["state"]) == ({"S": "settled"}, {"S": "answered"})
        assert stack.rollups() != before
        assert stack.item(account_key(account)) == account_key(account) | encoded(
            {"reserved": 0, "spent": 2, "committed": 2}
        )
    after = stack.settled(fresh.id, WITHIN)  # the stream continues where it was, and settles nothing twice
    assert after["price_id"] == settled_row["price_id"]


@contextmanager
def without_stream(stack: Stack) -> Iterator[None]:
    """Disable the usage logger's event source, until the block ends."""
    mappings = stack.aws.client("lambda")
    name = stack.outputs["UsageLoggerFunction"]
    (mapping,) = mappings.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        yield
    finally:
        mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def test_stored_bytes_are_metered_and_a_day_that_is_over_is_charged(
    stack: Stack, tenant: Tenant, provider: OpenAI
) -> None:
    yesterday = int(time.time()) // DAY_S - 1
    deleted = Meter(
        provider=OPENAI,
        id=ObjectId(f"vs_{randbits(64):016x}"),
        at=(yesterday + 1) * DAY_S,
        days={yesterday: 2 * GIB * DAY_S},
        stopped_at=(yesterday + 1) * DAY_S,
        tenant=TenantId("team:red"),
        key_id=key_id_of(tenant.key),
    )
    stack.put(meter_place(deleted.id) | encoded(deleted.to_record()))
    # Due at once, whatever an earlier tick scheduled.
    stack.put({"PK": {"S": "METER#openai"}, "SK": {"S": "SCHEDULE"}, "due": {"N": "0"}, "pause": {"N": "0"}})
    store = provider.vector_stores.create(name="metered")
    tick(stack)
    charged = stack.settled(record_id(deleted, yesterday), WITHIN)
    assert charged["operation"] == {"S": "storage"}
    assert charged["spend"] == {"N": "100000000"}  # 2 GiB for a day, of which one is free, at $0.10
    assert stack.item(meter_place(deleted.id)) is None
    metered = stack.item(meter_place(store.id))
    assert metered is not None
    assert metered["size"] == {"N": str(store.usage_bytes)}
    scheduled = stack.item({"PK": {"S": "METER#openai"}, "SK": {"S": "SCHEDULE"}})
    assert scheduled is not None
    assert int(scheduled["due"]["N"]) > time.time()


def meter_place(store_id: str) -> dict[str, Any]:
    """Return the key of a store's meter."""
    return {"PK": {"S": f"METER#openai#{crc32(store_id.encode()) % SHARDS}"}, "SK": {"S": store_id}}


def test_the_schedule_is_on_and_may_invoke_the_meter(stack: Stack) -> None:
    scheduler = stack.aws.client("scheduler")
    (listed,) = scheduler.list_schedules(NamePrefix=STACK)["Schedules"]
    schedule = scheduler.get_schedule(Name=listed["Name"])
    assert (schedule["State"], schedule["ScheduleExpression"]) == ("ENABLED", "rate(1 minute)")
    meter = stack.aws.client("lambda").get_function(FunctionName=stack.outputs["MeterFunction"])["Configuration"]
    assert (schedule["Target"]["Arn"], meter["Timeout"]) == (meter["FunctionArn"], 60)
    roles, name = stack.aws.client("iam"), schedule["Target"]["RoleArn"].rpartition("/")[2]
    (policy,) = roles.list_role_policies(RoleName=name)["PolicyNames"]
    (statement,) = roles.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("lambda:InvokeFunction", meter["FunctionArn"])

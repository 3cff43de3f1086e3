"""The contract of transactions, conditions and threads on the emulated AWS, a third engine.

Unlike moto it is a process of its own, in front of which the tests need no lock. The tests are those of tests/contract.
"""

# ruff: noqa: F401  # imported to be collected

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.contract.test_budgets import (
    test_a_correction_moves_what_was_spent_in_either_direction,
    test_a_limit_is_replaced_by_the_next_version_of_it_alone,
    test_a_lost_begin_reserved_with_its_row_or_is_known_not_to_have,
    test_a_lost_release_is_made_with_its_row_or_not_at_all,
    test_a_reservation_is_made_with_its_row,
    test_a_taken_id_comes_before_the_budget,
    test_a_voided_row_releases_once,
    test_all_accounts_have_room_or_none_is_touched,
    test_not_one_nano_over,
    test_nothing_asks_only_whether_there_is_room,
    test_of_many_at_once_as_many_are_let_in_as_there_is_room_for,
    test_settling_moves_what_was_reserved_to_what_was_spent,
)
from tests.contract.test_failures import (
    test_a_lost_advance_is_unavailable_and_wrote_all_or_nothing,
    test_a_lost_begin_is_unavailable_and_wrote_all_or_nothing,
    test_a_lost_settlement_is_unavailable_and_wrote_all_or_nothing,
    test_a_put_that_botocore_repeats_knows_its_own_first_attempt,
    test_of_several_that_race_to_advance_one_wins,
    test_of_several_that_race_to_begin_one_wins,
    test_of_several_that_race_to_settle_one_wins_and_counts_once,
    test_of_several_that_race_with_ownership_one_wins_and_its_objects_alone_exist,
)
from tests.contract.test_holds import (
    test_a_crash_at_any_write_of_a_begin_leaves_nothing_reserved_once_its_row_is_voided_or_settled,
    test_a_lost_answer_of_a_reservation_that_is_sent_again_reserves_once,
    test_what_the_row_itself_ends_is_released_whatever_its_accounts_hold_besides,
)
from tests.contract.test_idempotency import (
    test_a_lost_bind_wrote_the_record_or_nothing,
    test_a_record_is_taken_over_once_in_its_slot_from_the_operation_that_was_seen,
    test_a_record_that_is_gone_is_not_taken_over,
    test_a_slot_is_taken_once,
    test_an_answer_is_kept_before_its_row_is_answered_but_never_in_anothers_slot,
    test_an_answer_is_kept_with_the_row_that_it_is_of,
    test_an_answer_that_is_too_late_for_its_slot_changes_nothing_but_the_row,
    test_of_several_that_race_for_a_slot_one_wins,
)
from tests.contract.test_ingest import test_no_more_are_admitted_at_once_than_allowed
from tests.contract.test_ledger import (
    test_a_conflict_of_the_row_writes_no_ownership,
    test_a_retired_object_cannot_be_claimed,
    test_a_settlement_has_room_for_a_hundred_actions,
    test_a_taken_id_is_refused_and_keeps_its_row,
    test_an_object_of_another_tenant_stops_the_whole,
    test_one_row_that_is_not_answered_stops_the_settlement,
    test_retiring_what_does_not_exist_stops_the_whole,
    test_settling_replaces_the_rows_and_adds_the_sums,
    test_what_the_tenant_has_already_stays_as_it_is,
)
from tests.contract.test_meter import meters, test_only_the_row_that_was_read_is_dropped
from tests.contract.test_ownership import (
    test_what_an_open_row_made_is_owned_and_listed_before_the_row_is_answered,
)
from tests.factories.prices import CREATE, charging_book
from tests.factories.secrets import secret_text
from tests.fakes.clock import FakeClock
from tests.fakes.constant_provider import ConstantProvider
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.budgets import create_at_once
from tests.harnesses.gateway import PROVIDER
from tests.harnesses.store_backends import DynamoBackend, dynamo_at
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import build_gateway, system_random
from vectorgate.budgets.model import LIFETIME, Account, Balance, BudgetScope, Subject
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.stores import Deps
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.credentials import Credentials
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.aws_stack import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


@pytest.fixture
def dynamo(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoBackend]:
    """The emulated AWS's DynamoDB, without rows."""
    with dynamo_at(aws.url, monkeypatch) as backend:
        yield backend


@pytest.fixture
def stores(dynamo: DynamoBackend) -> DynamoBackend:
    """The only engine of this module."""
    return dynamo


def test_of_a_hundred_requests_at_once_as_many_pass_as_the_budget_has_room_for(dynamo: DynamoBackend) -> None:
    requests, fitting, secret = 100, 37, "sk-of-a-hundred"
    most = NanoUSD(fitting * CREATE + CREATE - 1)
    stores, clock, telemetry, book = stores_of(dynamo.table), FakeClock().clock(), RecordingTelemetry(), charging_book()
    stores.keys.add_key(VirtualKey(id=key_id_of(secret), created_at=clock.unix_s(), max_budget=most))
    settings = Settings(table=dynamo.table.name, secrets={PROVIDER: "secret"})
    gateway = build_gateway(
        settings,
        Deps(
            stores=stores,
            credentials=Credentials(
                FakeSecretSource(secret_text("https://api.openai.com/v1")), settings.secrets, clock
            ),
            transport=ConstantProvider(),
            telemetry=telemetry,
            clock=clock,
            randomness=system_random(),
        ),
        book=book,
    )
    assert create_at_once(gateway, secret, requests) == {200: fitting, 429: requests - fitting}
    account = Account(Subject(BudgetScope.KEY, key_id_of(secret)), LIFETIME)
    assert stores.budgets.balances([account]) == {account: Balance(fitting * CREATE, 0)}
    while SettlementService(stores.ledger, book, telemetry).settle_waiting(requests):
        pass
    assert stores.budgets.balances([account]) == {account: Balance(0, fitting * CREATE)}
    assert telemetry.errors == []

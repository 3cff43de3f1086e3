"""No role allows what its function never asks: every kind of call of invoke, ingest, settlement and meter.

The admin function, the exporter and the api function have tests of their own, as their calls need other scenes.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.fakes.in_process_provider import InProcessProvider
from tests.harnesses.dynamodb_gateway import BOUNDED_KEY, KEY, DynamoDbGateway, dynamodb_gateway
from tests.harnesses.ingest import IngestHarness
from tests.harnesses.store_backends import MotoBackend
from tests.helpers.template import granted
from tests.integration.gateway.test_rights_used import LIMITED_KEY, ask, limited_key, use
from tests.integration.gateway.test_roles import Asked, asked_of, listening, refused, send
from vectorgate.bootstrap import build_meter
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.entrypoints.invoke import handler
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.metering.model import DAY_S
from vectorgate.metering.worker import LATE_SECONDS
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.http.outcome import Outcome, ResponseLost
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from vectorgate.providers.base import UpstreamRequest

pytestmark = pytest.mark.exhaustive
# What a scene here does not come to, and when it is asked.
EARLIER: Final = ("dynamodb:DeleteItem", "IDEM")  # by the code of 0.2.0, until an update has replaced it
ASKED: Final = ("dynamodb:ConditionCheckItem", "BUD")  # likewise, by the release before
ASKED_TOKENS: Final = ("dynamodb:ConditionCheckItem", "RATE")  # likewise, for a response
LEFT: Final = ("dynamodb:BatchGetItem", "OP")  # one reservation in 64, where an account holds something for ten minutes
TOKENS: Final = ("dynamodb:BatchGetItem", "RATE")  # for a response, of a limit of tokens
AGAIN: Final = ("dynamodb:ConditionCheckItem", "OWN")  # an object that a team owns already is answered once more
LENT: Final = ("dynamodb:GetItem", "KEY")  # of who made a store that another team has lent
BILL: Final = ("dynamodb:Query", "USE")  # OpenAI's bill, with an admin key


def unused(role: str, asked: list[Asked]) -> set[tuple[str, str]]:
    """What a role allows, by action and kind of row, and was not asked for. What was asked is allowed."""
    assert refused(role, asked) == set()
    return granted(role) - {(action, key.partition("#")[0]) for action, key, _ in asked}


def test_the_invoke_functions_role_allows_nothing_besides() -> None:
    with dynamodb_gateway(InProcessProvider()) as harness:
        harness.stores.keys.add_key(limited_key(harness))
        function = handler.bound_to(InvokeHandler(harness.gateway))
        with asked_of(harness) as calls:
            for key in (KEY, BOUNDED_KEY, LIMITED_KEY):
                invoke_all(function, key)
            asked = {"operation": "responses.create", "api_key": LIMITED_KEY}
            assert function({**asked, "body": {"model": "gpt-5-mini", "input": "q"}}, None)["status"] == 200
    assert unused("InvokeRole", calls) == {EARLIER, AGAIN, LEFT, ASKED, ASKED_TOKENS}


def invoke_all(function: Any, key: str) -> None:
    """A file and a store from their creation to their end; the create is sent twice."""

    def invoked(operation: str, **given: Any) -> Any:
        answer = function({"operation": operation, "api_key": key, **given}, None)
        assert answer["status"] == 200, answer
        return answer["body"]

    upload = {"purpose": "assistants", "filename": "a.txt", "content": base64.b64encode(b"text").decode()}
    file = invoked("files.create", body=upload)["id"]
    for _ in range(2):
        body = {"name": "x", "file_ids": [file]}
        store = invoked("vector_stores.create", body=body, idempotency_key=f"one-{key}")["id"]
    invoked("vector_stores.retrieve", vector_store_id=store)
    invoked("vector_stores.search", vector_store_id=store, body={"query": "q"})
    invoked("vector_stores.list")
    invoked("vector_stores.delete", vector_store_id=store)
    invoked("files.delete", file_id=file)


class OnlyIngesting(IngestHarness):
    """Ingestion without the meter beside it."""

    def sweep(self) -> None:
        """Leave open rows to the meter's own role."""


def test_the_ingest_functions_role_allows_nothing_besides() -> None:
    with mock_aws():
        harness = OnlyIngesting(stores=stores_of(MotoBackend().table))
        rates: dict[str, Any] = {"rpm_limit": 10_000, "tpm_limit": 10**6, "max_parallel_requests": 9}
        limit = Limit(since=0, max_budget=NanoUSD(10**12), duration="1mo", store_rules=RULES, **rates)
        harness.stores.budgets.add_limit(Subject(BudgetScope.TEAM, "red"), limit)
        with listening(harness.stores) as calls:
            harness.ingest()
            harness.ingest(content=b"hello again")
            harness.send(harness.bucket.remove("acme/docs/guide.md"))
            harness.run()
    assert unused("IngestRole", calls) == {EARLIER, AGAIN, LENT, LEFT, TOKENS, ASKED}


def test_what_settles_and_meters_is_allowed_nothing_besides() -> None:
    provider = Losing()
    with dynamodb_gateway(provider) as harness:
        meter = build_meter(harness.settings, harness.deps)
        stores = leave_open(harness, provider)
        now_ms = harness.deps.clock.unix_ms()
        today = RecordQuery(start_ms=now_ms - 10**6, end_ms=now_ms + 10**6, limit=1000)
        rows = harness.stores.ledger.search(today)
        answered = [(row.id, row) for row in rows if row.state is State.ANSWERED]
        with asked_of(harness) as settling:
            for _ in range(2):  # a stream may deliver twice
                harness.settlement.settle_batch(answered)
        with asked_of(harness) as metering:
            for _ in range(4):
                harness.deps.clock.sleep(LATE_SECONDS)
                meter.tick()
                meter.tick()
            harness.deps.clock.sleep(DAY_S)
            meter.tick()
            for store in stores:
                provider.openai.stores.pop(store, None)
            for _ in range(4):
                harness.deps.clock.sleep(DAY_S)
                meter.tick()
    assert unused("UsageLoggerRole", settling) == set()
    assert unused("MeterRole", metering) == {AGAIN, BILL}


def leave_open(harness: DynamoDbGateway, provider: Losing) -> list[str]:
    """Calls of every outcome: answered, lost, sent again, and crashed once the owner was written. Stores that stay."""
    use(harness, BOUNDED_KEY)
    kept, gone = (ask(harness, BOUNDED_KEY, "POST", "/v1/vector_stores", {"name": name})["id"] for name in ("a", "b"))
    provider.dropped = 1
    again = ask(harness, BOUNDED_KEY, "POST", "/v1/vector_stores", {"name": "sent again"})["id"]
    provider.lost = {(method, "vector_stores") for method in ("POST", "DELETE", "GET")}
    assert send(harness, "POST", "/v1/vector_stores", BOUNDED_KEY, **{"idempotency-key": "lost"}) == 502
    assert send(harness, "DELETE", f"/v1/vector_stores/{gone}", BOUNDED_KEY) == 502
    provider.lost = set()
    crash_after_the_owner(harness)
    return [kept, again]


def crash_after_the_owner(harness: DynamoDbGateway) -> None:
    """A create that is answered, and whose row is not."""
    ledger: Any = harness.stores.ledger

    def unavailable(*_: object, **__: object) -> None:
        raise StoreUnavailable("simulated")

    ledger.advance = unavailable
    assert send(harness, "POST", "/v1/vector_stores", BOUNDED_KEY, **{"idempotency-key": "crash"}) == 200
    del ledger.advance


RULES: Final = json.dumps({"max_vector_stores": 9})


@dataclass
class Losing(InProcessProvider):
    """The provider, whose answers to what `lost` names are lost after it has acted.

    `dropped`: so many creates of stores are lost before it acts.
    """

    lost: set[tuple[str, str]] = field(default_factory=set)
    dropped: int = 0

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Act, and answer unless the answer is lost."""
        call = (request.method, request.url.partition("?")[0].split("/")[4])
        if call == ("POST", "vector_stores") and self.dropped:
            self.dropped -= 1
            return ResponseLost(timed_out=False)
        answered = super().send(request, seconds=seconds)
        return ResponseLost(timed_out=False) if call in self.lost else answered

"""The gateway on DynamoDB (moto), with a provider that always answers: what is counted is what it asks of AWS."""

from __future__ import annotations

import itertools
import json
import random
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from moto import mock_aws

from tests.contract.recorder import CallRecorder
from tests.factories.entries import answered_row
from tests.fakes.clock import FakeClock
from tests.harnesses.gateway import RecordingTelemetry, secret_text
from vectorgate.api.http import JSON, Body, Request, Response
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import Deps, build_gateway, price_book
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.clock import Random
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, key_id_of
from vectorgate.ledger.entry import State
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.dynamodb import TABLE_DEFINITION, DynamoTable, stores_of
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.base import UpstreamRequest, UpstreamResponse
from vectorgate.providers.credentials import Credentials, SecretsManager
from vectorgate.providers.http.outcome import Outcome, Replied
from vectorgate.settings import Settings
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.persistence.stores import Stores

OPENAI = ProviderName("openai")
KEY = "sk-counted"
BOUNDED_KEY = "sk-counted-and-bounded"  # of a team; the key and the team have a budget each
TEAM = "counting"
PLAIN_BODY = b'{"name": "counted", "metadata": {"project": "rag-system"}}'
FILES = ("file-abc123", "file-def456")
# What LiteLLM's reference page sends to create a store.
PAGE_BODY = json.dumps(
    {
        "name": "My Document Store",
        "file_ids": FILES,
        "expires_after": {"anchor": "last_active_at", "days": 7},
        "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}},
        "metadata": {"project": "rag-system", "environment": "production"},
    }
).encode()
SECRET_NAME = "vectorgate/openai"


class ConstantProvider:
    """A Transport whose every create succeeds, with a new id each."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """A store."""
        del request, seconds
        store = {"id": f"vs_{next(self._numbers):032x}", "object": "vector_store", "created_at": 1_699_061_776}
        return Replied(UpstreamResponse(status=200, headers={}, body=Body.of(json.dumps(store).encode())))


@dataclass
class Counted:
    """A gateway and its books, and a recorder of what they ask of DynamoDB."""

    gateway: Gateway
    settlement: SettlementService
    recorder: CallRecorder

    def create(self, body: bytes = PLAIN_BODY, key: str = KEY) -> Response:
        """One create through the whole descent."""
        headers = {"authorization": f"Bearer {key}", "content-type": JSON}
        return self.gateway.handle(
            Request(method="POST", path="/v1/vector_stores", headers=headers, body=Body.of(body))
        )

    def create_as_the_page_does(self) -> Response:
        """The reference page's body, by a key with a budget, of a team with one."""
        return self.create(PAGE_BODY, BOUNDED_KEY)


@contextmanager
def counted() -> Iterator[Counted]:
    """The whole thing on an emulated account."""
    with mock_aws():
        time, notes = FakeClock(), RecordingTelemetry()
        clock, randomness = time.clock(), Random(random.SystemRandom().getrandbits)
        table = DynamoTable(f"counted-{uuid.uuid4().hex}", clock=clock, randomness=randomness, region="us-east-1")
        table.client.create_table(TableName=table.name, **TABLE_DEFINITION)
        stores = stores_of(table)
        stores.keys.add_key(VirtualKey(id=key_id_of(KEY), created_at=clock.unix_s()))
        _fund(stores, clock)
        settings = Settings(table=table.name, secrets={OPENAI: SECRET_NAME})
        boto3.client("secretsmanager", region_name="us-east-1").create_secret(
            Name=SECRET_NAME, SecretString=secret_text("https://api.openai.com/v1")
        )
        gateway = build_gateway(
            settings,
            Deps(
                stores=stores,
                credentials=Credentials(SecretsManager(region="us-east-1"), settings.secrets, clock),
                transport=ConstantProvider(),
                telemetry=notes,
                clock=clock,
                randomness=randomness,
            ),
        )
        recorder = CallRecorder()
        with recorder.watching(table.client):
            yield Counted(gateway, SettlementService(stores.ledger, price_book(), notes), recorder)


def _fund(stores: Stores, clock: Clock) -> None:
    """A team with a budget, a key of it with another, and two files that the team owns."""
    now = clock.unix_s()
    most = NanoUSD(1_000_000_000)
    key = VirtualKey(id=key_id_of(BOUNDED_KEY), created_at=now, team_id=TEAM, max_budget=most, budget_duration="1d")
    stores.keys.add_key(key)
    stores.budgets.add_limit(Subject(BudgetScope.TEAM, TEAM), Limit(since=now, max_budget=most, duration="1mo"))
    owned = [
        Ownership(
            ref=ObjectRef(OPENAI, ObjectKind.FILE, ObjectId(name)),
            tenant=key.tenant,
            key_id=key.id,
            created_at=now,
            snapshot=json.dumps({"id": name, "bytes": 1_000_000}),  # a day of which is set aside
        )
        for name in FILES
    ]
    uploads = answered_row(0, operation="files.create", team=TEAM).changed(state=State.STARTED)
    stores.ledger.begin(uploads)
    stores.ledger.advance(uploads.transition(State.VOIDED), since=State.STARTED, owned=owned)

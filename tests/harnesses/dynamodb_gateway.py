"""The gateway on DynamoDB (moto), with a provider whose creates all succeed, to count its calls of AWS."""

from __future__ import annotations

import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from moto import mock_aws

from tests.factories.ledger import answered_row
from tests.factories.secrets import secret_text
from tests.fakes.clock import FakeClock
from tests.fakes.constant_provider import ConstantProvider
from tests.fakes.randomness import never_the_turn
from tests.fakes.telemetry import RecordingTelemetry
from tests.helpers.call_recorder import CallRecorder
from tests.helpers.quick_moto import quicken
from vectorgate.api.http import JSON, Body, Request, Response
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import build_gateway, build_settlement
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ids import ObjectId, ObjectKind, ProviderName
from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb import TABLE_DEFINITION, DynamoTable, stores_of
from vectorgate.persistence.stores import Deps
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.credentials import Credentials, SecretsManager
from vectorgate.settings import Settings
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ledger.settlement import SettlementService
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.telemetry import Telemetry

OPENAI = ProviderName("openai")
KEY = "sk-counted"
BOUNDED_KEY = "sk-counted-and-bounded"  # of a team; both have a budget
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


@dataclass
class DynamoDbGateway:
    """A gateway, the settlement of its ledger, and a recorder of their calls of DynamoDB."""

    gateway: Gateway
    settlement: SettlementService
    recorder: CallRecorder
    stores: Stores
    settings: Settings
    deps: Deps
    table: DynamoTable

    def create(self, body: bytes = PLAIN_BODY, key: str = KEY) -> Response:
        """Create a vector store through the whole pipeline."""
        headers = {"authorization": f"Bearer {key}", "content-type": JSON}
        return self.gateway.handle(
            Request(method="POST", path="/v1/vector_stores", headers=headers, body=Body.of(body))
        )

    def create_of_reference_page(self) -> Response:
        """Create the reference page's vector store, by a key with a budget, of a team with a budget."""
        return self.create(PAGE_BODY, BOUNDED_KEY)


@contextmanager
def dynamodb_gateway(
    transport: Transport | None = None, telemetry: Telemetry | None = None
) -> Iterator[DynamoDbGateway]:
    """Set up the gateway on an emulated account; by default creates alone succeed, and telemetry is kept in memory."""
    quicken()
    with mock_aws():
        clock, randomness = FakeClock().clock(), never_the_turn()
        table = DynamoTable(f"counted-{uuid.uuid4().hex}", clock=clock, randomness=randomness, region="us-east-1")
        # Without the stream, which no test reads: moto copies it at each transaction.
        table.client.create_table(
            TableName=table.name, **{**TABLE_DEFINITION, "StreamSpecification": {"StreamEnabled": False}}
        )
        stores = stores_of(table)
        stores.keys.add_key(VirtualKey(id=key_id_of(KEY), created_at=clock.unix_s(), models=("gpt-5-mini",)))
        _fund(stores, clock)
        settings = Settings(table=table.name, secrets={OPENAI: SECRET_NAME})
        boto3.client("secretsmanager", region_name="us-east-1").create_secret(
            Name=SECRET_NAME, SecretString=secret_text("https://api.openai.com/v1")
        )
        deps = Deps(
            stores=stores,
            credentials=Credentials(SecretsManager(region="us-east-1"), settings.secrets, clock),
            transport=transport or ConstantProvider(),
            telemetry=telemetry or RecordingTelemetry(),
            clock=clock,
            randomness=randomness,
        )
        recorder, settlement = CallRecorder(), build_settlement(settings, stores, deps.telemetry)
        with recorder.watching(table.client):
            yield DynamoDbGateway(build_gateway(settings, deps), settlement, recorder, stores, settings, deps, table)


def _fund(stores: Stores, clock: Clock) -> None:
    """Add a team with a budget, a key of that team with another one, and two files that the team owns."""
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
            snapshot=json.dumps({"id": name, "bytes": 1_000_000}),  # a day of its storage is reserved
        )
        for name in FILES
    ]
    uploads = answered_row(0, operation="files.create", team=TEAM).changed(state=State.STARTED)
    stores.ledger.begin(uploads)
    stores.ledger.advance(uploads.transition(State.VOIDED), since=State.STARTED, owned=owned)

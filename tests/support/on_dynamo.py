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
from tests.support.clock import FakeClock
from tests.support.gates import Notes, secret_text
from vectorgate.assembly import build_gateway
from vectorgate.clock import Chance
from vectorgate.ids import ProviderName, key_id_of
from vectorgate.keys.model import VirtualKey
from vectorgate.ledger.stream import Bookkeeper
from vectorgate.messages import JSON, Body, Request, Response
from vectorgate.providers.base import UpstreamRequest, UpstreamResponse
from vectorgate.runtime import price_book
from vectorgate.settings import Settings
from vectorgate.stores.dynamodb import TABLE_DEFINITION, DynamoTable, stores_of
from vectorgate.upstream.credentials import Credentials, SecretsManager
from vectorgate.upstream.outcome import Outcome, Replied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.gateway import Gateway

KEY = "sk-counted"
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
    bookkeeper: Bookkeeper
    recorder: CallRecorder

    def create(self) -> Response:
        """One create through the whole descent."""
        headers = {"authorization": f"Bearer {KEY}", "content-type": JSON}
        body = Body.of(b'{"name": "counted", "metadata": {"project": "rag-system"}}')
        return self.gateway.handle(Request(method="POST", path="/v1/vector_stores", headers=headers, body=body))


@contextmanager
def counted() -> Iterator[Counted]:
    """The whole thing on an emulated account."""
    with mock_aws():
        time, notes = FakeClock(), Notes()
        clock, chance = time.clock(), Chance(random.SystemRandom().getrandbits)
        table = DynamoTable(f"counted-{uuid.uuid4().hex}", clock=clock, chance=chance, region="us-east-1")
        table.client.create_table(TableName=table.name, **TABLE_DEFINITION)
        stores = stores_of(table)
        stores.keys.add_key(VirtualKey(id=key_id_of(KEY), created_at=clock.unix_s()))
        settings = Settings(table=table.name, secrets={ProviderName("openai"): SECRET_NAME})
        boto3.client("secretsmanager", region_name="us-east-1").create_secret(
            Name=SECRET_NAME, SecretString=secret_text("https://api.openai.com/v1")
        )
        gateway = build_gateway(
            settings,
            stores=stores,
            credentials=Credentials(SecretsManager(region="us-east-1"), settings.secrets, clock),
            transport=ConstantProvider(),
            telemetry=notes,
            clock=clock,
            chance=chance,
        )
        recorder = CallRecorder()
        with recorder.watching(table.client):
            yield Counted(gateway, Bookkeeper(stores.ledger, price_book(), notes), recorder)

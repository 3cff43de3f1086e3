"""A whole gateway in memory: real handlers, real sockets up and down, SQLite in memory, time in the test's hands."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from local.server import WsgiApp, listen
from tests.fakes.clock import FakeClock
from tests.fakes.openai import PlainOpenAI
from tests.fakes.upstream import FaultyUpstream
from vectorgate.admin.app import AdminApp
from vectorgate.admin.deps import AdminDeps
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import Deps, build_gateway, price_book
from vectorgate.clock import Random
from vectorgate.entrypoints.admin import handler as admin_handler
from vectorgate.entrypoints.api import handler as api_handler
from vectorgate.ids import KeyId, OperationId, ProviderName, key_id_of
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.sqlite import open_stores
from vectorgate.providers.credentials import Credentials, Secret, SecretUnavailable
from vectorgate.providers.http.transport import PooledTransport
from vectorgate.settings import MIB, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from vectorgate.entrypoints.lambda_http import LambdaResponse
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.credentials import SecretSource
    from vectorgate.telemetry import Telemetry

PROVIDER = ProviderName("openai")
# Canaries: no eight characters of one stand in another, nor in anything else that a test makes.
MASTER_KEY = "sk-Mq7RwXz0Lp4TnB9vKc2J"
PROVIDER_KEY = "sk-proj_U3hYdE6sGfA1oZiW8xNb"
CHANCE = Random(random.SystemRandom().getrandbits)
ALL_TIME = RecordQuery(start_ms=0, end_ms=0, limit=100_000)


@dataclass
class FakeSecretSource:
    """A SecretSource that counts its readings; without a text it is away."""

    text: str | None
    readings: int = 0

    def read(self, name: str) -> str:
        """The text."""
        self.readings += 1
        if self.text is None:
            raise SecretUnavailable(name)
        return self.text


def secret_text(base_url: str, api_key: str = PROVIDER_KEY) -> str:
    """A provider's secret."""
    return json.dumps({"type": "openai", "base_url": base_url, "api_key": api_key})


@dataclass
class RecordingTelemetry:
    """Telemetry that remembers."""

    requests: list[LedgerEntry] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)
    named: list[OperationId] = field(default_factory=list)  # rows that a trouble was with

    def request_completed(self, entry: LedgerEntry) -> None:
        self.requests.append(entry)

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        del entry
        self.troubles.append(error)

    def unexpected_error(self, error: BaseException) -> None:
        self.troubles.append(error)

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        self.task_failed("SettleFailures", error, entry)

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        del metric
        self.troubles.append(error)
        self.named += [entry.id] if entry is not None else []

    def count(self, name: str, value: int = 1) -> None:
        """Not remembered."""

    def flush(self) -> None:
        """Nothing to hand on."""


class GatewayHarness:
    """The gateway, its administrator's app, its books, and the provider behind it."""

    def __init__(
        self,
        *,
        database: str = ":memory:",
        telemetry: Telemetry | None = None,
        around: Callable[[Stores], Stores] = lambda stores: stores,
    ) -> None:
        self.time = FakeClock()
        self.openai = PlainOpenAI()
        self.upstream = FaultyUpstream(self.openai.act)
        self.notes = RecordingTelemetry()
        self.stores = open_stores(database)
        self.secret_source = FakeSecretSource(secret_text(self.upstream.url))
        self.transport = PooledTransport(self.time.clock())
        self._telemetry = telemetry or self.notes
        self.gateway = self._gateway(around(self.stores))
        self.app = AdminApp(
            master_key=Secret(MASTER_KEY),
            deps=AdminDeps(stores=self.stores, clock=self.time.clock(), randomness=CHANCE, book=price_book()),
            telemetry=self._telemetry,
        )
        self.settlement = SettlementService(self.stores.ledger, price_book(), self._telemetry)

    def _gateway(self, stores: Stores) -> Gateway:
        return self._gateway_of({PROVIDER: "secret"}, self.secret_source, stores)

    def _gateway_of(self, secrets: Mapping[ProviderName, str], secret_source: SecretSource, stores: Stores) -> Gateway:
        clock = self.time.clock()
        return build_gateway(
            Settings(table="-", secrets=secrets, plain_http=True, max_upload=32 * MIB),
            Deps(
                stores=stores,
                credentials=Credentials(secret_source, secrets, clock, plain_http=True),
                transport=self.transport,
                telemetry=self._telemetry,
                clock=clock,
                randomness=CHANCE,
            ),
        )

    def api(self, event: Mapping[str, object], context: object = None) -> LambdaResponse:
        """The deployed handler, bound to this gateway."""
        return api_handler.bound_to(self.gateway)(event, context)

    def admin(self, event: Mapping[str, object], context: object = None) -> LambdaResponse:
        """The deployed handler, bound to this app."""
        return admin_handler.bound_to(self.app)(event, context)

    def key(self, secret: str, *, team: str | None = None, **fields: Any) -> str:
        """Let `secret` be a virtual key."""
        row = VirtualKey(id=key_id_of(secret), created_at=self.time.clock().unix_s(), team_id=team, **fields)
        self.stores.keys.add_key(row)
        return secret

    def rows(self) -> list[LedgerEntry]:
        """The ledger, oldest first."""
        now_ms = self.time.clock().unix_ms()
        query = replace(ALL_TIME, start_ms=now_ms - 300 * 86_400_000, end_ms=now_ms + 86_400_000)
        return list(self.stores.ledger.search(query))[::-1]

    def row(self) -> LedgerEntry:
        """The ledger's only row."""
        (entry,) = self.rows()
        return entry

    def settle(self) -> int:
        """Book what waits."""
        return self.settlement.settle_waiting(1_000)

    def close(self) -> None:
        """Let go of everything."""
        self.transport.close()
        self.upstream.close()
        self.stores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GatewayServer:
    """One real server for many gates, one at a time: the one-machine edition's own front, in this process."""

    def __init__(self) -> None:
        self.harness: GatewayHarness | None = None
        front = WsgiApp(lambda event, context: self._open().api(event, context), self._admin)
        serve, self.port = listen(front, "127.0.0.1", 0)
        threading.Thread(target=serve, name="door", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"http://127.0.0.1:{self.port}"

    def _admin(self, event: Mapping[str, object], context: object) -> LambdaResponse:
        return self._open().admin(event, context)

    def _open(self) -> GatewayHarness:
        if self.harness is None:
            raise RuntimeError("no gate behind this door")
        return self.harness


def key_id(secret: str) -> KeyId:
    """A key's name in the books."""
    return key_id_of(secret)

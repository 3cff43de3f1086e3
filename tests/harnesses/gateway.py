"""A whole gateway in one process: deployed handlers, SQLite, sockets on both sides, and a clock that a test moves."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from local.server.app import App, Handlers
from local.server.listening import listen
from tests.factories.secrets import MASTER_KEY, secret_text
from tests.fakes.clock import FakeClock
from tests.fakes.openai import FakeOpenAI
from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import RecordingTelemetry
from tests.fakes.upstream import FaultyUpstream
from tests.helpers.memory_stores import memory_stores
from vectorgate.admin.app import AdminApp
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import (
    SEARCH_PROVIDER,
    build_admin_deps,
    build_gateway,
    build_reader,
    build_settlement,
    system_random,
)
from vectorgate.entrypoints.admin import handler as admin_handler
from vectorgate.entrypoints.api import handler as api_handler
from vectorgate.gateway.store_deletion import StoreDeletion
from vectorgate.ids import ProviderName
from vectorgate.ledger.ports import RecordQuery
from vectorgate.persistence.sqlite import open_stores
from vectorgate.persistence.stores import Deps
from vectorgate.providers.credentials import Credentials, Secret
from vectorgate.providers.documents import ReaderDocuments
from vectorgate.providers.http.transport import PooledTransport
from vectorgate.settings import MIB, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from openai import OpenAI

    from vectorgate.entrypoints.lambda_http import LambdaResponse
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook
    from vectorgate.telemetry import Telemetry

PROVIDER = ProviderName("openai")
RANDOMNESS = system_random()
DAY_MS = 86_400_000


class Connect(Protocol):
    """Make a client of the gateway under test. Without retries by default, so that calls can be counted."""

    def __call__(self, key: str, *, max_retries: int = 0) -> OpenAI: ...


class GatewayHarness:
    """The gateway, the administrator's app, their stores, and the provider behind them.

    `database` is the path of a file; without it the stores are in memory. `around` wraps the stores that the gateway
    alone gets. `telemetry` replaces the recording one.
    """

    secrets: ClassVar[Mapping[ProviderName, str]] = {PROVIDER: "secret"}  # the name of each provider's secret

    def __init__(
        self,
        *,
        database: str | None = None,
        telemetry: Telemetry | None = None,
        around: Callable[[Stores], Stores] = lambda stores: stores,
    ) -> None:
        self.time = FakeClock()
        self.openai = FakeOpenAI()
        self.upstream = FaultyUpstream(self.openai.act)
        self.telemetry = RecordingTelemetry()
        self.stores = memory_stores() if database is None else open_stores(database)
        self.secret_source = FakeSecretSource(secret_text(self.upstream.url))
        self.transport = PooledTransport(self.time.clock())
        self.settings = Settings(table="-", secrets=self.secrets, plain_http=True, max_upload=32 * MIB)
        self.deps = self._deps(around(self.stores), telemetry or self.telemetry)
        self.gateway = self.build()
        self.app = AdminApp(
            master_key=Secret(MASTER_KEY),
            deps=build_admin_deps(
                self.settings,
                self.stores,
                self.deps.clock,
                RANDOMNESS,
                ReaderDocuments(
                    build_reader(self.settings, self.deps),
                    without=SEARCH_PROVIDER,
                    deletion=StoreDeletion(self.gateway),
                ),
            ),
            telemetry=self.deps.telemetry,
        )
        self.settlement = build_settlement(self.settings, self.stores, self.deps.telemetry)

    def _deps(self, stores: Stores, telemetry: Telemetry) -> Deps:
        clock = self.time.clock()
        return Deps(
            stores=stores,
            credentials=Credentials(self.secret_source, self.secrets, clock, plain_http=True),
            transport=self.transport,
            telemetry=telemetry,
            clock=clock,
            randomness=RANDOMNESS,
        )

    def build(self, book: PriceBook | None = None, **changes: Any) -> Gateway:
        """Build a gateway of this harness's settings and dependencies.

        `book`: other prices. `changes`: other dependencies.
        """
        return build_gateway(self.settings, replace(self.deps, **changes), book=book)

    def api(self, event: Mapping[str, object], context: object = None) -> LambdaResponse:
        """Call the deployed api handler, bound to this gateway."""
        return api_handler.bound_to(self.gateway)(event, context)

    def admin(self, event: Mapping[str, object], context: object = None) -> LambdaResponse:
        """Call the deployed admin handler, bound to this app."""
        return admin_handler.bound_to(self.app)(event, context)

    def key(self, secret: str, *, team: str | None = None, **fields: Any) -> str:
        """Add a virtual key whose secret is given, and return the secret."""
        row = VirtualKey(id=key_id_of(secret), created_at=self.deps.clock.unix_s(), team_id=team, **fields)
        self.stores.keys.add_key(row)
        return secret

    def rows(self) -> list[LedgerEntry]:
        """Return the ledger, oldest entry first."""
        now_ms = self.deps.clock.unix_ms()
        query = RecordQuery(start_ms=now_ms - 300 * DAY_MS, end_ms=now_ms + DAY_MS, limit=100_000)
        return list(self.stores.ledger.search(query))[::-1]

    def row(self) -> LedgerEntry:
        """Return the only entry of the ledger."""
        (entry,) = self.rows()
        return entry

    def settle(self) -> int:
        """Settle what is answered, and return how many entries that were."""
        return self.settlement.settle_waiting(1_000)

    def close(self) -> None:
        """Close connections, sockets and the database."""
        self.transport.close()
        self.upstream.close()
        self.stores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GatewayServer:
    """Local mode's HTTP server in this process, in front of one harness at a time."""

    def __init__(self) -> None:
        self.harness: GatewayHarness | None = None
        app = App(Handlers(api=lambda event, context: self._current().api(event, context), admin=self._admin))
        serve, self.port = listen(app, "127.0.0.1", 0, drain_seconds=0)
        threading.Thread(target=serve, name="gateway-server", daemon=True).start()

    @property
    def url(self) -> str:
        """The base URL, without `/v1`."""
        return f"http://127.0.0.1:{self.port}"

    def _admin(self, event: Mapping[str, object], context: object) -> LambdaResponse:
        return self._current().admin(event, context)

    def _current(self) -> GatewayHarness:
        if self.harness is None:
            raise RuntimeError("no harness is set")
        return self.harness

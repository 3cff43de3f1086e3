"""A whole gateway in memory: real handlers, real sockets up and down, SQLite in memory, time in the test's hands."""

from __future__ import annotations

import json
import random
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from functions.admin.app import handler as admin_handler
from functions.api.app import handler as api_handler
from local.server import Front, listen
from tests.fakes.clock import FakeClock
from tests.fakes.openai import PlainOpenAI
from tests.fakes.upstream import FaultyUpstream
from vectorgate.admin.app import AdminDesk
from vectorgate.admin.deps import AdminParts
from vectorgate.bootstrap import build_gateway
from vectorgate.clock import Chance
from vectorgate.ids import KeyId, OperationId, ProviderName, key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.settlement import Bookkeeper
from vectorgate.deps import Ports
from vectorgate.bootstrap_runtime import price_book
from vectorgate.secrets import Secret
from vectorgate.settings import MIB, Settings
from vectorgate.persistence.sqlite import open_stores
from vectorgate.providers.credentials import Credentials, SecretUnavailable
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.entrypoints.lambda_http import Result
    from vectorgate.ledger.entry import Entry
    from vectorgate.telemetry import Telemetry
    from vectorgate.persistence import Stores
    from vectorgate.providers.credentials import SecretSource

PROVIDER = ProviderName("openai")
# Canaries: no eight characters of one stand in another, nor in anything else that a test makes.
MASTER_KEY = "sk-Mq7RwXz0Lp4TnB9vKc2J"
PROVIDER_KEY = "sk-proj_U3hYdE6sGfA1oZiW8xNb"
CHANCE = Chance(random.SystemRandom().getrandbits)
ALL_TIME = RecordQuery(start_ms=0, end_ms=0, limit=100_000)


@dataclass
class Vault:
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
class Notes:
    """Telemetry that remembers."""

    requests: list[Entry] = field(default_factory=list)
    troubles: list[BaseException] = field(default_factory=list)
    named: list[OperationId] = field(default_factory=list)  # rows that a trouble was with

    def request(self, entry: Entry) -> None:
        self.requests.append(entry)

    def unrecorded(self, entry: Entry, error: Exception) -> None:
        del entry
        self.troubles.append(error)

    def crashed(self, error: BaseException) -> None:
        self.troubles.append(error)

    def unsettled(self, error: Exception, entry: Entry | None = None) -> None:
        self.failed("SettleFailures", error, entry)

    def failed(self, metric: str, error: Exception, entry: Entry | None = None) -> None:
        del metric
        self.troubles.append(error)
        self.named += [entry.id] if entry is not None else []

    def count(self, name: str, value: int = 1) -> None:
        """Not remembered."""

    def flush(self) -> None:
        """Nothing to hand on."""


class Gate:
    """The gateway, its administrator's desk, its books, and the provider behind it."""

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
        self.notes = Notes()
        self.stores = open_stores(database)
        self.vault = Vault(secret_text(self.upstream.url))
        self.transport = PooledTransport(self.time.clock())
        self._telemetry = telemetry or self.notes
        self.gateway = self._gateway(around(self.stores))
        self.desk = AdminDesk(
            master_key=Secret(MASTER_KEY),
            parts=AdminParts(stores=self.stores, clock=self.time.clock(), chance=CHANCE, book=price_book()),
            telemetry=self._telemetry,
        )
        self.bookkeeper = Bookkeeper(self.stores.ledger, price_book(), self._telemetry)

    def _gateway(self, stores: Stores) -> Gateway:
        return self._gateway_of({PROVIDER: "secret"}, self.vault, stores)

    def _gateway_of(self, secrets: Mapping[ProviderName, str], vault: SecretSource, stores: Stores) -> Gateway:
        clock = self.time.clock()
        return build_gateway(
            Settings(table="-", secrets=secrets, plain_http=True, max_upload=32 * MIB),
            Ports(
                stores=stores,
                credentials=Credentials(vault, secrets, clock, plain_http=True),
                transport=self.transport,
                telemetry=self._telemetry,
                clock=clock,
                chance=CHANCE,
            ),
        )

    def api(self, event: Mapping[str, object], context: object = None) -> Result:
        """The deployed handler, bound to this gateway."""
        return api_handler.bound_to(self.gateway)(event, context)

    def admin(self, event: Mapping[str, object], context: object = None) -> Result:
        """The deployed handler, bound to this desk."""
        return admin_handler.bound_to(self.desk)(event, context)

    def key(self, secret: str, *, team: str | None = None, **fields: Any) -> str:
        """Let `secret` be a virtual key."""
        row = VirtualKey(id=key_id_of(secret), created_at=self.time.clock().unix_s(), team_id=team, **fields)
        self.stores.keys.add_key(row)
        return secret

    def rows(self) -> list[Entry]:
        """The ledger, oldest first."""
        now_ms = self.time.clock().unix_ms()
        query = replace(ALL_TIME, start_ms=now_ms - 300 * 86_400_000, end_ms=now_ms + 86_400_000)
        return list(self.stores.ledger.search(query))[::-1]

    def row(self) -> Entry:
        """The ledger's only row."""
        (entry,) = self.rows()
        return entry

    def settle(self) -> int:
        """Book what waits."""
        return self.bookkeeper.settle_waiting(1_000)

    def close(self) -> None:
        """Let go of everything."""
        self.transport.close()
        self.upstream.close()
        self.stores.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Door:
    """One real server for many gates, one at a time: the one-machine edition's own front, in this process."""

    def __init__(self) -> None:
        self.gate: Gate | None = None
        front = Front(lambda event, context: self._open().api(event, context), self._admin)
        serve, self.port = listen(front, "127.0.0.1", 0)
        threading.Thread(target=serve, name="door", daemon=True).start()

    @property
    def url(self) -> str:
        """Where it stands."""
        return f"http://127.0.0.1:{self.port}"

    def _admin(self, event: Mapping[str, object], context: object) -> Result:
        return self._open().admin(event, context)

    def _open(self) -> Gate:
        if self.gate is None:
            raise RuntimeError("no gate behind this door")
        return self.gate


def key_id(secret: str) -> KeyId:
    """A key's name in the books."""
    return key_id_of(secret)

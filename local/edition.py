"""The composition root of the one-machine edition: the deployed handlers around SQLite stores and a settle loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, cast

from functions.admin.app import handler as admin_handler
from functions.api.app import handler as api_handler
from local.report import LineTelemetry
from local.settle_loop import SettleLoop
from vectorgate.admin.desk import AdminDesk
from vectorgate.admin.parts import AdminParts
from vectorgate.assembly import build_gateway
from vectorgate.ids import ObjectId, ProviderName, key_id_of
from vectorgate.keys.model import VirtualKey
from vectorgate.ledger.stream import Bookkeeper
from vectorgate.messages import encode_json
from vectorgate.runtime import price_book, system_chance, system_clock
from vectorgate.secret import Secret
from vectorgate.settings import MIB, Settings
from vectorgate.stores import AlreadyExists, Stores
from vectorgate.stores.sqlite import open_stores
from vectorgate.tenancy.model import Kind, Ownership, Ref
from vectorgate.upstream.credentials import Credentials
from vectorgate.upstream.transport import PooledTransport

if TYPE_CHECKING:
    from pathlib import Path

    from vectorgate.stores.sqlite import SqliteLedger

PROVIDER: Final = ProviderName("openai")
DEMO_FILES: Final = ("file-abc123", "file-def456")
SETTINGS: Final = Settings(
    table="-",
    secrets={PROVIDER: "one-machine"},
    plain_http=True,
    max_upload=513 * MIB,
    too_large="File too large: expected at most 512 MB, which is the most that OpenAI takes.",
)


class OneSecret:
    """The secret that the process was started with."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self, name: str) -> str:
        """The same for every name: there is one provider."""
        del name
        return self._text


class Edition:
    """Everything that runs in the process: two handlers, the stores, and the loop that books."""

    def __init__(self, *, database: Path, secret: str, master_key: str) -> None:
        clock, chance = system_clock(), system_chance()
        self._telemetry = LineTelemetry()
        self._loop = SettleLoop()
        self._stores = open_stores(str(database), on_answered=self._loop.notify)
        self._transport = PooledTransport(clock)
        seed(self._stores, master_key)
        gateway = build_gateway(
            SETTINGS,
            stores=self._stores,
            credentials=Credentials(OneSecret(secret), SETTINGS.secrets, clock, plain_http=True),
            transport=self._transport,
            telemetry=self._telemetry,
            clock=clock,
            chance=chance,
        )
        desk = AdminDesk(
            master_key=Secret(master_key),
            parts=AdminParts(stores=self._stores, clock=clock, chance=chance),
            telemetry=self._telemetry,
        )
        self.api = api_handler.bound_to(gateway)
        self.admin = admin_handler.bound_to(desk)
        self._thread = self._loop.start(Bookkeeper(self._stores.ledger, price_book(), self._telemetry))

    def close(self) -> None:
        """Book what is being booked, then let go of everything."""
        self._loop.stop()
        self._thread.join(10)
        self._transport.close()
        self._stores.close()


def seed(stores: Stores, master_key: str) -> None:
    """The edition's one key, and its ownership of the demo files that the reference page's samples name."""
    key = VirtualKey(id=key_id_of(master_key), created_at=int(time.time()), alias="one-machine")
    try:
        stores.keys.add_key(key)
    except AlreadyExists:
        return
    cast("SqliteLedger", stores.ledger).give([_demo_file(file_id, key) for file_id in DEMO_FILES])


def _demo_file(file_id: str, key: VirtualKey) -> Ownership:
    shown = {
        "id": file_id,
        "object": "file",
        "bytes": 0,
        "created_at": key.created_at,
        "filename": f"{file_id}.md",
        "purpose": "assistants",
        "status": "processed",
        "expires_at": None,
        "status_details": None,
    }
    return Ownership(
        ref=Ref(PROVIDER, Kind.FILE, ObjectId(file_id)),
        tenant=key.tenant,
        key_id=key.id,
        created_at=key.created_at,
        snapshot=encode_json(shown).decode("ascii"),
    )

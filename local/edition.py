"""The composition root of the one-machine edition: the deployed handlers around SQLite stores and a settle loop."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, cast

from local.demo import give_demo_files
from local.invoke_api import InvokeApi
from local.options import METER_SECONDS, OPENAI
from local.report import LineTelemetry
from local.settle_loop import SettleLoop
from local.ticker import Ticker
from local.watched import BUCKET, Folder, SaidResults, Watcher
from vectorgate.admin.app import AdminApp
from vectorgate.admin.deps import AdminDeps
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import Deps, build_gateway, build_meter, price_book, system_clock, system_random
from vectorgate.entrypoints.admin import handler as admin_handler
from vectorgate.entrypoints.api import handler as api_handler
from vectorgate.entrypoints.invoke import handler as invoke_handler
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.ids import ProviderName, key_id_of
from vectorgate.ingest.ingestor import Ingestor
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.sqlite import open_stores
from vectorgate.persistence.stores import Stores
from vectorgate.providers.credentials import Credentials, Secret
from vectorgate.providers.http.transport import PooledTransport
from vectorgate.settings import MIB, Settings
from vectorgate.store_errors import AlreadyExists, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.persistence.sqlite.ingest import SqliteIngest

PROVIDER: Final = OPENAI
NO_SECRETS: Final[Mapping[ProviderName, str]] = MappingProxyType({})
TEAM: Final = "one-machine"  # the edition's own key is of it, so that what is ingested for it is that key's
DEMO_SENDERS: Final[Mapping[str, str]] = MappingProxyType({"demo": TEAM})
LOOK_SECONDS: Final = 2.0  # between two looks at the watched folder
SETTINGS: Final = Settings(
    table="-",
    secrets={PROVIDER: PROVIDER},
    plain_http=True,
    max_upload=513 * MIB,
    too_large="File too large: expected at most 512 MB, which is the most that OpenAI takes.",
)


class OwnSecrets:
    """The secrets that the process was started with, one a provider."""

    def __init__(self, texts: Mapping[ProviderName, str]) -> None:
        self._texts = texts

    def read(self, name: str) -> str:
        """A secret is named like its provider."""
        return self._texts[ProviderName(name)]


class LocalMode:
    """Everything that runs in the process: three handlers, the stores, and the loops that book, meter and ingest.

    `secret` is the default provider's; `others` those of further providers. `prices` as in `Settings`. `ingest` is the
    folder that is watched, if any is; `senders` are the teams behind the folders in it.
    """

    def __init__(
        self,
        *,
        database: Path,
        secret: str,
        master_key: str,
        others: Mapping[ProviderName, str] = NO_SECRETS,
        trust_invoker: bool = False,
        prices: str | None = None,
        meter_seconds: float = METER_SECONDS,
        ingest: Path | None = None,
        senders: Mapping[str, str] | None = None,
    ) -> None:
        self._loop = SettleLoop()
        self._stores = open_stores(str(database), on_answered=self._loop.notify)
        self._key = own_key(self._stores, master_key)
        self._telemetry = LineTelemetry()
        self._transport = PooledTransport(system_clock())
        secrets = {PROVIDER: secret, **others}
        settings = replace(SETTINGS, secrets={name: name for name in secrets}, prices=prices)
        ports = Deps(
            stores=self._stores,
            credentials=Credentials(OwnSecrets(secrets), settings.secrets, system_clock(), plain_http=True),
            transport=self._transport,
            telemetry=self._telemetry,
            clock=system_clock(),
            randomness=system_random(),
        )
        book = price_book(prices)
        gateway = build_gateway(settings, ports)
        desk = AdminApp(
            master_key=Secret(master_key),
            deps=AdminDeps(stores=self._stores, clock=ports.clock, randomness=ports.randomness, book=book),
            telemetry=self._telemetry,
        )
        self.api = api_handler.bound_to(gateway)
        self.admin = admin_handler.bound_to(desk)
        self.invoke = InvokeApi(invoke_handler.bound_to(InvokeHandler(gateway, trusts_invoker=trust_invoker)))
        self._thread = self._loop.start(SettlementService(self._stores.ledger, book, self._telemetry))
        meter = build_meter(settings, ports)
        self._asker = meter.reconciler.reader
        self._tickers = [Ticker("meter", meter_seconds, self._telemetry.unexpected_error)]
        self._threads = [self._thread, self._tickers[0].start(meter.tick)]
        if ingest is not None:
            watcher = _watcher(gateway, self._stores, ingest, DEMO_SENDERS if senders is None else senders)
            self._tickers.append(Ticker("ingest", LOOK_SECONDS, self._telemetry.unexpected_error))
            self._threads.append(self._tickers[1].start(partial(_look, watcher, self._telemetry)))

    def give_demo_files(self) -> None:
        """Let the edition's key own the demo files. ApiError when the default provider does not have them."""
        give_demo_files(self._stores, self._key, PROVIDER, self._asker)

    def close(self) -> None:
        """Book what is being booked, then let go of everything."""
        self.invoke.close()
        for ticker in self._tickers:
            ticker.stop()
        self._loop.stop()
        for thread in self._threads:
            thread.join(10)
        self._transport.close()
        self._stores.close()


def _watcher(gateway: Gateway, stores: Stores, folder: Path, senders: Mapping[str, str]) -> Watcher:
    """What watches the folder; made if it is not there, with a place for each sender."""
    for sender in senders:
        (folder / sender).mkdir(parents=True, exist_ok=True)
    objects = Folder(folder)
    ingestor = Ingestor(
        gateway=gateway,
        store=stores.ingest,
        objects=objects,
        bus=SaidResults(_say),
        senders=senders,
        buckets={BUCKET},
        clock=gateway.clock,
    )
    return Watcher(
        folder=objects,
        row_of=stores.ingest.object_row,
        present_or_unfinished=cast("SqliteIngest", stores.ingest).present_or_unfinished,
        take=ingestor.process,
        clock=gateway.clock,
        say=_say,
    )


def _look(watcher: Watcher, telemetry: LineTelemetry) -> None:
    """One look at the folder. What fails is tried again by the next one."""
    try:
        while watcher.look():
            pass
    except (StoreError, SourceUnavailable) as error:
        telemetry.uningested(error)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def own_key(stores: Stores, master_key: str) -> VirtualKey:
    """The edition's one key, made when it starts for the first time."""
    key = VirtualKey(id=key_id_of(master_key), created_at=int(time.time()), alias="one-machine", team_id=TEAM)
    with suppress(AlreadyExists):
        stores.keys.add_key(key)
    return key

"""The composition of local mode: the deployed handlers around SQLite stores, and the threads that AWS would trigger.

::

    api, admin, invoke    the handlers of the deployed functions, for `local.server` to call
    settle                settles answered rows, as the table's stream does in a deployment
    meter                 samples storage and settles what is late, as the schedule does
    find out              looks at once for what a call made whose answer was lost
    ingest                ingests the watched folder, as notifications of the bucket do
    checkpoint            copies the database's log to its file
"""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Final, cast

from local import demo
from local.dead_letters import LocalDeadLetters
from local.exports import Exporters
from local.folder_source import BUCKET, Folder, watched_folder
from local.folder_watcher import FolderWatcher, ResultLines
from local.kept_writes import KeptWrites, keeping
from local.lambda_api import InvokeApi
from local.local_key import LOCAL_KEY_FILE, KeysWithModels, local_key
from local.options import PROVIDER
from local.telemetry import LineTelemetry
from local.workers import SettleLoop, Ticker, exclusively
from vectorgate.admin.app import AdminApp
from vectorgate.bootstrap import (
    SEARCH_PROVIDER,
    build_admin_deps,
    build_gateway,
    build_meter,
    build_reader,
    build_settlement,
    system_clock,
    system_random,
)
from vectorgate.entrypoints.admin import handler as admin_handler
from vectorgate.entrypoints.api import handler as api_handler
from vectorgate.entrypoints.invoke import handler as invoke_handler
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.gateway.store_deletion import StoreDeletion
from vectorgate.ingest.ingestor import Ingestor
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ledger.reconciliation.interrupted import end_interrupted
from vectorgate.persistence.sqlite import Database, SqliteOutbox, stores_on
from vectorgate.persistence.stores import Deps
from vectorgate.providers.credentials import Credentials, Secret
from vectorgate.providers.documents import ReaderDocuments
from vectorgate.providers.http.transport import PooledTransport
from vectorgate.store_errors import StoreError
from vectorgate.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.options import GivenSecrets, Options
    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.metering.worker import MeterWorker
    from vectorgate.persistence.sqlite.ingest import SqliteIngest
    from vectorgate.persistence.stores import Stores
    from vectorgate.provider_bill.service import ProviderBill
    from vectorgate.settings import Settings

FIND_OUT_SECONDS: Final = 2.0  # between two searches for calls whose answer was lost
SCAN_SECONDS: Final = 2.0  # between two scans of the watched folder
KEPT_SECONDS: Final = 1.0  # between two attempts to write what the disk refused
CHECKPOINT_SECONDS: Final = 1.0  # between two copies of the database's log to its file, which no call waits for
CLOSE_SECONDS: Final = 10.0  # that a thread has to end
CONNECTIONS: Final = 1_000  # to providers: more than there are threads for calls and streams


class LocalMode:
    """Everything that runs in the process. It starts when it is made, and ends with `close`.

    CannotStart for a folder that cannot be watched.
    """

    def __init__(self, options: Options) -> None:
        folder = _watched(options)
        self._settle_loop, self._kept_writes = SettleLoop(), KeptWrites()
        clock, database = system_clock(), Database(str(options.database))
        self._telemetry = LineTelemetry(clock.monotonic)
        self._outbox = SqliteOutbox(database, clock.unix_ms)
        exports = options.exports.are_chosen
        self._stores = stores_on(
            database, on_answered=self._settle_loop.notify, in_settlement=self._outbox.settled if exports else None
        )
        self._settings = options.settings()
        self._deps = _deps(self._settings, self._stores, options.secrets(), self._telemetry, clock)
        self._exporters = Exporters(options.exports, self._outbox, self._deps) if exports else None
        key_file = options.database.with_name(LOCAL_KEY_FILE)
        self._key = local_key(self._stores.keys, options.master_key, clock, key_file)
        end_interrupted(self._stores.ledger, clock)
        gateway = self._gateway(database, options.models)
        meter = build_meter(self._settings, self._deps)
        self._reader = meter.reconciler.reader
        self.authenticator = gateway.authenticator
        self.api = api_handler.bound_to(gateway)
        self.admin = admin_handler.bound_to(self._admin_app(options.master_key, gateway, meter.bill))
        invoke = invoke_handler.bound_to(InvokeHandler(gateway, trusts_invoker=options.trust_invoker))
        self.invoke = InvokeApi(invoke, options.invoke_credentials, clock)
        self._tickers: list[Ticker] = []
        self._threads = [self._settle_loop.start(build_settlement(self._settings, self._stores, self._telemetry))]
        self._start_tickers(meter, options.meter_seconds)
        self._every("checkpoint", CHECKPOINT_SECONDS, lambda: _checkpoint(database))
        if folder is not None:
            watcher = _watcher(gateway, self._stores, folder, options)
            self._every("ingest", SCAN_SECONDS, lambda: _scan(watcher, self._telemetry))

    def give_demo_files(self) -> None:
        """Make the local key the owner of the demo files. ApiError when the default provider does not have them."""
        demo.give_demo_files(self._stores, self._key, PROVIDER, self._reader)

    def close(self) -> None:
        """Finish what is being settled, metered and ingested, then close connections and stores."""
        self.invoke.close()
        for ticker in self._tickers:
            ticker.stop()
        if self._exporters is not None:
            self._exporters.stop()
        self._settle_loop.stop()
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)
        self._kept_writes.try_to_write()
        cast("PooledTransport", self._deps.transport).close()
        self._stores.close()

    def _gateway(self, database: Database, models: tuple[str, ...]) -> Gateway:
        """The pipeline, over stores that keep what the disk refuses. `models`: those of the local key."""
        stores = keeping(self._stores, database, self._kept_writes, self._settle_loop.notify)
        stores = replace(stores, keys=KeysWithModels(database, self._key.id, models))
        return build_gateway(self._settings, replace(self._deps, stores=stores))

    def _start_tickers(self, meter: MeterWorker, meter_seconds: float) -> None:
        sweeping = Lock()  # two sweeps at once would write the same rows
        self._every("meter", meter_seconds, lambda: exclusively(sweeping, meter.tick))
        self._every("find out", FIND_OUT_SECONDS, lambda: exclusively(sweeping, meter.find_out))
        self._every("kept writes", KEPT_SECONDS, self._kept_writes.try_to_write)
        if self._exporters is not None:
            self._exporters.start(self._every)

    def _admin_app(self, master_key: str, gateway: Gateway, bill: ProviderBill | None) -> AdminApp:
        reader, bills = build_reader(self._settings, self._deps), bill.document if bill is not None else None
        reads = ReaderDocuments(reader, without=SEARCH_PROVIDER, deletion=StoreDeletion(gateway), bills=bills)
        clock, randomness = self._deps.clock, self._deps.randomness
        deps = build_admin_deps(self._settings, self._stores, clock, randomness, reads, told=gateway)
        destinations = self._exporters.destinations if self._exporters is not None else {}
        ingest = cast("SqliteIngest", self._stores.ingest)
        dead_letters = LocalDeadLetters(self._outbox, ingest, self._stores.ledger, destinations)
        deps = replace(deps, dead_letters=dead_letters)
        deps = replace(deps, exports=self._exporters) if self._exporters is not None else deps
        return AdminApp(master_key=Secret(master_key), deps=deps, telemetry=self._telemetry)

    def _every(self, name: str, seconds: float, tick: Callable[[], object]) -> None:
        ticker = Ticker(name, seconds, self._telemetry.unexpected_error)
        self._tickers.append(ticker)
        self._threads.append(ticker.start(tick))


def _deps(settings: Settings, stores: Stores, secrets: GivenSecrets, telemetry: LineTelemetry, clock: Clock) -> Deps:
    return Deps(
        stores=stores,
        credentials=Credentials(secrets, settings.credential_names, clock, plain_http=settings.plain_http),
        transport=PooledTransport(clock, most_connections=CONNECTIONS),
        telemetry=telemetry,
        clock=clock,
        randomness=system_random(),
    )


def _watched(options: Options) -> Folder | None:
    if options.ingest is None:
        return None
    return watched_folder(options.ingest, options.senders, options.database.parent)


def _watcher(gateway: Gateway, stores: Stores, folder: Folder, options: Options) -> FolderWatcher:
    senders = options.senders
    ingestor = Ingestor(
        gateway=gateway,
        store=stores.ingest,
        objects=folder,
        bus=ResultLines(_write_line),
        senders=senders,
        buckets={BUCKET},
        clock=gateway.clock,
    )
    store = cast("SqliteIngest", stores.ingest)
    return FolderWatcher(
        folder=folder,
        row_of=store.object_row,
        recorded=store.present_or_unfinished,
        refusals=store,
        circumstances=lambda key: f"{__version__} {options.upstream} {senders.get(key.partition('/')[0], '')}",
        ingest=ingestor.process,
        clock=gateway.clock,
        write_line=_write_line,
    )


def _scan(watcher: FolderWatcher, telemetry: LineTelemetry) -> None:
    """Scan until nothing is due. What fails is tried again by the next tick."""
    try:
        while watcher.scan():
            pass
    except (StoreError, SourceUnavailable) as error:
        telemetry.uningested(error)


def _checkpoint(database: Database) -> None:
    with suppress(StoreError):  # the log holds it all, and the next write says what is wrong with the disk
        database.checkpoint()


def _write_line(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()

"""The meter: on every tick, book what nobody has booked, find out what was left open, and sample what is stored.

Its composition root, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from vectorgate import bootstrap_runtime as runtime
from vectorgate.bootstrap import INDEX_PROVIDER, PROVIDERS
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.ledger.settlement import Bookkeeper
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.sampler import Sampler
from vectorgate.persistence import StoreError
from vectorgate.providers.reader import Asker
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from vectorgate.clock import Clock
    from vectorgate.telemetry import Telemetry
    from vectorgate.deps import Ports
    from vectorgate.settings import Settings

LATE_SECONDS: Final = (
    300  # the stream books within two seconds: of what began before, hardly anything still waits for it
)
BOOKED_AT_ONCE: Final = 1_000  # rows of one tick: some forty transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """What a tick does. Booking first, which needs no provider. A store that is adopted has its maker when sampled."""

    reconciler: Reconciler
    sampler: Sampler
    bookkeeper: Bookkeeper
    clock: Clock
    telemetry: Telemetry

    def tick(self) -> dict[str, int]:
        """One tick: how many rows ended in which way, how many storage records were posted, what was booked late."""
        booked = self._book_late()
        resolved: dict[str, int] = {}
        try:
            resolved = dict(self.reconciler.sweep())
        except StoreError as error:
            self.telemetry.failed("MeterFailures", error)  # an alarm; the next tick does it again
        posted = self.sampler.tick()
        self.telemetry.flush()
        return {**resolved, "posted": posted, "booked": booked}

    def _book_late(self) -> int:
        """What began long ago and is not booked: given up by the stream, never told of by it, or just on its way."""
        before_ms = self.clock.unix_ms() - LATE_SECONDS * MILLISECONDS
        try:
            return self.bookkeeper.settle_waiting(BOOKED_AT_ONCE, before_ms=before_ms)
        except StoreError as error:
            self.telemetry.failed("MeterFailures", error)
            return 0


def build_meter(settings: Settings, ports: Ports) -> Meter:
    """A meter of these parts. It samples every configured provider that stores vectors by the GiB-day."""
    stores, clock, telemetry = ports.stores, ports.clock, ports.telemetry
    providers = {name: PROVIDERS[name](name) for name in settings.secrets}
    asker = Asker(
        providers=providers,
        credentials=ports.credentials,
        transport=ports.transport,
        clock=clock,
        chance=ports.chance,
    )
    book = runtime.price_book(settings.prices)
    return Meter(
        reconciler=Reconciler(
            ledger=stores.ledger, ownership=stores.ownership, asker=asker, clock=clock, telemetry=telemetry
        ),
        sampler=Sampler(
            clock=clock,
            meters=stores.meters,
            ownership=stores.ownership,
            ledger=stores.ledger,
            accounts=Accounts(stores.keys, stores.budgets),
            book=book,
            providers=[name for name in providers if name != INDEX_PROVIDER],
            asker=asker,
            telemetry=telemetry,
        ),
        bookkeeper=Bookkeeper(stores.ledger, book, telemetry),
        clock=clock,
        telemetry=telemetry,
    )


@cache
def deployed_meter() -> Meter:
    """The meter function."""
    transport = PooledTransport(runtime.system_clock())
    return build_meter(runtime.deployed_settings(), runtime.deployed_ports(transport))

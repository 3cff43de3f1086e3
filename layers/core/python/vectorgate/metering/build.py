"""The composition of the meter's worker, for `bootstrap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.sampler import Sampler
from vectorgate.metering.worker import MeterWorker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import ProviderName
    from vectorgate.ledger.settlement import SettlementService
    from vectorgate.persistence.stores import Deps
    from vectorgate.pricing.book import PriceBook
    from vectorgate.provider_bill.service import ProviderBill
    from vectorgate.providers.reader import ProviderReader


def build_worker(
    deps: Deps,
    *,
    reader: ProviderReader,
    providers: Sequence[ProviderName],
    book: PriceBook,
    settlement: SettlementService,
    bill: ProviderBill | None,
) -> MeterWorker:
    """The worker. `providers`: those whose storage it samples. `bill`: the comparison with a bill, if any."""
    stores, clock, telemetry = deps.stores, deps.clock, deps.telemetry
    reconciler = Reconciler(
        ledger=stores.ledger, ownership=stores.ownership, reader=reader, clock=clock, telemetry=telemetry
    )
    sampler = Sampler(
        clock=clock,
        meters=stores.meters,
        ownership=stores.ownership,
        ledger=stores.ledger,
        accounts=Accounts(stores.keys, stores.budgets),
        book=book,
        providers=providers,
        reader=reader,
        telemetry=telemetry,
    )
    return MeterWorker(
        reconciler=reconciler, sampler=sampler, settlement=settlement, clock=clock, telemetry=telemetry, bill=bill
    )

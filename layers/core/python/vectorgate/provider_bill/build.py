"""The composition of the provider's bill, for `bootstrap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.settings import OPENAI

if TYPE_CHECKING:
    from vectorgate.persistence.stores import Deps
    from vectorgate.pricing.book import PriceBook
    from vectorgate.provider_bill.service import ProviderBill
    from vectorgate.settings import Settings


def build_bill(settings: Settings, deps: Deps, book: PriceBook) -> ProviderBill | None:
    """The comparison with OpenAI's bill; None without an admin key."""
    if settings.bill_secret is None:
        return None
    # What follows is imported by deployments with an admin key alone.
    from vectorgate.provider_bill.ours import OurRecords  # noqa: PLC0415
    from vectorgate.provider_bill.reports import OrganizationReports  # noqa: PLC0415
    from vectorgate.provider_bill.service import ProviderBill  # noqa: PLC0415

    theirs = OrganizationReports(
        credentials=deps.credentials, transport=deps.transport, clock=deps.clock, randomness=deps.randomness
    )
    ours = OurRecords(reports=deps.stores.reports, ownership=deps.stores.ownership, book=book, provider=OPENAI)
    return ProviderBill(theirs=theirs, ours=ours, meters=deps.stores.meters, clock=deps.clock, telemetry=deps.telemetry)

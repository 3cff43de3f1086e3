"""The composition of the provider's bill, for `bootstrap`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vectorgate.settings import OPENAI

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Random
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook
    from vectorgate.provider_bill.service import ProviderBill
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.settings import Settings
    from vectorgate.telemetry import Telemetry


class Parts(Protocol):
    """What it needs of an application's dependencies (`bootstrap.Deps`)."""

    @property
    def stores(self) -> Stores:
        """The stores."""
        ...

    @property
    def credentials(self) -> Credentials:
        """The secrets, that of the admin key among them."""
        ...

    @property
    def transport(self) -> Transport:
        """The egress."""
        ...

    @property
    def telemetry(self) -> Telemetry:
        """Logs and metrics."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...

    @property
    def randomness(self) -> Random:
        """Of waits between attempts."""
        ...


def build_bill(settings: Settings, deps: Parts, book: PriceBook) -> ProviderBill | None:
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
    ours = OurRecords(reports=deps.stores.reports, book=book, provider=OPENAI)
    return ProviderBill(theirs=theirs, ours=ours, meters=deps.stores.meters, clock=deps.clock, telemetry=deps.telemetry)

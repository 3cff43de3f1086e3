"""Compare a provider's bill with our records: when an administrator asks, and once a day, for the alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, InvalidRequest
from vectorgate.classes import dataclass
from vectorgate.ledger.rollups import day_numbered
from vectorgate.metering.model import DAY_S
from vectorgate.metering.ports import Schedule
from vectorgate.pricing.book import MissingPrice
from vectorgate.provider_bill.document import described
from vectorgate.provider_bill.model import MAX_DAYS, Comparison, Day, OurDay, ProviderDay
from vectorgate.settings import OPENAI_ADMIN
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.clock import Clock
    from vectorgate.metering.ports import MeterStore
    from vectorgate.provider_bill.ours import OurRecords
    from vectorgate.provider_bill.reports import OrganizationReports
    from vectorgate.telemetry import Telemetry

RUN_AFTER_S: Final = 6 * 3_600  # after midnight UTC: the provider's report of the day before may be late
RETRY_S: Final = 3_600
DAILY_DAYS: Final = 3  # days that a run compares: each three times, for a report may come late, or grow


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderBill:
    """Compares days. The provider is read by `theirs`, our rollups by `ours`."""

    theirs: OrganizationReports
    ours: OurRecords
    meters: MeterStore
    clock: Clock
    telemetry: Telemetry

    def compared(self, first: int, count: int) -> Comparison:
        """`count` days from `first` (days since 1970) on. ApiError, StoreError, MissingPrice."""
        days = {day_numbered(number): number for number in range(first, first + count)}
        uncharged = {day for meter in self.meters.meters(self.ours.provider) for day in meter.uncharged_days}
        theirs, ours = self.theirs.days(first, count), self.ours.days(days)
        return Comparison(
            days=tuple(
                Day(day, theirs.get(day, ProviderDay()), ours.get(day, OurDay()), number not in uncharged)
                for day, number in days.items()
            ),
            stores=self.ours.stores(days, {name for day in theirs.values() for name in day.searches}),
        )

    def document(self, first_day: int, last_day: int) -> Mapping[str, object]:
        """The comparison as `GET /spend/reconcile` answers it; both days included. InvalidRequest for too many days."""
        count = last_day - first_day + 1
        if not 1 <= count <= MAX_DAYS or last_day >= self.clock.unix_s() // DAY_S:
            message = f"Invalid 'end_date': expected 1 to {MAX_DAYS} days that are over."
            raise InvalidRequest(message, code="invalid_value", param="end_date")
        return described(self.compared(first_day, count))

    def tick(self) -> int:
        """The daily run, if it is due: 1 if days were compared. A failure is an alarm, and is tried again in an hour.

        What the records lack is counted in millionths of the worst day.
        """
        now = self.clock.unix_s()
        try:
            if now < self.meters.schedule(OPENAI_ADMIN).due:
                return 0
            missing = self.compared(now // DAY_S - DAILY_DAYS, DAILY_DAYS).missing
        except (ApiError, StoreError, MissingPrice) as error:
            self.telemetry.task_failed("BillFailures", error)
            return self._again(now + RETRY_S, 0)
        self.telemetry.count("UncapturedMillionths", missing)
        return self._again((now - RUN_AFTER_S + DAY_S) // DAY_S * DAY_S + RUN_AFTER_S, 1)

    def _again(self, due: int, done: int) -> int:
        try:
            self.meters.reschedule(OPENAI_ADMIN, Schedule(due=due, pause=0))
        except StoreError as error:
            self.telemetry.task_failed("BillFailures", error)
        return done

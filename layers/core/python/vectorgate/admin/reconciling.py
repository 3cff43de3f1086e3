"""`GET /spend/reconcile`: OpenAI's bill beside our records, by UTC day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import invalid, moment_ms
from vectorgate.admin.lists import refuse_unknown
from vectorgate.clock import DAY_MS
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

DEFAULT_DAYS: Final = 7


def reconcile(request: Request, deps: AdminDeps) -> object:
    """The comparison from `start_date` to `end_date`, both included; by default the 7 days that ended last.

    InvalidRequest for days that are not over, or more than 31; NotFound without an admin key of OpenAI's.
    """
    from vectorgate.provider_bill.model import MAX_DAYS  # noqa: PLC0415 - of deployments with an admin key of OpenAI's

    refuse_unknown(request.query, {"start_date", "end_date"})
    yesterday = deps.clock.unix_s() // DAY_S - 1
    last = _day("end_date", request.query.get("end_date"), yesterday)
    first = _day("start_date", request.query.get("start_date"), max(0, last - DEFAULT_DAYS + 1))
    if last > yesterday:
        raise invalid("end_date", "a day that is over")
    if not 0 <= last - first < MAX_DAYS:
        raise invalid("start_date", f"a date at most {MAX_DAYS - 1} days before the end date")
    return deps.provider.bill(first, last)


def _day(param: str, text: str | None, default: int) -> int:
    return default if text is None else moment_ms(param, text) // DAY_MS

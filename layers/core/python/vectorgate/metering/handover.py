"""A store that changes hands: each owner's byte-seconds of a day are charged to that owner. Pure.

::

    meter written        adopted       transferred         sampled
    |--------------------|-------------|-------------------|
      no owner             red's         blue's              the same size all the time

A meter that is written holds the size from the last write on, so the parts are exact to the second. A change is noticed
when the meter is written again, which is once a day at least.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.metering.model import DAY_S, Holding, seconds_by_day
from vectorgate.tenancy.holders import holders_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.metering.model import Meter
    from vectorgate.tenancy.holders import Holder
    from vectorgate.tenancy.ownership import Ownership


def with_owner(before: Meter | None, meter: Meter, row: Ownership) -> Meter:
    """The sampled meter with the owners that it had since `before` was written (None: this is its first sample)."""
    holders = holders_of(row)
    if not holders and meter.tenant is None:
        return replace(meter, tenant=row.tenant, key_id=row.key_id, end_user=row.end_user)
    known = meter.held_since if meter.held_since is not None else -1
    for holder in holders:
        if known < holder.since <= meter.at:
            meter = _handed_over(meter, holder, _seconds_since(holder.since, before, meter))
    return meter


def _handed_over(meter: Meter, holder: Holder, days: Mapping[int, int]) -> Meter:
    """The meter of its next owner, who has `days` of it; what was before is the earlier owner's."""
    if (meter.tenant, meter.key_id, meter.end_user) == (holder.tenant, holder.key_id, holder.end_user):
        return replace(meter, held_since=holder.since)
    rest = {day: total - days.get(day, 0) for day, total in meter.days.items()}
    rest = {day: total for day, total in rest.items() if total or day not in days}
    earlier = Holding(
        segment=meter.segment, days=rest, tenant=meter.tenant, key_id=meter.key_id, end_user=meter.end_user
    )
    return replace(
        meter,
        tenant=holder.tenant,
        key_id=holder.key_id,
        end_user=holder.end_user,
        held_since=holder.since,
        segment=meter.segment + 1,
        days=dict(days),
        former=(*meter.former, earlier) if rest else meter.former,
    )


def _seconds_since(moment: int, before: Meter | None, meter: Meter) -> Mapping[int, int]:
    """The byte-seconds from `moment` to the sample, by day."""
    if before is None:
        return meter.days
    if before.stopped_at is not None:
        return {meter.at // DAY_S: 0} if meter.stopped_at is None else {}
    return {day: before.size * seconds for day, seconds in seconds_by_day(max(moment, before.at), meter.at)}

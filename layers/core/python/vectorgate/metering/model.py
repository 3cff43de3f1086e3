"""A store's meter: byte-seconds, in integers, split at UTC midnight. Pure.

From one sample to the next a store counts with the size of the first of them (left hold), and before its first sample
with nothing. So

* a sample at every change is exact to the byte-second;
* with a sample every h seconds the error of a trajectory is at most h times its total variation (the sum of the sizes
  of all its changes): within one interval the size differs from the held one by at most what changed in it.

A repeated or late sample adds nothing: a meter never runs backwards.
"""

from __future__ import annotations

import json
from dataclasses import field, fields, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.ids import KeyId, ObjectId, ProviderName, TenantId

DAY_S: Final = 86_400


class Holding(NamedTuple):  # and no dataclass: the api function, which makes none, would start a millisecond later
    """Uncharged byte-seconds by day of one owner of a store. `segment` counts the store's owners from 0 on."""

    segment: int
    days: Mapping[int, int]
    tenant: TenantId | None = None
    key_id: KeyId | None = None
    end_user: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """The meter of one store. Times are Unix seconds. `days`: uncharged byte-seconds by day (its number since 1970).

    Byte-seconds are computed up to `at`, and the store had `size` bytes then. From `stopped_at` on it was not stored.
    `tenant`, `key_id` and `end_user` are its owner's, None while it has none. `version` counts writes of the row.
    `days` are those of the present owner, its owner number `segment`, who has held it since `held_since` (None: from
    the beginning); `former` are the uncharged days of the owners before.
    """

    provider: ProviderName
    id: ObjectId
    at: int
    size: int = 0
    days: Mapping[int, int] = field(default_factory=dict)
    stopped_at: int | None = None
    tenant: TenantId | None = None
    key_id: KeyId | None = None
    end_user: str | None = None
    version: int = 1
    held_since: int | None = None
    segment: int = 0
    former: tuple[Holding, ...] = ()

    def sampled(self, size: int, at: int) -> Meter:
        """Add the byte-seconds up to `at`, and hold `size` after it. A late sample, or one after a stop, adds none."""
        if at < self.at or self.stopped_at is not None:
            return self
        days = dict(self.days)
        for day, seconds in seconds_by_day(self.at, at):
            days[day] = days.get(day, 0) + self.size * seconds
        return replace(self, at=at, size=size, days=days)

    def stopped(self, at: int) -> Meter:
        """Add the byte-seconds up to `at`, and no more; a stop before the last sample counts from that sample on."""
        if self.stopped_at is not None:
            return self
        end = max(at, self.at)
        return replace(self.sampled(0, end), stopped_at=end)

    def resumed(self, size: int, at: int) -> Meter:
        """Start again at `at`, without the time since the stop."""
        begin = max(at, self.at)
        return replace(self, at=begin, size=size, stopped_at=None, days={begin // DAY_S: 0, **self.days})

    def without(self, day: int) -> Meter:
        """Remove a day that is charged."""
        former = (each._replace(days=_without(each.days, day)) for each in self.former)
        return replace(self, days=_without(self.days, day), former=tuple(each for each in former if each.days))

    @property
    def uncharged_days(self) -> frozenset[int]:
        """The days of all owners."""
        return frozenset(self.days).union(*(each.days for each in self.former))

    def holdings_of(self, day: int) -> list[Holding]:
        """What each owner of the store held on that day, in their order."""
        present = Holding(
            segment=self.segment, days=self.days, tenant=self.tenant, key_id=self.key_id, end_user=self.end_user
        )
        return [each for each in (*self.former, present) if day in each.days]

    def to_record(self) -> dict[str, Any]:
        """The fields that have a value, by name, as adapters store them."""
        record: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        record["days"] = {str(day): total for day, total in self.days.items()}
        record["former"] = json.dumps([each._asdict() for each in self.former]) if self.former else None
        record["segment"] = self.segment or None
        return {name: value for name, value in record.items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Meter:
        """The inverse of `to_record`; unknown names are ignored."""
        known = {each.name: record[each.name] for each in fields(cls) if each.name in record}
        known["days"] = _by_number(record["days"])
        former = json.loads(known.get("former", "[]"))
        known["former"] = tuple(Holding(**each | {"days": _by_number(each["days"])}) for each in former)
        return cls(**known)

    def is_complete(self, day: int) -> bool:
        """Whether nothing can be added to that day any more."""
        return self.stopped_at is not None or self.at >= (day + 1) * DAY_S


def _by_number(days: Mapping[str, int]) -> dict[int, int]:
    return {int(day): total for day, total in days.items()}


def _without(days: Mapping[int, int], day: int) -> dict[int, int]:
    return {other: total for other, total in days.items() if other != day}


def first_sample(provider: ProviderName, store_id: ObjectId, size: int, at: int) -> Meter:
    """A new meter. It has the day of its first sample, so that an empty store has a record, too."""
    return Meter(provider=provider, id=store_id, at=at, size=size, days={at // DAY_S: 0})


def seconds_by_day(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The seconds of [start, end) on each day; the day of `end` is included even if it has none."""
    for day in range(start // DAY_S, end // DAY_S + 1):
        yield day, min(end, (day + 1) * DAY_S) - max(start, day * DAY_S)


def valid_moment(figure: object, created_at: object) -> int | None:
    """A provider's Unix seconds; None for an invalid figure, such as a moment before its object was created."""
    earliest = created_at if isinstance(created_at, int) else 0
    if isinstance(figure, bool) or not isinstance(figure, int) or figure < max(earliest, 1):
        return None
    return figure

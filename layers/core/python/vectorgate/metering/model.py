"""A store's meter: bytes times seconds, in integers, split at UTC midnight. Pure.

The rule is the left hold: a store has, from one sample to the next, the size that the first of them saw, and nothing
before its first. So

* a sample at every change (event-complete sampling) is exact to the byte-second;
* with a sample every h seconds the error of a trajectory is at most h times its total variation (the sum of the sizes
  of all its changes): within one interval the size differs from the held one by at most what changed in it.

A sample that comes twice, or late, adds nothing: a meter never runs backwards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.ids import KeyId, ObjectId, ProviderName, TenantId

DAY_S: Final = 86_400
# No provider stores a PiB in one vector store; a figure beyond it is an error of theirs, or an attack.
MAX_SIZE: Final = 1 << 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """One store's. Times are Unix seconds. `days`: byte-seconds by day (its number since 1970), not yet charged.

    The store had `size` bytes at `at`, the moment up to which it is reckoned; from `stopped_at` on it is gone.
    `tenant`, `key_id` and `end_user` are its maker's, None as long as nobody is known to have made it here.
    `version` counts writes of the row.
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

    def sampled(self, size: int, at: int) -> Meter:
        """Reckoned up to `at`, and of that size from there on. A sample of the past or after the stop adds nothing."""
        if at < self.at or self.stopped_at is not None:
            return self
        days = dict(self.days)
        for day, seconds in seconds_by_day(self.at, at):
            days[day] = days.get(day, 0) + self.size * seconds
        return replace(self, at=at, size=size, days=days)

    def stopped(self, at: int) -> Meter:
        """Reckoned up to `at` and not beyond; a stop that lies in the past counts from the last sample on."""
        if self.stopped_at is not None:
            return self
        end = max(at, self.at)
        return replace(self.sampled(0, end), stopped_at=end)

    def resumed(self, size: int, at: int) -> Meter:
        """Stored after all: from here on, without what lies between."""
        begin = max(at, self.at)
        return replace(self, at=begin, size=size, stopped_at=None, days={begin // DAY_S: 0, **self.days})

    def without(self, day: int) -> Meter:
        """Once that day is charged."""
        return replace(self, days={other: total for other, total in self.days.items() if other != day})

    def to_record(self) -> dict[str, Any]:
        """Field by field, without those that have no value: what a store keeps."""
        record: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        record["days"] = {str(day): total for day, total in self.days.items()}
        return {name: value for name, value in record.items() if value is not None}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Meter:
        """The inverse of `to_record`; names that it does not know are left alone."""
        known = {each.name: record[each.name] for each in fields(cls) if each.name in record}
        known["days"] = {int(day): total for day, total in record["days"].items()}
        return cls(**known)

    def knows(self, day: int) -> bool:
        """Whether nothing can be added to that day any more."""
        return self.stopped_at is not None or self.at >= (day + 1) * DAY_S


def first_sample(provider: ProviderName, store_id: ObjectId, size: int, at: int) -> Meter:
    """A meter that begins. The day of its first sample is there from the start, so that an empty store has a record."""
    return Meter(provider=provider, id=store_id, at=at, size=size, days={at // DAY_S: 0})


def seconds_by_day(start: int, end: int) -> Iterator[tuple[int, int]]:
    """How many seconds of [start, end) fall on each day; the day of `end` is named even if none does."""
    for day in range(start // DAY_S, end // DAY_S + 1):
        yield day, min(end, (day + 1) * DAY_S) - max(start, day * DAY_S)


def sound_moment(figure: object, created_at: object) -> int | None:
    """A provider's Unix seconds, or None for what makes no sense: a moment before its object was made among others."""
    earliest = created_at if isinstance(created_at, int) else 0
    if isinstance(figure, bool) or not isinstance(figure, int) or figure < max(earliest, 1):
        return None
    return figure


def sound_size(figure: object) -> int | None:
    """A provider's figure of bytes, or None for one that makes no sense: it is quarantined, never reckoned with."""
    if isinstance(figure, bool) or not isinstance(figure, int) or not 0 <= figure <= MAX_SIZE:
        return None
    return figure

"""The port to the meters: a row for each store that exists, or that has days that are not charged yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import ProviderName
    from vectorgate.metering.model import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The next sample is due at `due` (Unix seconds), which is `pause` seconds after the last one."""

    due: int = 0
    pause: int = 0


class MeterStore(Protocol):
    """Two adapters, one contract: `tests/contract/test_meter.py`. Reads are consistent."""

    def meters(self, provider: ProviderName) -> Sequence[Meter]:
        """All meters of one provider, by id. The cost grows with their number."""
        ...

    def keep(self, meter: Meter) -> None:
        """Replace the row of the version before, or add version 1. StateConflict: another tick wrote it first."""
        ...

    def drop(self, meter: Meter) -> None:
        """Remove the row of this version. StateConflict for any other version."""
        ...

    def schedule(self, provider: ProviderName) -> Schedule:
        """When the provider's stores are to be sampled next; due since 0 before the first time."""
        ...

    def reschedule(self, provider: ProviderName, schedule: Schedule) -> None:
        """Set when the provider's stores are to be sampled next. The last write wins."""
        ...

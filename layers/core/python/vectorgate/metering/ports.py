"""The port to the meters: a row for each store that is stored, or was and is not charged yet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import ProviderName
    from vectorgate.metering.model import Meter


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`due` in Unix seconds, `pause` seconds after the last sample."""

    due: int = 0
    pause: int = 0


class MeterStore(Protocol):
    """Two adapters, one contract: `tests/contract/test_meter.py`. Reads are consistent."""

    def meters(self, provider: ProviderName) -> Sequence[Meter]:
        """All of one provider, by id. Cost: what it returns."""
        ...

    def keep(self, meter: Meter) -> None:
        """Replace the row whose version is one less, or add the first. StateConflict: another tick was faster."""
        ...

    def drop(self, meter: Meter) -> None:
        """Remove the row if it still is of that version. StateConflict otherwise."""
        ...

    def schedule(self, provider: ProviderName) -> Schedule:
        """When the provider's stores are to be sampled next; at once before the first time."""
        ...

    def reschedule(self, provider: ProviderName, schedule: Schedule) -> None:
        """Say when that is. The last one counts."""
        ...

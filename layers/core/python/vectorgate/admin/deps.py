"""What an administrator's actions work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Chance, Clock
    from vectorgate.pricing.book import PriceBook
    from vectorgate.persistence import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminParts:
    """Handed in by the composition root."""

    stores: Stores
    clock: Clock
    chance: Chance
    book: PriceBook

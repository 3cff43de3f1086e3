"""The dependencies of the admin app's routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Random
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminDeps:
    """Given by the composition root."""

    stores: Stores
    clock: Clock
    randomness: Random
    book: PriceBook

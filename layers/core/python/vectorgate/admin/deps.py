"""The dependencies of the admin app's routes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Clock, Random
    from vectorgate.ids import ProviderName
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.documents import ProviderDocuments


@dataclass(frozen=True, slots=True)
class AdminDeps:
    """Given by the composition root. `provider` reads providers."""

    stores: Stores
    clock: Clock
    randomness: Random
    book: PriceBook
    provider: ProviderDocuments
    default_provider: ProviderName

"""What every operation works with, put together once by `engine.bootstrap`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.ids import RandomBytes
    from engine.ports import BlobStore, Catalogue, Embedder, VectorIndex, WorkQueue


@dataclass(frozen=True, slots=True)
class Engine:
    """The ports, and the sources of time (seconds since the epoch) and of randomness."""

    catalogue: Catalogue
    blobs: BlobStore
    index: VectorIndex
    embedder: Embedder
    queue: WorkQueue
    clock: Callable[[], float]
    random: RandomBytes

    def now(self) -> int:
        """Whole seconds since the epoch, as the API has them."""
        return int(self.clock())

"""What every operation works with, put together once by :func:`local.upstream.app.build`."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from local.upstream.blobs import Blobs
from local.upstream.db import Database
from local.upstream.embed import Embedder
from local.upstream.ids import RandomBytes
from local.upstream.index import Indexes

Json = dict[str, object]
"""A JSON object of a response."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The catalogue, the bytes, the indexes, the model; and the two sources of the unpredictable, injected."""

    db: Database
    blobs: Blobs
    indexes: Indexes
    embedder: Embedder
    clock: Callable[[], float]
    random: RandomBytes
    work: threading.Event = field(default_factory=threading.Event)
    """Set after a commit that left work; workers wait for it."""

    def now(self) -> int:
        """Seconds since the epoch, as the wire has them."""
        return int(self.clock())

"""The last TAT of each rate that this process has seen. In memory.

It tells which form a claim takes (`persistence.dynamodb.rates`), refuses without a write what is certain to be refused,
and is what answers say is left: units that other processes have used since are not known here. A TAT decreases only
where a unit is given back, of a call that another rate refused: none refuses for longer than BELIEVED_NS.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vectorgate.budgets.model import Subject
    from vectorgate.rate_limits.model import Rate

BELIEVED_NS: Final = 1_000_000_000
MAX_KNOWN: Final = 10_000  # rates; for one that is forgotten, a claim may take one write more

_UNKNOWN: Final = (0, 0)


class KnownTats:
    """TATs by subject and row. Thread-safe."""

    def __init__(self) -> None:
        self._tats: OrderedDict[tuple[Subject, str], tuple[int, int]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, rate: Rate) -> int:
        """The last TAT, 0 where none is known."""
        with self._lock:
            return self._tats.get((rate.subject, rate.row), _UNKNOWN)[0]

    def is_believed(self, rate: Rate, now_ns: int) -> bool:
        """Whether the last TAT was learned so lately that it may refuse a call by itself."""
        with self._lock:
            return now_ns - self._tats.get((rate.subject, rate.row), _UNKNOWN)[1] < BELIEVED_NS

    def learn(self, rate: Rate, tat_ns: int, now_ns: int) -> None:
        """Take note of a TAT, unless a later one is known."""
        place = rate.subject, rate.row
        with self._lock:
            self._tats[place] = max(self._tats.get(place, _UNKNOWN)[0], tat_ns), now_ns
            self._tats.move_to_end(place)
            if len(self._tats) > MAX_KNOWN:
                self._tats.popitem(last=False)

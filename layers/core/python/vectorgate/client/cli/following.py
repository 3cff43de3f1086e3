"""Which records are new: each is shown once, when its call has ended, in whatever order calls end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from vectorgate.client.cli.moments import iso_of, unix_s_of
from vectorgate.client.cli.pages import MOST_A_PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.client.admin.records import Records
    from vectorgate.client.admin.resources import Record

# How far a look goes back: a record may be written late, and the gateway's clock be behind ours.
LATE_S: Final = 60.0
# The age from which a record that is still open is shown as it is: no call lasts longer than 15 minutes.
OPEN_S: Final = 1_200.0
PENDING: Final = "pending"


@dataclass
class Follower:
    """Looks at the records since `start` (ISO 8601; None: a minute ago). `now`: Unix seconds."""

    records: Records
    filters: Mapping[str, str | None]
    start: str | None
    now: Callable[[], float]
    shown: dict[str, float] = field(default_factory=dict)  # when each call that was shown began, in Unix seconds
    since: float = field(init=False)

    def __post_init__(self) -> None:
        self.since = self.now() - LATE_S if self.start is None else unix_s_of(self.start)

    def new(self) -> list[Record]:
        """The records that have ended since the last look, by the time at which they began."""
        now = self.now()
        looked_at = [*self.records.spend(**self.filters, start_date=iso_of(self.since), limit=MOST_A_PAGE)]
        began = {record.request_id: unix_s_of(record.startTime) for record in looked_at}
        open_ = [each for each in looked_at if each.status == PENDING and now - began[each.request_id] < OPEN_S]
        ended = [each for each in looked_at if each not in open_ and each.request_id not in self.shown]
        self.shown |= {each.request_id: began[each.request_id] for each in ended}
        self.since = max(self.since, min([now - LATE_S, *(began[each.request_id] for each in open_)]))
        self.shown = {name: at for name, at in self.shown.items() if at >= self.since}
        return sorted(ended, key=lambda each: began[each.request_id])

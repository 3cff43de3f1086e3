"""The results of a report's days, added up by day, team, key and so on. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.client.admin.resources import DayBucket

NANO: Final = 10**9
# The names of the commands, and the fields that the reports have for them.
GROUPS: Final = {
    "team": "project_id",
    "user": "user_id",
    "key": "api_key_id",
    "line": "line_item",
    "store": "vector_store_id",
    "model": "model",
}


@dataclass(frozen=True, slots=True)
class Sums:
    """How to add up: by which groups (`GROUPS`), whether each day by itself, and which fields."""

    groups: Sequence[str]
    daily: bool
    measures: Sequence[str]

    def rows(self, buckets: Iterable[DayBucket]) -> list[dict[str, Any]]:
        """One row for each group, and each day if they are apart, with the sums of the fields."""
        found: dict[tuple[object, ...], dict[str, int]] = defaultdict(lambda: dict.fromkeys(self.measures, 0))
        for bucket in buckets:
            for result in bucket["results"]:
                sums = found[self._key(bucket, result)]
                for measure in self.measures:
                    sums[measure] += amount_of(result) if measure == "spend_nano_usd" else result.get(measure) or 0
        names = (*(("day",) if self.daily else ()), *self.groups)
        return [{**dict(zip(names, key, strict=True)), **sums} for key, sums in found.items()]

    def _key(self, bucket: DayBucket, result: Mapping[str, Any]) -> tuple[object, ...]:
        day = (day_text(bucket["start_time"]),) if self.daily else ()
        return (*day, *(result.get(GROUPS[group]) for group in self.groups))


def amount_of(result: Mapping[str, Any]) -> int:
    """The nano-dollars of a cost: exact, where the report has the exact text."""
    amount = result["amount"]
    return int(Decimal(str(amount.get("value_exact", amount["value"]))) * NANO)


def day_text(unix_s: int) -> str:
    """The UTC day of a Unix second."""
    return datetime.fromtimestamp(unix_s, UTC).date().isoformat()

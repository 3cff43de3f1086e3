"""The open rows: by the index ``open`` those that stay open, by ``request_log`` those that began minutes ago.

A row that begins is not in ``open``: few rows stay open, and to enter and to leave an index cost a write each. Each
tick of the meter reads by ``request_log`` what began since the tick before, and puts into ``open`` what is a minute old
and still open. It looks again at what is a quarter of an hour old, and a day old, because ``request_log`` may lag::

    a day          a quarter of an hour     3 minutes     1 minute      now
    |--------------|------------------------|-------------|-------------|
      third look     second look              found by request_log
                       in `open` from the first look on   ^ first look

A row that its writer dates back (a storage record, a correction, a slow read) begins in ``open``. An uncertain one is
always there.

========================  ================================================
item                      PK, SK
========================  ================================================
moments that looks have   ``METER#open``, ``LOOKS``
reached
========================  ================================================
"""

from __future__ import annotations

from heapq import merge
from itertools import chain, islice
from typing import TYPE_CHECKING, Final, NamedTuple

from vectorgate.clock import DAY_MS, MILLISECONDS
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import day_of
from vectorgate.persistence.dynamodb.codec import decoded_names, encoded
from vectorgate.persistence.dynamodb.schema import OPEN, OPEN_STATES, REQUEST_LOG, SHARDS, day_partition, open_partition
from vectorgate.persistence.dynamodb.search import IN_DAY, began_of, first_rows, page_of, rows_of
from vectorgate.persistence.dynamodb.table import BATCH, STATE_ALONE, STATE_NAME, ConditionFailed
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import Position
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

WAITING: Final = frozenset({State.ANSWERED})
UNRESOLVED: Final = frozenset({State.STARTED, State.UNCERTAIN})

_MINUTE_MS: Final = 60 * MILLISECONDS
AHEAD_MS: Final = 60 * _MINUTE_MS  # a row may be dated by a clock that is ahead
# Rows are found by `request_log` for so long after the first look, in which `open` gets to show what is listed.
LISTING_MS: Final = 2 * _MINUTE_MS
# Where no look has been before, it begins so far back. What began earlier is in `open`: an earlier release wrote it.
_FIRST_REACH_MS: Final = 60 * _MINUTE_MS
_LONGEST_MS: Final = DAY_MS  # that is read without a look; then the meter has stood still for a day, which is an alarm
_KNOWN: Final = 200_000  # final rows that are remembered, some 30 MB
_LOG_PAGE: Final = 1_000  # entries of `request_log`: at a thousand calls a second there are 180,000 to read
_LOOKS: Final[Item] = {"PK": {"S": "METER#open"}, "SK": {"S": "LOOKS"}}
_PLACES: Final = "PK, SK, began, by_day_pk"
_IN_OPEN: Final = "open_pk = :shard AND began BETWEEN :first AND :last"
_LIST: Final = "SET open_pk = :place"
_IS_UNLISTED: Final = "#state IN (:started, :answered, :uncertain) AND attribute_not_exists(open_pk)"
_STATES: Final[Item] = {f":{state}": {"S": state} for state in sorted(OPEN_STATES)}
_FIRST, _LAST = "0", "9" * 13  # before and after every row since 1970


class Look(NamedTuple):
    """One of the looks at each row: the row's age, and the least time between two such looks."""

    name: str
    age_ms: int
    every_ms: int


LOOKS: Final = (
    Look("minute", _MINUTE_MS, 1),
    Look("quarter", 15 * _MINUTE_MS, 5 * _MINUTE_MS),
    Look("day", DAY_MS, 60 * _MINUTE_MS),
)


class OpenRows:
    """The open rows of a table. It remembers which rows are final, because those never change."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table
        self._final: set[str] = set()

    def oldest(
        self, states: Collection[State], limit: int, *, before_ms: int | None, after: Position | None
    ) -> list[LedgerEntry]:
        """The oldest `limit` rows that are in one of `states`, began before that moment, and come after that row."""
        # "<ms>" sorts before every "<ms>#<id>", so the end is excluded; the row `after` is included, and dropped below.
        first = f"{after[0]:013d}#{after[1]}" if after is not None else _FIRST
        last = f"{before_ms:013d}" if before_ms is not None else _LAST
        if first > last or limit < 1:
            return []
        listed = [self._listed(shard, first, last, limit) for shard in range(SHARDS)]
        items = _each_once(merge(*listed, self._recent(first, last), key=began_of))
        # Consistent reads: an index may not show yet that a row was settled.
        rows = rows_of(self._table, self._unfinished(items, min(limit, BATCH)), limit, consistent=True)
        return first_rows(rows, limit, lambda entry: entry.state in states and (entry.started_ms, entry.id) != after)

    def list_all(self, now_ms: int, seconds: float) -> int:
        """Look at the rows whose time for it has come, and list those that are open; how many were listed.

        StoreUnavailable if not all were read within that time: the next call goes on.
        """
        reached, ends_at = self._reached(), self._table.clock.monotonic() + seconds
        found, is_late = 0, False
        for look in LOOKS:
            end_ms = now_ms - look.age_ms
            start_ms = reached.get(look.name, end_ms - _FIRST_REACH_MS)
            if end_ms - start_ms >= look.every_ms:
                listed, reached[look.name] = self._list_between(start_ms, end_ms, ends_at)
                found, is_late = found + listed, is_late or reached[look.name] < end_ms
                self._table.put(_LOOKS | encoded(reached))
        if is_late:
            raise StoreUnavailable("dynamodb: not all rows that began could be looked at in time")
        return found

    def _list_between(self, start_ms: int, end_ms: int, ends_at: float) -> tuple[int, int]:
        """List what is open of the rows that began in [start_ms, end_ms); how many, and down to which moment."""
        listed, items = 0, self._began_between(f"{start_ms:013d}", f"{end_ms:013d}")
        while chunk := list(islice(items, BATCH)):
            listed += sum(self._list(item) for item in self._unfinished(iter(chunk), BATCH))
            if self._table.clock.monotonic() >= ends_at:
                return listed, int(chunk[-1]["began"]["S"].partition("#")[0])
        return listed, end_ms

    def _list(self, item: Item) -> bool:
        """List a row that is open, and not listed; whether it was."""
        place = open_partition(int(item["by_day_pk"]["S"].rpartition("#")[2]))
        try:
            self._table.update(
                {"PK": item["PK"], "SK": item["SK"]},
                UpdateExpression=_LIST,
                ConditionExpression=_IS_UNLISTED,
                ExpressionAttributeNames=STATE_NAME,
                ExpressionAttributeValues={":place": place, **_STATES},
            )
        except ConditionFailed:
            return False
        return True

    def _listed(self, shard: int, first: str, last: str, limit: int) -> Iterator[Item]:
        values = {":shard": open_partition(shard), ":first": {"S": first}, ":last": {"S": last}}
        return self._table.query(_IN_OPEN, values, IndexName=OPEN, limit=page_of(limit))

    def _recent(self, first: str, last: str) -> Iterator[Item]:
        """The entries of rows that began too late for `open` to show them for certain."""
        now_ms = self._table.clock.unix_ms()
        looked_ms = min(self._reached().get(LOOKS[0].name, 0), now_ms - LOOKS[0].age_ms)
        start_ms = max(looked_ms - LISTING_MS, now_ms - _LONGEST_MS)
        return self._began_between(max(first, f"{start_ms:013d}"), min(last, f"{now_ms + AHEAD_MS:013d}"))

    def _began_between(self, first: str, last: str) -> Iterator[Item]:
        """The entries of `request_log`, oldest first."""
        if first >= last:
            return iter(())
        start_ms, end_ms = (int(edge.partition("#")[0]) for edge in (first, last))
        days = [day_of(day * DAY_MS) for day in range(start_ms // DAY_MS, end_ms // DAY_MS + 1)]
        return chain.from_iterable(self._in_day(day, first, last) for day in days)

    def _in_day(self, day: str, first: str, last: str) -> Iterator[Item]:
        edges = {":first": {"S": first}, ":last": {"S": last}}
        shards = [
            self._table.query(
                IN_DAY,
                {":shard": day_partition(day, shard), **edges},
                IndexName=REQUEST_LOG,
                ProjectionExpression=_PLACES,
                limit=_LOG_PAGE,
            )
            for shard in range(SHARDS)
        ]
        return merge(*shards, key=began_of)

    def _unfinished(self, items: Iterator[Item], at_once: int) -> Iterator[Item]:
        """The index's items without those of final rows. Reads that may lag tell: what is final stays so."""
        while batch := list(islice(items, at_once)):
            unknown = [item for item in batch if item["PK"]["S"] not in self._final]
            keys = [{"PK": item["PK"], "SK": item["SK"]} for item in unknown]
            found = self._table.batch_get(keys, consistent=False, only=STATE_ALONE)
            self._remember([row["PK"]["S"] for row in found if row["state"]["S"] not in OPEN_STATES])
            yield from (item for item in unknown if item["PK"]["S"] not in self._final)

    def _remember(self, final: Sequence[str]) -> None:
        if len(self._final) + len(final) > _KNOWN:
            self._final.clear()
        self._final.update(final)

    def _reached(self) -> dict[str, int]:
        item = self._table.get(_LOOKS)
        return decoded_names(item, [look.name for look in LOOKS]) if item is not None else {}


def _each_once(items: Iterator[Item]) -> Iterator[Item]:
    """Items in their order, of which two indexes may have one."""
    before = ""
    for item in items:
        if item["began"]["S"] != before:
            yield item
        before = item["began"]["S"]

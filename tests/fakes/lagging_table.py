"""The part of the DynamoDB table that finds open rows, in memory, with indexes that lag behind it as long as asked."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb.ledger import IS_UNLISTED, Transition
from vectorgate.persistence.dynamodb.schema import OPEN, OPEN_STATES, new_item
from vectorgate.persistence.dynamodb.table import ConditionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.dynamodb.schema import Item

_KEYS: Final = ("PK", "SK", "began", "by_day_pk", "open_pk")


def _nothing() -> None:
    """Let every write take place."""


class LaggingTable:
    """Rows by their keys, and what each index shows of them.

    `moment`: the time that passes, in seconds. `lag`: the seconds until an index shows a write of a row. `before_write`
    is called before each write of the code under test. `reads`, `refused`: how many rows were read, and writes refused.
    """

    def __init__(
        self,
        clock: Clock,
        moment: Callable[[], float],
        lag: Callable[[], float],
        before_write: Callable[[], None] = _nothing,
    ) -> None:
        self.clock = clock
        self.reads = self.refused = 0
        self._moment, self._lag, self._before_write = moment, lag, before_write
        self._rows: dict[str, Item] = {}
        self._others: dict[str, Item] = {}
        self._log: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
        self._logged_at: dict[str, float] = {}
        self._open: dict[str, list[tuple[float, bool]]] = {}

    def begin(self, entry: LedgerEntry) -> None:
        """Write a new row."""
        item = new_item(entry, self.clock.unix_ms())
        pk = item["PK"]["S"]
        insort(self._log[item["by_day_pk"]["S"]], (item["began"]["S"], pk))
        self._logged_at[pk] = self._moment() + self._lag()
        self._write(item)

    def advance(self, entry: LedgerEntry, since: State) -> None:
        """Write a row's next state."""
        Transition(entry, since).write(self)  # type: ignore[arg-type]

    def is_listed(self, entry: LedgerEntry) -> bool:
        """Whether the row is in the index of open rows, or will be as soon as that does not lag."""
        return "open_pk" in self._rows[f"OP#{entry.id}"]

    def get(self, key: Item) -> Item | None:
        return self._others.get(key["PK"]["S"])

    def put(self, item: Item, *, ConditionExpression: str = "", **_: object) -> None:  # noqa: N803
        """A row's next state, unless its condition fails, or any other item."""
        pk = item["PK"]["S"]
        if not pk.startswith("OP#"):
            self._before_write()
            self._others[pk] = item
        elif ConditionExpression == IS_UNLISTED and "open_pk" in self._rows[pk]:
            raise ConditionFailed({0: self._rows[pk]})
        else:
            self._write(item)

    def update(self, key: Item, *, ExpressionAttributeValues: Mapping[str, Any], **_: object) -> None:  # noqa: N803
        """List a row, if it is open and not listed."""
        self._before_write()
        before = self._rows[key["PK"]["S"]]
        if "open_pk" in before or State(before["state"]["S"]) not in OPEN_STATES:
            self.refused += 1
            raise ConditionFailed({})
        self._write(before | {"open_pk": ExpressionAttributeValues[":place"]})

    def batch_get(self, keys: Sequence[Item], **_: object) -> Iterator[Item]:
        self.reads += len(keys)
        return iter([self._rows[key["PK"]["S"]] for key in keys])

    # The names are DynamoDB's own.
    def query(self, _: str, values: Mapping[str, Any], *, IndexName: str, **__: object) -> Iterator[Item]:  # noqa: N803
        first, last = values[":first"]["S"], values[":last"]["S"]
        place = values[":shard"]["S"]
        if IndexName == OPEN:
            shown = sorted((self._rows[pk]["began"]["S"], pk) for pk in self._open if self._is_shown_open(pk, place))
        else:
            shown = self._log.get(place, [])
        found = shown[bisect_left(shown, (first, "")) : bisect_left(shown, (last, "~"))]
        now = self._moment()
        for _began, pk in found:
            if IndexName == OPEN or self._logged_at[pk] <= now:
                yield {name: self._rows[pk][name] for name in _KEYS if name in self._rows[pk]}

    def _write(self, item: Item) -> None:
        """Have the index of open rows show later whether a row is in it. Writes of one row are shown in their order."""
        pk, listed = item["PK"]["S"], "open_pk" in item
        if listed != ("open_pk" in self._rows.get(pk, {})):
            shown = self._open.setdefault(pk, [])
            shown.append((max(self._moment() + self._lag(), shown[-1][0] if shown else 0.0), listed))
        self._rows[pk] = item

    def _is_shown_open(self, pk: str, place: str) -> bool:
        if place.rpartition("#")[2] != self._rows[pk]["by_day_pk"]["S"].rpartition("#")[2]:
            return False
        now, changes = self._moment(), self._open[pk]
        return next((listed for at, listed in reversed(changes) if at <= now), False)

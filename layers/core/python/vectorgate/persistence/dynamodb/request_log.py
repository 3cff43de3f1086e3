"""One step through a day of the request log: a page of each of its sixteen partitions, read at the same time.

::

    partition 0   r10 r7 r4 | r2     looked at down to r4, of which `only` allows some
    partition 1   r9 r8 r6 | r5      ... down to r6
                                     every row down to r6 was looked at: r4 comes again with the next step

DynamoDB filters: what `only` does not allow is read there, and not sent.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from vectorgate.ids import OperationId
from vectorgate.ledger.ports import MAX_VALUES, Found
from vectorgate.ledger.rollups import day_of
from vectorgate.persistence.dynamodb.schema import REQUEST_LOG, SHARDS, day_partition
from vectorgate.persistence.dynamodb.search import IN_DAY, rows_of

if TYPE_CHECKING:
    from typing import TypeAlias

    from vectorgate.ledger.ports import Position, RecordQuery, RowFilter
    from vectorgate.persistence.dynamodb.schema import Attribute, Item
    from vectorgate.persistence.dynamodb.table import DynamoTable, Page

    _How: TypeAlias = dict[str, Any]  # Query's own arguments

AT_ONCE: Final = 8  # botocore keeps ten connections
_OF_KEY: Final = "key_id IN (:a, :b, :c, :d)"
_OF_END_USER: Final = "end_user IN (:a, :b, :c, :d)"
_OF_USER: Final = "user_id IN (:a, :b, :c, :d)"
_OF_TEAM: Final = "team_id IN (:a, :b, :c, :d)"
_OF_OPERATION: Final = "operation IN (:a, :b, :c, :d)"
_PLACES: Final = (":a", ":b", ":c", ":d")


def found_rows(table: DynamoTable, query: RecordQuery, only: RowFilter | None, entries: int) -> Found:
    """The rows of one step, at most the query's limit."""
    edges = _edges(query)
    if edges[":first"]["S"] > edges[":last"]["S"] or query.limit < 1:
        return Found([], None)
    how: _How = {"IndexName": REQUEST_LOG, "ScanIndexForward": False, "limit": max(2, entries)}  # one may be `before`
    read = partial(_page, table, (day_of(query.start_ms), edges), only, how)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pages = [*pool.map(read, range(SHARDS))]
    reached = max((page.last["began"]["S"] for page in pages if page.last is not None), default="")
    items = {item["began"]["S"]: item for page in pages for item in page.items if item["began"]["S"] >= reached}
    if query.before is not None:
        items.pop(edges[":last"]["S"], None)
    newest = sorted(items.items(), key=itemgetter(0), reverse=True)
    if len(newest) > query.limit:
        newest = newest[: query.limit]
        reached = newest[-1][0]
    rows = rows_of(table, iter([item for _, item in newest]), query.limit, consistent=False)
    return Found([*rows], _position(reached) if reached else None)


def _edges(query: RecordQuery) -> dict[str, Attribute]:
    # "<ms>" sorts before every "<ms>#<id>", so the end is excluded and the start included.
    last = f"{query.end_ms:013d}"
    if query.before is not None:
        last = min(last, f"{query.before[0]:013d}#{query.before[1]}")  # includes that row, which is dropped
    return {":first": {"S": f"{query.start_ms:013d}"}, ":last": {"S": last}}


def _position(began: str) -> Position:
    moment, _, id_ = began.partition("#")
    return int(moment), OperationId(id_)


def _page(
    table: DynamoTable, place: tuple[str, dict[str, Attribute]], only: RowFilter | None, how: _How, shard: int
) -> Page:
    date, edges = place
    values: Item = {":shard": day_partition(date, shard), **edges}
    if only is None:
        return table.query_page(IN_DAY, values, **how)
    match only.column:
        case "key_id":
            expression = _OF_KEY
        case "end_user":
            expression = _OF_END_USER
        case "user_id":
            expression = _OF_USER
        case "team_id":
            expression = _OF_TEAM
        case _:
            expression = _OF_OPERATION
    return table.query_page(IN_DAY, values | _bound(only), FilterExpression=expression, **how)


def _bound(only: RowFilter) -> Item:
    """As many values as the expressions have: the first one again and again behind the last."""
    values = sorted(only.values)
    values += values[:1] * (MAX_VALUES - len(values))
    return {place: {"S": value} for place, value in zip(_PLACES, values, strict=True)}

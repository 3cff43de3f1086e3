"""List pages: ``limit``, ``order``, ``after``, ``before`` as OpenAI means them.

``after=X`` is what follows X in the order asked for. ``before=X`` is what directly precedes X, still in that order.
Both cursors are objects of the list itself; one that is not there is a 404.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import LiteralString, NamedTuple

from local.upstream.db import Connection, Row
from local.upstream.engine import Json
from local.upstream.errors import NotFound
from local.upstream.wire import PageQuery


class Position(NamedTuple):
    """Where an object stands in a list: ties within a second are broken by insertion."""

    created_at: int
    seq: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A list before it is cut into pages.

    ``select`` ends in a WHERE clause; it and ``columns`` (created_at and seq, to order by) are constants of the code.
    """

    select: LiteralString
    params: dict[str, object]
    columns: tuple[LiteralString, LiteralString]
    position: Callable[[str], Position | None]
    absent: Callable[[str], NotFound]


def page(connection: Connection, listing: Listing, query: PageQuery, render: Callable[[Row], Json]) -> Json:
    """One page, rendered."""
    rows, has_more = select(connection, listing, query)
    data = [render(row) for row in rows]
    return envelope(data, has_more=has_more)


def envelope(data: list[Json], *, has_more: bool) -> Json:
    """The list object around ``data``."""
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": has_more,
    }


def select(connection: Connection, listing: Listing, query: PageQuery) -> tuple[list[Row], bool]:
    """The page's rows, and whether there are more in the direction of travel."""
    # Towards a lone ``before`` one reads backwards and turns the page round at the end.
    backwards = query.before is not None and query.after is None
    descending = (query.order == "desc") != backwards
    sql = " ".join([listing.select, *bounds(listing, query), ordering(listing, descending=descending)])
    params = {**listing.params, **cursors(listing, query), "limit": query.limit + 1}
    rows = connection.execute(sql, params).fetchall()
    kept = rows[: query.limit]
    return (kept[::-1] if backwards else kept), len(rows) > query.limit


def bounds(listing: Listing, query: PageQuery) -> Iterable[str]:
    """The conditions that the cursors add. Every piece is a constant; values are bound."""
    created_at, seq = listing.columns
    follows, precedes = ("<", ">") if query.order == "desc" else (">", "<")
    if query.after is not None:
        yield f"AND ({created_at}, {seq}) {follows} (:after_at, :after_seq)"
    if query.before is not None:
        yield f"AND ({created_at}, {seq}) {precedes} (:before_at, :before_seq)"


def ordering(listing: Listing, *, descending: bool) -> str:
    """The ORDER BY and LIMIT clauses."""
    way = "DESC" if descending else "ASC"
    created_at, seq = listing.columns
    return f"ORDER BY {created_at} {way}, {seq} {way} LIMIT :limit"


def cursors(listing: Listing, query: PageQuery) -> dict[str, int]:
    """The bound values of the cursors."""
    bound: dict[str, int] = {}
    for name, object_id in (("after", query.after), ("before", query.before)):
        if object_id is not None:
            position = listing.position(object_id)
            if position is None:
                raise listing.absent(object_id)
            bound |= {f"{name}_at": position.created_at, f"{name}_seq": position.seq}
    return bound

"""Pages of a list in SQL, by time of creation; ties within a second are ordered by insertion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, LiteralString, TypeVar

from engine.model import Page
from engine.ports import UnknownCursor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from engine.adapters.sqlite.connections import Connection, Row
    from engine.model import PageQuery

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Listing:
    """A list before it is cut into pages.

    `select` ends in a WHERE clause, and `cursor` selects `created_at, seq` of the object `:cursor`; they and `columns`
    (those two, to order by) are constants of the code, and read their values from `params`.
    """

    select: LiteralString
    cursor: LiteralString
    params: Mapping[str, object]
    columns: tuple[LiteralString, LiteralString] = ("created_at", "seq")


def page(connection: Connection, listing: Listing, query: PageQuery, make: Callable[[Row], Item]) -> Page[Item]:
    """The page, and whether there are more objects in the direction of travel. UnknownCursor."""
    # Towards a lone `before` one reads backwards, and turns the page round at the end.
    backwards = query.before is not None and query.after is None
    descending = (query.order == "desc") != backwards
    sql = " ".join([listing.select, *_bounds(listing, query), _ordering(listing, descending=descending)])
    params = {**listing.params, **_cursors(connection, listing, query), "limit": query.limit + 1}
    rows = connection.execute(sql, params).fetchall()
    kept = [make(row) for row in rows[: query.limit]]
    return Page(kept[::-1] if backwards else kept, has_more=len(rows) > query.limit)


def _bounds(listing: Listing, query: PageQuery) -> Iterator[str]:
    """The conditions that the cursors add. Every piece is a constant; values are bound."""
    created_at, seq = listing.columns
    follows, precedes = ("<", ">") if query.order == "desc" else (">", "<")
    if query.after is not None:
        yield f"AND ({created_at}, {seq}) {follows} (:after_at, :after_seq)"
    if query.before is not None:
        yield f"AND ({created_at}, {seq}) {precedes} (:before_at, :before_seq)"


def _ordering(listing: Listing, *, descending: bool) -> str:
    """The ORDER BY and LIMIT clauses."""
    way = "DESC" if descending else "ASC"
    created_at, seq = listing.columns
    return f"ORDER BY {created_at} {way}, {seq} {way} LIMIT :limit"


def _cursors(connection: Connection, listing: Listing, query: PageQuery) -> dict[str, object]:
    """The bound values of the cursors."""
    bound: dict[str, object] = {}
    for name, object_id in (("after", query.after), ("before", query.before)):
        if object_id is not None:
            row = connection.execute(listing.cursor, {**listing.params, "cursor": object_id}).fetchone()
            if row is None:
                raise UnknownCursor(object_id)
            bound |= {f"{name}_at": row[0], f"{name}_seq": row[1]}
    return bound

"""Pages of a response's input items, which are kept in one list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import errors
from engine.listing import envelope
from engine.model import Page
from engine.ports import UnknownCursor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Json, PageQuery


def listing(items: Sequence[Json], query: PageQuery) -> Json:
    """The page as a list object. NotFound for a cursor that is none of the items."""
    return envelope(lambda: page(items, query), render=dict, absent=errors.no_item)


def page(items: Sequence[Json], query: PageQuery) -> Page[Json]:
    """The part that a query asks for, of items from the oldest to the newest. UnknownCursor."""
    ordered = items if query.order == "asc" else items[::-1]
    start = _place(ordered, query.after) + 1 if query.after is not None else 0
    end = _place(ordered, query.before) if query.before is not None else len(ordered)
    if query.before is not None and query.after is None:
        return Page(ordered[max(0, end - query.limit) : end], has_more=end > query.limit)
    return Page(ordered[start:end][: query.limit], has_more=end - start > query.limit)


def _place(ordered: Sequence[Json], item_id: str) -> int:
    for number, item in enumerate(ordered):
        if item["id"] == item_id:
            return number
    raise UnknownCursor(item_id)

"""List pages: `limit`, `order`, `after` and `before` as OpenAI means them.

`after=X` is what follows X in the order asked for; `before=X` is what directly precedes X, still in that order. Both
are ids of objects of the list itself; one that is not there is a 404.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from engine.model import PageQuery
from engine.ports import UnknownCursor

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.model import Json, Page
    from vectorgate.api.errors import NotFound
    from vectorgate.api.schemas import ListFilesQuery, ListQuery

Item = TypeVar("Item")

LIMIT: Final = 20
FILES_LIMIT: Final = 10_000


def page_query(query: ListQuery) -> PageQuery:
    """The part that a query asks for. A limit of 0 means the default: OpenAI's schema names no minimum."""
    return PageQuery(query.limit or LIMIT, query.order, query.after, query.before)


def files_page_query(query: ListFilesQuery) -> PageQuery:
    """The same for the list of files, which has longer pages and no `before`."""
    return PageQuery(query.limit or FILES_LIMIT, query.order, query.after)


def envelope(read: Callable[[], Page[Item]], render: Callable[[Item], Json], absent: Callable[[str], NotFound]) -> Json:
    """The list object around a page. `absent` makes the error for a cursor that is not in the list."""
    try:
        page = read()
    except UnknownCursor as cursor:
        raise absent(cursor.object_id) from None
    data = [render(item) for item in page.items]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": page.has_more,
    }

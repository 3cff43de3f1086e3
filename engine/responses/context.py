"""All that a request gives to read: its input, with what it continues and what it refers to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine import errors
from engine.responses import drafts, items

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model import Json
    from engine.ports import Rows
    from engine.responses.request import Prompted


def read(engine: Engine, body: Prompted) -> list[Json]:
    """The items, oldest first. InvalidRequest, NotFound."""
    given = items.normalise(body.input, engine.random)
    if body.previous_response_id is None and not items.references(given):
        return given
    with engine.catalogue.read() as rows:
        earlier = _earlier(rows, body.previous_response_id, engine.now())
        return [*earlier, *(_found(rows, item, engine.now()) for item in given)]


def _earlier(rows: Rows, response_id: str | None, now: int) -> list[Json]:
    """What was read and answered before."""
    if response_id is None:
        return []
    previous = rows.responses.get(response_id, now)
    if previous is None:
        raise errors.no_previous_response(response_id)
    if previous.status not in {"completed", "incomplete"}:
        raise errors.previous_under_way(response_id, previous.status)
    return [*previous.items, *(drafts.show_item(item, ()) for item in drafts.output(previous.body))]


def _found(rows: Rows, item: Json, now: int) -> Json:
    """An item, or the one that it refers to."""
    if item["type"] != items.REFERENCE:
        return item
    found = rows.responses.item(str(item["id"]), now)
    if found is None:
        raise errors.no_item(str(item["id"]))
    return drafts.show_item(found, ())

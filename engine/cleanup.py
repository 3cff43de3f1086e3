"""Expiry, and the release of what deleted rows held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model import Garbage

AT_ONCE: Final = 1000


def expire(engine: Engine, now: int) -> None:
    """Expire the files, stores, uploads and responses whose time is over."""
    with engine.catalogue.write() as rows:
        rows.files.expire(now)
        rows.stores.expire(now)
        rows.uploads.expire(now)
        rows.responses.expire(now)


def collect(engine: Engine) -> None:
    """Release what deleted rows held, then forget the rows: releasing twice does no harm."""
    with engine.catalogue.read() as rows:
        garbage = rows.garbage.oldest(AT_ONCE)
    for item in garbage:
        _release(engine, item)
    if garbage:
        with engine.catalogue.write() as rows:
            rows.garbage.forget(garbage[-1])


def _release(engine: Engine, item: Garbage) -> None:
    if item.kind == "blob":
        engine.blobs.discard(item.object_id)
    elif item.attachment is not None and _is_alive(engine, item.object_id):
        engine.index.remove(item.object_id, item.attachment)
    else:
        engine.index.drop(item.object_id)


def _is_alive(engine: Engine, store_id: str) -> bool:
    """Whether the store has an index: one that is deleted, or expired and swept, has none."""
    with engine.catalogue.read() as rows:
        return rows.stores.has_index(store_id)

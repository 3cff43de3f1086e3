"""The store that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.client.errors import SettingsError

if TYPE_CHECKING:
    from vectorgate.client.client import Client
    from vectorgate.client.resources import VectorStore

RETRIES: Final = 2  # nothing is lost yet: a gateway that does not answer is reported at once


async def find(client: Client, name: str) -> VectorStore | None:
    """The store of that id or name; None where no store has the name. SettingsError when several have it."""
    if name.startswith("vs_"):
        return await client.vector_stores.aretrieve(name, max_retries=RETRIES)
    found = [store async for store in client.vector_stores.alist(limit=100, max_retries=RETRIES) if store.name == name]
    if len(found) > 1:
        ids = ", ".join(store.id for store in found[:5])
        raise SettingsError(f"{len(found)} stores are named {name!r}: use an id ({ids})")
    return found[0] if found else None


async def find_or_create(client: Client, name: str) -> VectorStore:
    """The store of that id or name, created when no store has the name."""
    return await find(client, name) or await client.vector_stores.acreate(name=name, max_retries=RETRIES)

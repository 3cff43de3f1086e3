"""Names of keys: as LiteLLM's, of one key each."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from vectorgate.admin.fields import label
from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId


def claims_of(before: VirtualKey | None, after: VirtualKey, deps: AdminDeps) -> Sequence[str]:
    """What the write of a key claims, so that of two calls at once one gets a new name. InvalidRequest.

    A name is one key's of those that the actor sees: of its team, or, for the administrator, of all. Keys of earlier
    releases have no claims, and may have the same name: those are looked for.
    """
    if after.alias is None or (before is not None and before.alias == after.alias):
        return ()
    if any(row.alias == after.alias and row.id != after.id for row in deps.stores.keys.all_keys()):
        raise name_taken(after.alias)
    groups = [("team", after.team_id), *([("all", None)] if deps.actor.team_id is None else [])]
    texts = (json.dumps([*group, after.alias]) for group in groups)
    return [hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() for text in texts]


def name_taken(alias: str) -> InvalidRequest:
    """The error of a name that another key has, with LiteLLM's message."""
    message = f"Key with alias '{alias}' already exists. Unique key aliases across all keys are required."
    return InvalidRequest(message, code="already_exists", param="key_alias")


def ids_with(aliases: Sequence[str], deps: AdminDeps) -> list[KeyId]:
    """The ids of the keys that have one of these names. Each is read again: a list may lag behind a change of names."""
    wanted = {label("key_aliases", alias) for alias in aliases}
    listed = [row.id for row in deps.stores.keys.all_keys() if row.alias in wanted] if wanted else []
    rows = [deps.stores.keys.key(key_id) for key_id in listed]
    return [row.id for row in rows if row is not None and row.alias in wanted]

"""Names of keys: as LiteLLM's, of one key each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.auth.keys.model import VirtualKey


def check_alias(before: VirtualKey | None, after: VirtualKey, deps: AdminDeps) -> None:
    """Check that a new name is no other key's that the actor sees. InvalidRequest, with LiteLLM's message.

    Keys that two calls name at the same moment may have the same name, as those of earlier releases may.
    """
    if after.alias is None or (before is not None and before.alias == after.alias):
        return
    if any(row.alias == after.alias and row.id != after.id for row in deps.stores.keys.all_keys()):
        message = f"Key with alias '{after.alias}' already exists. Unique key aliases across all keys are required."
        raise InvalidRequest(message, code="already_exists", param="key_alias")

"""`/key/...`: LiteLLM's routes and field names for virtual keys."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StringConstraints

from vectorgate.admin.budgets import shown
from vectorgate.admin.key_requests import GenerateKey, UpdateKey, new_key, updated_key
from vectorgate.admin.races import ATTEMPTS, met_another
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, NotFound
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Subject, key_limit
from vectorgate.ids import KeyId, key_id_of
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey

MAX_BODY: Final = 64 * 1024
_HASH: Final = re.compile(r"[0-9a-f]{64}")


class DeleteKeys(WireModel):
    """`POST /key/delete`: keys, or their hashes."""

    keys: Annotated[list[Annotated[str, StringConstraints(min_length=1, max_length=512)]], Field(max_length=100)]


def generate(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Make a key. The answer holds the secret; nothing else ever will."""
    body = schemas.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=MAX_BODY)
    secret, row = new_key(schemas.validate(GenerateKey, body), deps.clock, deps.randomness)
    deps.stores.keys.add_key(row)
    return {"key": secret, **described(row), **_budget(row, deps)}


def info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """What is known of a key, by the key or by its hash."""
    presented = request.query.get("key", "")
    if not presented:
        raise InvalidRequest("Missing required parameter: 'key'.", code="missing_required_parameter", param="key")
    row = deps.stores.keys.key(key_id_in(presented))
    if row is None:
        raise NotFound("No such key.", param="key")
    return {"key": row.id, "info": {**described(row), **_budget(row, deps)}}


def update(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change what is sent and leave the rest; it counts within 30 s everywhere. Calls under way end as they began."""
    body = schemas.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=MAX_BODY)
    wish = schemas.validate(UpdateKey, body)
    key_id = key_id_in(wish.key)
    for _ in range(ATTEMPTS):
        row = deps.stores.keys.key(key_id)
        if row is None:
            raise NotFound("No such key.", param="key")
        changed = updated_key(row, wish, deps.clock.unix_s())
        with suppress(StateConflict):
            deps.stores.keys.replace_key(changed)
            return {"key": row.id, **described(changed), **_budget(changed, deps)}
    raise met_another("key")


def delete(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Delete keys. What they made stays with their tenant; they stop working within 30 s everywhere."""
    body = schemas.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=MAX_BODY)
    ids = [key_id_in(presented) for presented in schemas.validate(DeleteKeys, body).keys]
    deleted = [key_id for key_id in ids if deps.stores.keys.delete_key(key_id)]
    if not deleted and ids:
        raise NotFound("No such key.", param="keys")
    return {"deleted_keys": deleted}


def key_id_in(presented: str) -> KeyId:
    """The id of a key that is given as itself or as its hash: an administrator may hold either."""
    return KeyId(presented) if _HASH.fullmatch(presented) else key_id_of(presented)


def _budget(row: VirtualKey, deps: AdminDeps) -> dict[str, object]:
    return shown(Subject(BudgetScope.KEY, row.id), key_limit(row), deps)


def described(row: VirtualKey) -> dict[str, object]:
    """A key as LiteLLM shows it: `token` is its hash."""
    return {
        "token": row.id,
        "key_alias": row.alias,
        "team_id": row.team_id,
        "user_id": row.user_id,
        "created_at": _iso(row.created_at),
        "expires": _iso(row.expires_at),
        "blocked": row.blocked,
        "allowed_vector_store_indexes": [
            {"index_name": name, "index_permissions": sorted(permissions)}
            for name, permissions in sorted(row.indexes.items())
        ],
        "metadata": json.loads(row.metadata) if row.metadata is not None else {},
    }


def _iso(unix_s: int | None) -> str | None:
    return datetime.fromtimestamp(unix_s, UTC).isoformat() if unix_s is not None else None

"""`/admin/vector_stores/{id}`: an administrator reads or deletes one store of any team.

Each call is recorded in the audit before it reaches the provider. A deletion is also a call of the owner in the ledger,
under the alias `administrator`, and leaves what the owner's own deletion does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import iso_time
from vectorgate.admin.store_list import metered, price_of_storage, provider_named
from vectorgate.admin.store_paths import store_in
from vectorgate.admin.trail import DELETED, RETRIEVED
from vectorgate.api.errors import ApiError
from vectorgate.ids import ObjectId, ObjectKind, is_object_id, team_of
from vectorgate.providers.openai import with_both_sizes, without_tag
from vectorgate.tenancy.authorization import no_such_store
from vectorgate.tenancy.ownership import ObjectRef
from vectorgate.tenancy.sharing import shared_with

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.tenancy.ownership import Ownership

ALIAS: Final = "administrator"  # of its calls in the ledger
_NOT_FOUND: Final = 404


def retrieve(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A store as its provider describes it, with its owner, its shares and its cost a day. NotFound, ApiError."""
    row = _owned(request, deps)
    deps.announce(row.ref.kind, row.ref.id, RETRIEVED, {"team_id": team_of(row.tenant)})
    read = deps.provider.get(row.ref.provider, "vector_stores.retrieve", ids={"vector_store_id": row.ref.id})
    document = without_tag(with_both_sizes(dict(read)))
    store = metered(row, document, price_of_storage(deps, row.ref.provider), deps.clock.unix_s())
    shares = [
        {"team_id": team_of(tenant), "permission": share.permission, "since": iso_time(share.since)}
        for tenant, share in shared_with(row).items()
    ]
    return {**document, **store.described(), "provider": row.ref.provider, "shares": shares}


def delete(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Delete a store for its owner, also if that team is blocked or deleted. NotFound, ApiError."""
    row = _owned(request, deps)
    deps.announce(row.ref.kind, row.ref.id, DELETED, {"team_id": team_of(row.tenant)})
    try:
        deps.provider.delete_store(row.ref.provider, row.ref.id, row.tenant, ALIAS)
    except ApiError as error:
        if error.status != _NOT_FOUND or _row(row.ref, deps) is not None:
            raise  # a first attempt, whose answer was lost, may have deleted it
    return {"id": row.ref.id, "object": "vector_store.deleted", "deleted": True, "team_id": team_of(row.tenant)}


def _owned(request: Request, deps: AdminDeps) -> Ownership:
    """The row of the store in the path. InvalidRequest, NotFound."""
    name, provider = store_in(request.path), provider_named(request.query.get("provider"), deps)
    ref = ObjectRef(provider, ObjectKind.VECTOR_STORE, ObjectId(name))
    row = _row(ref, deps) if is_object_id(name) else None
    if row is None:
        raise no_such_store(name)
    return row


def _row(ref: ObjectRef, deps: AdminDeps) -> Ownership | None:
    """The row of a store that a team owns, unless it was deleted."""
    row = deps.stores.ownership.owners([ref]).get(ref)
    return row if row is not None and row.retired_at is None else None

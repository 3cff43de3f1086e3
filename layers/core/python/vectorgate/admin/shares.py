"""`/vector_stores/{id}/share`: let another team use a store that stays its owner's, who pays for what is stored.

By an administrator, or a key of the team that owns the store. A team that a store is shared with sees its own share
alone, and for every other team the store is absent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import StringConstraints

from vectorgate.admin.adoption import assignment_entry
from vectorgate.admin.budgets import require_team
from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import invalid, iso_time, label, read_body
from vectorgate.admin.store_paths import SHARE_PATH, store_in
from vectorgate.admin.team_caller import check_sharing
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, PermissionDenied
from vectorgate.api.schemas.fields import WireModel
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, is_object_id, team_of, tenant_of_team
from vectorgate.ledger.assignments import Assignment
from vectorgate.ledger.rollups import SHARE
from vectorgate.tenancy.authorization import no_such_store
from vectorgate.tenancy.holders import Holder
from vectorgate.tenancy.ownership import ObjectRef
from vectorgate.tenancy.sharing import MAX_SHARES, Permission, Share, permission_of, shared_with, with_share

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ids import TenantId
    from vectorgate.tenancy.ownership import Ownership


Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Sharing(WireModel):
    """`POST /vector_stores/{id}/share`: what a team may do with the store from now on."""

    team_id: Text
    permission: Text
    provider: Text | None = None


def share(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give a share, change it, or take it back. InvalidRequest, NotFound, PermissionDenied, Conflict."""
    body = schemas.validate(Sharing, read_body(request))
    if body.permission not in set(Permission):
        raise invalid("permission", "'read', 'write' or 'none'")
    return _changed(request, deps, body.provider, body.team_id, Permission(body.permission))


def unshare(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Take the share of the query's `team_id` back; a team without one has none afterwards, too."""
    if "team_id" not in request.query:
        raise invalid("team_id", "the team whose share ends")
    return _changed(request, deps, request.query.get("provider"), request.query["team_id"], Permission.NONE)


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The shares of a store, oldest first; for a team that it is shared with, its own."""
    row = _visible(request, deps, request.query.get("provider"))
    tenant = deps.caller.tenant if deps.caller is not None else row.tenant
    shares = {name: each for name, each in shared_with(row).items() if tenant in (name, row.tenant)}
    data = [_described(row, name, each) for name, each in shares.items()]
    return {"object": "list", "data": data, "has_more": False}


def _changed(
    request: Request, deps: AdminDeps, provider: str | None, team_id: str, permission: Permission
) -> dict[str, object]:
    team = label("team_id", team_id)
    tenant = tenant_of_team(team)
    given = Share(permission, deps.clock.unix_s())

    def write() -> dict[str, object]:
        row = _own(request, deps, provider)
        if tenant == row.tenant:
            raise invalid("team_id", "another team than the one that owns the store")
        if permission is not Permission.NONE:
            _require_team(team, deps)
        held = shared_with(row).get(tenant)
        if permission is not (held.permission if held is not None else Permission.NONE):
            _write(row, tenant, given, deps)
            held = given
        return _described(row, tenant, held or given)

    return retry_on_conflict("vector_store_id", write)


def _require_team(name: str, deps: AdminDeps) -> None:
    """Check that the team exists. InvalidRequest, which tells a team's key nothing of teams that were deleted."""
    try:
        require_team(name, deps, create=False)
    except InvalidRequest:
        if deps.caller is None:
            raise
        raise InvalidRequest("Unknown team.", code="unknown_team", param="team_id") from None


def _write(row: Ownership, tenant: TenantId, given: Share, deps: AdminDeps) -> None:
    """Write the share, with the record that says who gave what to which team. StateConflict."""
    try:
        after = with_share(row, tenant, given)
    except ValueError:
        raise invalid("team_id", f"at most {MAX_SHARES} teams that a store is shared with") from None
    giver = Holder(given.since, row.tenant, deps.caller.key.id if deps.caller is not None else None)
    entry = assignment_entry(deps, SHARE, row.ref, giver)
    tags = (f"team:{team_of(tenant)}", f"permission:{given.permission}")
    deps.stores.assignments.assign([Assignment(entry.changed(tags=tags), after, row)])


def _own(request: Request, deps: AdminDeps, provider: str | None) -> Ownership:
    row = _visible(request, deps, provider)
    if deps.caller is not None and deps.caller.tenant != row.tenant:
        raise PermissionDenied("Only the team that owns this vector store may share it.", code="not_owner")
    return row


def _visible(request: Request, deps: AdminDeps, provider: str | None) -> Ownership:
    """The row of the store in the path, if the caller may know of it. NotFound."""
    name, at = store_in(request.path), ProviderName(provider or deps.default_provider)
    if not is_object_id(at):
        raise invalid("provider", "the name of a provider")
    if deps.caller is not None:
        check_sharing(request, deps.caller.key, SHARE_PATH, name, at)
    ref = ObjectRef(at, ObjectKind.VECTOR_STORE, ObjectId(name))
    row = deps.stores.ownership.owners([ref]).get(ref) if is_object_id(name) else None
    if row is None or row.retired_at is not None:
        raise no_such_store(name)
    caller = deps.caller
    if caller is not None and caller.tenant != row.tenant and permission_of(row, caller.tenant) is Permission.NONE:
        raise no_such_store(name)
    return row


def _described(row: Ownership, tenant: TenantId, share: Share) -> dict[str, object]:
    return {
        "object": "vector_store.share",
        "vector_store_id": row.ref.id,
        "team_id": team_of(tenant),
        "permission": share.permission,
        "since": iso_time(share.since),
    }

"""`POST /vector_stores/{id}/transfer`: give a store, and files with it, to another team.

All of it moves in one transaction, with a ledger row for each object. From that second on the objects are the new
owner's, who is charged for what is stored; to the team before they are absent. The shares that it gave end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StringConstraints

from vectorgate.admin.adoption import assignment_entry
from vectorgate.admin.fields import invalid, read_body
from vectorgate.admin.store_list import provider_named
from vectorgate.admin.store_paths import store_in
from vectorgate.admin.unowned import owner_of
from vectorgate.api import schemas
from vectorgate.api.errors import Conflict, NotFound
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.store_rules import store_account
from vectorgate.ids import ObjectId, ObjectKind, is_object_id, team_of
from vectorgate.ledger.assignments import Assignment
from vectorgate.store_errors import StateConflict
from vectorgate.tenancy.holders import given_to
from vectorgate.tenancy.ownership import ObjectRef
from vectorgate.tenancy.sharing import shared_with

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.holders import Holder
    from vectorgate.tenancy.ownership import Ownership

MAX_FILES: Final = 24  # with the store: as many objects as one adoption's transaction

Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Transfer(WireModel):
    """The next owner, and the files that move with the store."""

    team_id: Text
    key: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = None
    end_user: Text | None = None
    provider: Text | None = None
    file_ids: Annotated[list[Text], Field(max_length=MAX_FILES)] | None = None


def transfer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Transfer a store and files of one owner. NotFound for what has no owner, Conflict if it changes meanwhile."""
    body = schemas.validate(Transfer, read_body(request))
    files = body.file_ids or []
    names = [store_in(request.path), *files]
    if not all(map(is_object_id, names)) or len(set(names)) != len(names):
        raise invalid("file_ids", "ids of files, each once")
    rows = _owned(provider_named(body.provider, deps), names, deps)
    holder = owner_of(body.team_id, body.key, body.end_user, deps).holder(deps.clock.unix_s())
    moving = [row for row in rows if row.tenant != holder.tenant]
    try:
        deps.stores.assignments.assign([_assignment(row, holder, deps) for row in moving])
    except StateConflict:
        raise Conflict(
            "The owner is being changed by other requests. Send the request again.", code="conflict"
        ) from None
    if moving and moving[0].ref.kind is ObjectKind.VECTOR_STORE:
        _count(moving[0].tenant, -1, deps)
        _count(holder.tenant, 1, deps)
    return {
        "id": rows[0].ref.id,
        "object": "vector_store.transferred",
        "team_id": team_of(holder.tenant),
        "previous_team_id": team_of(rows[0].tenant),
        "file_ids": files,
        "ended_shares": [team_of(tenant) for row in moving for tenant in shared_with(row)],
        "transferred": len(moving),
    }


def _count(tenant: TenantId, stores: int, deps: AdminDeps) -> None:
    """Add to the number of a team's stores, where a limit has it counted."""
    team = team_of(tenant)
    if team is not None:
        deps.stores.budgets.move_spent(store_account(team), stores)


def _owned(provider: ProviderName, names: Sequence[str], deps: AdminDeps) -> list[Ownership]:
    """The rows of the store and its files, in that order."""
    kinds = [ObjectKind.VECTOR_STORE, *(ObjectKind.FILE for _ in names[1:])]
    refs = [ObjectRef(provider, kind, ObjectId(name)) for kind, name in zip(kinds, names, strict=True)]
    rows = deps.stores.ownership.owners(refs)
    found = [row for ref in refs if (row := rows.get(ref)) is not None and row.retired_at is None]
    missing = [ref.id for ref in refs if ref not in {row.ref for row in found}]
    if missing:
        raise NotFound(f"No team owns [{', '.join(missing)}].", param="file_ids" if names[0] not in missing else "id")
    store = found[0]
    foreign = [row.ref.id for row in found if row.tenant != store.tenant]
    if foreign:
        raise invalid("file_ids", f"files of the store's owner, which [{', '.join(foreign)}] are not")
    return found


def _assignment(row: Ownership, holder: Holder, deps: AdminDeps) -> Assignment:
    operation = "vector_stores.transfer" if row.ref.kind is ObjectKind.VECTOR_STORE else "files.transfer"
    return Assignment(assignment_entry(deps, operation, row.ref, holder), given_to(row, holder), row)

"""What a tenant may use that it does not own, because stores are shared. Pure.

::

    a store             that is shared with the tenant
    a file or a batch   named in the path of a store that the tenant owns or shares: of the owner, and of each team
                        that the store is or was shared with; the provider knows whether it is in the store
    a citation          in the body of a response that names such a store: of the same
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import PermissionDenied
from vectorgate.api.safety import Safety
from vectorgate.ids import ObjectKind
from vectorgate.tenancy.ownership import ObjectRef
from vectorgate.tenancy.sharing import Permission, permission_of, shares_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.tenancy.ownership import Named, Ownership

    Rows = Mapping[ObjectRef, Ownership]

_STORE = "vector_store_id"


def still_missing(
    missing: Sequence[Named], command: Command, provider: ProviderName, tenant: TenantId, rows: Rows
) -> list[Named]:
    """Those of the objects that the tenant does not own which no share lets it use, in their order.

    PermissionDenied (403) if that is none, and the share of the store in the path does not allow the operation.
    """
    left = [each for each in missing if not _usable(each, command, provider, tenant, rows)]
    if not left:
        _check_permission(command, provider, tenant, rows)
    return left


def _check_permission(command: Command, provider: ProviderName, tenant: TenantId, rows: Rows) -> None:
    row = _store(command.ids.get(_STORE), provider, rows)
    if row is None or row.tenant == tenant:
        return
    if command.operation.deletes == _STORE:
        raise PermissionDenied("Only the team that owns this vector store may delete it.", code="not_owner")
    if command.operation.safety is not Safety.READ and permission_of(row, tenant) is not Permission.WRITE:
        raise PermissionDenied("This vector store is shared with your team for reading only.", code="shared_read_only")


def _usable(each: Named, command: Command, provider: ProviderName, tenant: TenantId, rows: Rows) -> bool:
    row = rows.get(ObjectRef(provider, each.kind, each.id))
    if row is None or (row.retired_at is not None and not each.kept):
        return False
    if each.kind is ObjectKind.VECTOR_STORE:
        return permission_of(row, tenant) is not Permission.NONE
    if each.kind is ObjectKind.BATCH and row.parent != command.ids.get(_STORE):
        return False
    if not each.in_store and (each.param is None or not each.kept):
        return False
    return any(row.tenant in parties for parties in _parties(command, provider, tenant, rows))


def _parties(command: Command, provider: ProviderName, tenant: TenantId, rows: Rows) -> Iterator[frozenset[TenantId]]:
    """The tenants whose files may be in each store that the command names and the tenant may use."""
    named = [each.id for each in command.references if each.kind is ObjectKind.VECTOR_STORE]
    for name in (command.ids.get(_STORE), *named):
        row = _store(name, provider, rows)
        if row is not None and (row.accessible_to(tenant) or permission_of(row, tenant) is not Permission.NONE):
            yield frozenset({row.tenant, *shares_of(row)})


def _store(name: ObjectId | None, provider: ProviderName, rows: Rows) -> Ownership | None:
    return rows.get(ObjectRef(provider, ObjectKind.VECTOR_STORE, name)) if name is not None else None

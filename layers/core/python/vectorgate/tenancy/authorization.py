"""Whether a caller may touch what a call names: every id in the path and every id in the body. Default deny.

Foreign and absent take the same way through this file, cost the same reads and end in the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound
from vectorgate.api.operations import PATH_KINDS
from vectorgate.tenancy.ownership import Kind, Ref

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.gateway.parser import Order
    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

_SHOWN: Final = 10  # ids in one message


def authorise(
    order: Order, tenant: TenantId, ownership: OwnershipStore, providers: Sequence[ProviderName]
) -> ProviderName:
    """The provider at which `tenant` owns all that the order names. NotFound (404) when there is none.

    `providers`: the candidates, the default first; an order that names a provider is looked up there alone.
    """
    named = _named(order)
    candidates = [order.provider] if order.provider is not None else providers
    if not named:
        return candidates[0]
    rows = ownership.owners({Ref(provider, kind, name) for provider in candidates for kind, name in named})
    missing = {provider: _not_held(order, provider, tenant, rows) for provider in candidates}
    for provider in candidates:
        if not missing[provider]:
            return provider
    raise _not_found(order, min(missing.values(), key=len))


def _named(order: Order) -> list[tuple[Kind, ObjectId]]:
    in_path = [(PATH_KINDS[name], value) for name, value in order.ids.items()]
    return in_path + [(order.operation.body_kind, name) for name in order.body_ids()]


def _not_held(
    order: Order, provider: ProviderName, tenant: TenantId, rows: Mapping[Ref, Ownership]
) -> list[tuple[Kind, ObjectId]]:
    """What the order names and the tenant does not hold at that provider, in the order's own order."""
    store = order.ids.get("vector_store_id")
    missing = []
    for kind, name in _named(order):
        row = rows.get(Ref(provider, kind, name))
        if row is None or not row.held_by(tenant) or (kind is Kind.BATCH and row.parent != store):
            missing.append((kind, name))
    return missing


def _not_found(order: Order, missing: Sequence[tuple[Kind, ObjectId]]) -> NotFound:
    """In OpenAI's words for the first thing that is not there."""
    kind, name = missing[0]
    store = order.ids.get("vector_store_id")
    match kind:
        case Kind.VECTOR_STORE:
            return no_such_store(name)
        case Kind.BATCH:
            return NotFound(f"No file batch found with id '{name}' in vector store '{store}'.")
        case Kind.UPLOAD:
            return NotFound(f"No such Upload object: {name}", param="upload_id")
        case Kind.PART:
            return NotFound(f"Parts [{_listed(missing)}] were not found", param="part_ids")
        case Kind.FILE:
            return _no_file(order, missing)


def _no_file(order: Order, missing: Sequence[tuple[Kind, ObjectId]]) -> NotFound:
    _, name = missing[0]
    store = order.ids.get("vector_store_id")
    if "file_id" not in order.ids:
        return NotFound(f"Files [{_listed(missing)}] were not found", param=_param_of(order))
    if store is not None:
        return NotFound(f"No file found with id '{name}' in vector store '{store}'.")
    return no_such_file(name)


def _listed(missing: Sequence[tuple[Kind, ObjectId]]) -> str:
    return ", ".join(name for _, name in missing[:_SHOWN])


def _param_of(order: Order) -> str:
    return "file_id" if order.operation.body_ids == ("file_id",) else "file_ids"


def no_such_store(name: str) -> NotFound:
    """404 for a store."""
    return NotFound(f"No vector store found with id '{name}'.")


def no_such_file(name: str) -> NotFound:
    """404 for a file."""
    return NotFound(f"No such File object: {name}", param="id")

"""Whether a caller may touch what a call names: every id in the path and every id in the body. Default deny.

Foreign and absent take the same way through this file, cost the same reads and end in the same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound
from vectorgate.api.operations import PATH_KINDS
from vectorgate.ids import ObjectKind
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

_SHOWN: Final = 10  # ids in one message


def authorise(
    command: Command, tenant: TenantId, ownership: OwnershipStore, providers: Sequence[ProviderName]
) -> ProviderName:
    """The provider at which `tenant` owns all that the order names. NotFound (404) when there is none.

    `providers`: the candidates, the default first; an order that names a provider is looked up there alone.
    """
    named = _named(command)
    candidates = [command.provider] if command.provider is not None else providers
    if not named:
        return candidates[0]
    rows = ownership.owners({ObjectRef(provider, kind, name) for provider in candidates for kind, name in named})
    missing = {provider: _not_held(command, provider, tenant, rows) for provider in candidates}
    for provider in candidates:
        if not missing[provider]:
            return provider
    raise _not_found(command, min(missing.values(), key=len))


def _named(command: Command) -> list[tuple[ObjectKind, ObjectId]]:
    in_path = [(PATH_KINDS[name], value) for name, value in command.ids.items()]
    return in_path + [(command.operation.body_kind, name) for name in command.body_ids]


def _not_held(
    command: Command, provider: ProviderName, tenant: TenantId, rows: Mapping[ObjectRef, Ownership]
) -> list[tuple[ObjectKind, ObjectId]]:
    """What the order names and the tenant does not hold at that provider, in the order's own order."""
    store = command.ids.get("vector_store_id")
    missing = []
    for kind, name in _named(command):
        row = rows.get(ObjectRef(provider, kind, name))
        if row is None or not row.held_by(tenant) or (kind is ObjectKind.BATCH and row.parent != store):
            missing.append((kind, name))
    return missing


def _not_found(command: Command, missing: Sequence[tuple[ObjectKind, ObjectId]]) -> NotFound:
    """In OpenAI's words for the first thing that is not there."""
    kind, name = missing[0]
    store = command.ids.get("vector_store_id")
    match kind:
        case ObjectKind.VECTOR_STORE:
            return no_such_store(name)
        case ObjectKind.BATCH:
            return NotFound(f"No file batch found with id '{name}' in vector store '{store}'.")
        case ObjectKind.UPLOAD:
            return NotFound(f"No such Upload object: {name}", param="upload_id")
        case ObjectKind.PART:
            return NotFound(f"Parts [{_listed(missing)}] were not found", param="part_ids")
        case ObjectKind.FILE:
            return _no_file(command, missing)


def _no_file(command: Command, missing: Sequence[tuple[ObjectKind, ObjectId]]) -> NotFound:
    _, name = missing[0]
    store = command.ids.get("vector_store_id")
    if "file_id" not in command.ids:
        return NotFound(f"Files [{_listed(missing)}] were not found", param=_param_of(command))
    if store is not None:
        return NotFound(f"No file found with id '{name}' in vector store '{store}'.")
    return no_such_file(name)


def _listed(missing: Sequence[tuple[ObjectKind, ObjectId]]) -> str:
    return ", ".join(name for _, name in missing[:_SHOWN])


def _param_of(command: Command) -> str:
    return "file_id" if command.operation.body_ids == ("file_id",) else "file_ids"


def no_such_store(name: str) -> NotFound:
    """404 for a store."""
    return NotFound(f"No vector store found with id '{name}'.")


def no_such_file(name: str) -> NotFound:
    """404 for a file."""
    return NotFound(f"No such File object: {name}", param="id")

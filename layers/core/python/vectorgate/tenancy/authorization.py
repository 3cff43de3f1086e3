"""Authorise a call: its tenant must own every object that path, body and query name. Default deny.

An object of another tenant and one that does not exist follow the same code path, cost the same reads and end in the
same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound
from vectorgate.ids import PATH_KINDS, ObjectKind
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

_MAX_LISTED: Final = 10  # ids in one message


def authorise(
    command: Command, tenant: TenantId, ownership: OwnershipStore, providers: Sequence[ProviderName]
) -> ProviderName:
    """Return the provider at which `tenant` owns every object that the command names. NotFound (404) without one.

    `providers`: the candidates, the default first. A command that names a provider is looked up at that one only.
    """
    references = [*_references(command), *_cursors(command)]
    candidates = [command.provider] if command.provider is not None else providers
    if not references:
        return candidates[0]
    rows = ownership.owners({ObjectRef(provider, kind, name) for provider in candidates for kind, name in references})
    missing = {provider: _missing(command, provider, tenant, rows) for provider in candidates}
    for provider in candidates:
        if not missing[provider]:
            return provider
    raise _not_found(command, min(missing.values(), key=len))


def _references(command: Command) -> list[tuple[ObjectKind, ObjectId]]:
    """Every object that the path and the body name, in that order."""
    in_path = [(PATH_KINDS[name], value) for name, value in command.ids.items()]
    return in_path + [(command.operation.body_kind, name) for name in command.body_ids]


def _cursors(command: Command) -> list[tuple[ObjectKind, ObjectId]]:
    """Every object that the query names. The cursors of a list operation are looked up when its page is read."""
    kind = command.operation.cursors
    if kind is None or command.operation.lists is not None:
        return []
    return [(kind, name) for name in command.cursor_ids.values()]


def _missing(
    command: Command, provider: ProviderName, tenant: TenantId, rows: Mapping[ObjectRef, Ownership]
) -> list[tuple[ObjectKind, ObjectId]]:
    """The objects that the command names and the tenant does not own at that provider, in the command's order."""
    store = command.ids.get("vector_store_id")
    missing = []
    for kind, name in _references(command):
        row = rows.get(ObjectRef(provider, kind, name))
        if row is None or not row.accessible_to(tenant) or (kind is ObjectKind.BATCH and row.parent != store):
            missing.append((kind, name))
    for kind, name in _cursors(command):
        row = rows.get(ObjectRef(provider, kind, name))
        if row is None or row.tenant != tenant:  # a deleted file is still a cursor: a client may delete while it pages
            missing.append((kind, name))
    return missing


def _not_found(command: Command, missing: Sequence[tuple[ObjectKind, ObjectId]]) -> NotFound:
    """OpenAI's error for the first missing object."""
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
    if command.body_ids:
        return NotFound(f"Files [{_listed(missing)}] were not found", param=_param_of(command))
    if store is not None:
        return NotFound(f"No file found with id '{name}' in vector store '{store}'.")
    return no_such_file(name)


def _listed(missing: Sequence[tuple[ObjectKind, ObjectId]]) -> str:
    return ", ".join(name for _, name in missing[:_MAX_LISTED])


def _param_of(command: Command) -> str:
    return "file_id" if command.operation.body_ids == ("file_id",) else "file_ids"


def no_such_store(name: str) -> NotFound:
    """The error 404 for a store."""
    return NotFound(f"No vector store found with id '{name}'.")


def no_such_file(name: str) -> NotFound:
    """The error 404 for a file."""
    return NotFound(f"No such File object: {name}", param="id")

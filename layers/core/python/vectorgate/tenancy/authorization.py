"""Authorise a call: its tenant must own every object that path, body and query name. Default deny.

An object of another tenant and one that does not exist follow the same code path, cost the same reads and end in the
same bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, InvalidRequest, NotFound
from vectorgate.ids import PATH_KINDS, ObjectKind
from vectorgate.tenancy.ownership import Named, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.ids import ObjectId, ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

_MAX_LISTED: Final = 10  # ids in one message


def authorise(
    command: Command, tenant: TenantId, ownership: OwnershipStore, providers: Sequence[ProviderName]
) -> tuple[ProviderName, Ownership | None]:
    """Return the provider at which `tenant` may use every object that the command names. NotFound (404) without one.

    And the row of the store in the path, if another tenant owns it, which shares it. `tenant` may use what it owns,
    and what others share with it: PermissionDenied (403) for more than a share allows.
    `providers`: the candidates, the default first. A command that names a provider is looked up at that one only.
    """
    references = [*_references(command), *_cursors(command)]
    candidates = [command.provider] if command.provider is not None else providers
    if not references:
        return candidates[0], None
    rows = ownership.owners({ObjectRef(provider, each.kind, each.id) for provider in candidates for each in references})
    missing = {provider: _missing(command, provider, tenant, rows) for provider in candidates}
    if all(missing.values()) and any(row.shares is not None for row in rows.values()):
        from vectorgate.tenancy.shared_access import still_missing  # noqa: PLC0415 - of shared stores alone

        missing = {name: still_missing(each, command, name, tenant, rows) for name, each in missing.items()}
    for provider in candidates:
        if not missing[provider]:
            return provider, _borrowed(command, provider, tenant, rows)
    raise _not_found(command, min(missing.values(), key=len))


def _borrowed(
    command: Command, provider: ProviderName, tenant: TenantId, rows: Mapping[ObjectRef, Ownership]
) -> Ownership | None:
    store = command.ids.get("vector_store_id")
    row = rows.get(ObjectRef(provider, ObjectKind.VECTOR_STORE, store)) if store is not None else None
    return row if row is not None and row.tenant != tenant else None


def _references(command: Command) -> list[Named]:
    """Every object that the path and the body name, in that order."""
    in_store = "vector_store_id" in command.ids
    in_path = [
        Named(kind, value, in_store=in_store and kind is not ObjectKind.VECTOR_STORE)
        for name, value in command.ids.items()
        if (kind := PATH_KINDS.get(name)) is not None
    ]
    in_body = [Named(command.operation.body_kind, name) for name in command.body_ids]
    return [*in_path, *in_body, *(Named(each.kind, each.id, each.param, each.kept) for each in command.references)]


def _cursors(command: Command) -> list[Named]:
    """Every object that the query names. The cursors of a list operation are looked up when its page is read."""
    kind = command.operation.cursors
    if kind is None or command.operation.lists is not None:
        return []
    # A deleted file is still a cursor: a client may delete while it pages.
    in_store = "vector_store_id" in command.ids
    return [Named(kind, name, kept=True, in_store=in_store) for name in command.cursor_ids.values()]


def _missing(
    command: Command, provider: ProviderName, tenant: TenantId, rows: Mapping[ObjectRef, Ownership]
) -> list[Named]:
    """The objects that the command names and the tenant does not own at that provider, in the command's order."""
    store = command.ids.get("vector_store_id")
    missing = []
    for each in [*_references(command), *_cursors(command)]:
        row = rows.get(ObjectRef(provider, each.kind, each.id))
        usable = row is not None and (row.tenant == tenant if each.kept else row.accessible_to(tenant))
        if row is None or not usable or (each.kind is ObjectKind.BATCH and row.parent != store):
            missing.append(each)
    return missing


def _not_found(command: Command, missing: Sequence[Named]) -> ApiError:
    """OpenAI's error for the first missing object."""
    kind, name, param = missing[0][:3]
    return _no_object(command, missing) if param is None else _no_reference(kind, name, param)


def _no_object(command: Command, missing: Sequence[Named]) -> NotFound:
    """The error for an object that the path, or the body of an operation on stores and files, names."""
    kind, name = missing[0][:2]
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
        case ObjectKind.RESPONSE:
            return NotFound(f"Response with id '{name}' not found.")
        case _:
            return _no_file(command, missing)


def _no_reference(kind: ObjectKind, name: ObjectId, param: str) -> ApiError:
    """OpenAI's error for an object that the body of a response names."""
    top = param.partition("[")[0].partition(".")[0]
    match kind:
        case ObjectKind.VECTOR_STORE:
            return NotFound(f"Vector store with id [{name}] not found.", param=top)
        case ObjectKind.RESPONSE:
            return no_previous_response(name, param)
        case ObjectKind.ITEM:
            return NotFound(f"Item with id '{name}' not found.", param=top)
        case ObjectKind.CONTAINER:
            return NotFound(f"Container with id '{name}' not found.", param=top)
        case _:
            return NotFound(f"No such File object: {name}", param=top)


def no_previous_response(name: ObjectId, param: str) -> InvalidRequest:
    """OpenAI's error for a response that cannot be continued."""
    message = f"Previous response with id '{name}' not found."
    return InvalidRequest(message, code="previous_response_not_found", param=param)


def _no_file(command: Command, missing: Sequence[Named]) -> NotFound:
    name = missing[0].id
    store = command.ids.get("vector_store_id")
    if command.body_ids:
        return NotFound(f"Files [{_listed(missing)}] were not found", param=_param_of(command))
    if store is not None:
        return NotFound(f"No file found with id '{name}' in vector store '{store}'.")
    return no_such_file(name)


def _listed(missing: Sequence[Named]) -> str:
    return ", ".join(each.id for each in missing[:_MAX_LISTED])


def _param_of(command: Command) -> str:
    return "file_id" if command.operation.body_ids == ("file_id",) else "file_ids"


def no_such_store(name: str) -> NotFound:
    """The error 404 for a store."""
    return NotFound(f"No vector store found with id '{name}'.")


def no_such_file(name: str) -> NotFound:
    """The error 404 for a file."""
    return NotFound(f"No such File object: {name}", param="id")

"""List operations: the tenant's objects, described as the provider has them now where that can have changed."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import BadGateway, Unavailable, UpstreamError, UpstreamRefused
from vectorgate.api.operations import BY_NAME
from vectorgate.ids import ObjectKind
from vectorgate.providers.base import Answer, Call
from vectorgate.tenancy.listing import OwnedList

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.providers.client import ProviderClient
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

MAX_CONCURRENT_RETRIEVES: Final = 10  # connections to the provider, for one list
MAX_REFRESHED_FILES: Final = 100  # files that one list retrieves: as many as stores on the longest page of stores
_RETRIEVE_OPERATIONS: Final = {
    ObjectKind.VECTOR_STORE: BY_NAME["vector_stores.retrieve"],
    ObjectKind.FILE: BY_NAME["files.retrieve"],
}
_FINAL_STATUSES: Final = ("processed", "error", None)  # of a file; None because a provider may not report one
_NOT_FOUND: Final = 404


def list_page(
    command: Command, tenant: TenantId, provider: ProviderName, ownership: OwnershipStore, client: ProviderClient
) -> Answer:
    """Answer a list operation with a page. ValueError for any other operation."""
    kind = command.operation.lists
    if kind is None:
        raise ValueError("not a list operation")
    owned = OwnedList(ownership, tenant, provider, kind)
    if kind is ObjectKind.FILE:
        document = owned.page(command.query, _FileDescriber(command.query.get("purpose"), client))
    else:
        document = owned.page(command.query, lambda rows: _retrieve_all(rows, client))
    return Answer(status=200, headers={}, document=document)


def _retrieve_all(rows: Sequence[Ownership], client: ProviderClient) -> list[Mapping[str, object] | None]:
    """Retrieve each object from the provider, several at a time; None for one that the provider does not have.

    After the first failure the rest is cancelled, because what fails for one of them fails for most.
    """
    if len(rows) <= 1:
        return [_retrieve(row, client) for row in rows]
    with ThreadPoolExecutor(max_workers=min(MAX_CONCURRENT_RETRIEVES, len(rows))) as pool:
        futures = [pool.submit(copy_context().run, _retrieve, row, client) for row in rows]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:
                future.cancel()


def _retrieve(row: Ownership, client: ProviderClient) -> Mapping[str, object] | None:
    operation = _RETRIEVE_OPERATIONS[row.ref.kind]
    try:
        return client.send(Call(operation=operation, ids={operation.parameters[0]: row.ref.id})).document
    except UpstreamRefused as error:
        if error.status == _NOT_FOUND:  # deleted without the gateway: OpenAI's own list omits it, too
            return None
        raise


class _FileDescriber:
    """Describes files by their snapshots, and by the provider where processing had not ended when they were created.

    A file's size and purpose never change, its status does. Only the first `MAX_REFRESHED_FILES` of a page are
    retrieved. If the provider fails, the snapshots are shown: the list itself does not depend on the provider.
    """

    def __init__(self, purpose: str | None, client: ProviderClient) -> None:
        self._purpose = purpose
        self._client = client
        self._retrieves_left = MAX_REFRESHED_FILES

    def __call__(self, rows: Sequence[Ownership]) -> list[Mapping[str, object] | None]:
        """Describe each row; None for a file that is expired or has another purpose."""
        files = [self._snapshot_of(row) for row in rows]
        unfinished = [index for index, file in enumerate(files) if file and file.get("status") not in _FINAL_STATUSES]
        refreshed = unfinished[: self._retrieves_left]
        self._retrieves_left -= len(refreshed)
        try:
            current = _retrieve_all([rows[index] for index in refreshed], self._client)
        except (UpstreamError, BadGateway, Unavailable):
            self._retrieves_left = 0
            return files
        for index, file in zip(refreshed, current, strict=True):
            files[index] = file
        return files

    def _snapshot_of(self, row: Ownership) -> Mapping[str, object] | None:
        document: dict[str, object] = json.loads(row.snapshot or "{}")
        expires_at = document.get("expires_at")
        expired = isinstance(expires_at, int) and expires_at <= self._client.clock.unix_s()
        hidden = expired or (self._purpose is not None and document.get("purpose") != self._purpose)
        return None if hidden else document

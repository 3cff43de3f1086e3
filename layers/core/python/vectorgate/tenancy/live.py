"""What a list shows of each owned object: as the provider has it now, where that can have changed since it was made."""

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

AT_ONCE: Final = 10  # connections that one list may hold
UNFINISHED_MAX: Final = 100  # files that one list asks for: as many as stores on the longest page of theirs
_RETRIEVE: Final = {
    ObjectKind.VECTOR_STORE: BY_NAME["vector_stores.retrieve"],
    ObjectKind.FILE: BY_NAME["files.retrieve"],
}
_FINAL: Final = ("processed", "error", None)  # what a file's status is at last; a provider may name none
_NOT_FOUND: Final = 404


def page_of(
    command: Command, tenant: TenantId, provider: ProviderName, ownership: OwnershipStore, client: ProviderClient
) -> Answer:
    """The page that a list operation asks for."""
    kind = command.operation.lists
    if kind is None:
        raise ValueError("not a list operation")
    owned = OwnedList(ownership, tenant, provider, kind)
    if kind is ObjectKind.FILE:
        document = owned.page(command.query, _Files(command.query.get("purpose"), client))
    else:
        document = owned.page(command.query, lambda rows: _now(rows, client))
    return Answer(status=200, headers={}, document=document)


def _now(rows: Sequence[Ownership], client: ProviderClient) -> list[Mapping[str, object] | None]:
    """Each object as the provider has it, several at a time; None for one that it does not have.

    Once one cannot be had, the rest is not asked for: what fails for one of them fails for most.
    """
    if len(rows) <= 1:
        return [_retrieved(row, client) for row in rows]
    with ThreadPoolExecutor(max_workers=min(AT_ONCE, len(rows))) as pool:
        asked = [pool.submit(copy_context().run, _retrieved, row, client) for row in rows]
        try:
            return [each.result() for each in asked]
        finally:
            for each in asked:
                each.cancel()


def _retrieved(row: Ownership, client: ProviderClient) -> Mapping[str, object] | None:
    operation = _RETRIEVE[row.ref.kind]
    try:
        return client.ask(Call(operation=operation, ids={operation.parameters[0]: row.ref.id})).document
    except UpstreamRefused as error:
        if error.status == _NOT_FOUND:  # deleted past us: it is no longer in OpenAI's list either
            return None
        raise


class _Files:
    """Files as they were made, and as they are now if the provider was not done with them then.

    A file's bytes and purpose never change, its status does. The first `UNFINISHED_MAX` of a page are asked for, and if
    the provider fails they are shown as they were made: the list is ours, and can be had without it.
    """

    def __init__(self, purpose: str | None, client: ProviderClient) -> None:
        self._purpose = purpose
        self._exchange = client
        self._left = UNFINISHED_MAX

    def __call__(self, rows: Sequence[Ownership]) -> list[Mapping[str, object] | None]:
        """What is shown of each row."""
        shown = [self._made(row) for row in rows]
        unfinished = [place for place, file in enumerate(shown) if file and file.get("status") not in _FINAL]
        asked = unfinished[: self._left]
        self._left -= len(asked)
        try:
            for place, file in zip(asked, _now([rows[place] for place in asked], self._exchange), strict=True):
                shown[place] = file
        except (UpstreamError, BadGateway, Unavailable):
            self._left = 0
        return shown

    def _made(self, row: Ownership) -> Mapping[str, object] | None:
        document: dict[str, object] = json.loads(row.snapshot or "{}")
        expires_at = document.get("expires_at")
        expired = isinstance(expires_at, int) and expires_at <= self._exchange.clock.unix_s()
        hidden = expired or (self._purpose is not None and document.get("purpose") != self._purpose)
        return None if hidden else document

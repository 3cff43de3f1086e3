"""Read the current descriptions of a tenant's objects from their provider, for one list.

A call for each object, or the provider's own list where a page of it names several of them. That list holds the objects
of all tenants: of a page, only the objects that were asked for are used. What cannot be had in time, or at all, is left
out, and the caller shows what is known of it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import BadGateway, PayloadTooLarge, Unavailable, UpstreamError
from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId, ObjectKind, is_object_id
from vectorgate.providers.base import Call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import TenantId
    from vectorgate.providers.client import ProviderClient
    from vectorgate.tenancy.slots import TenantSlots

LIVE_SECONDS: Final = 5.0  # for everything that one list reads
LIST_WORTH: Final = 3  # objects for which a page of the provider's list is read, and which it must name to go on
MAX_FAILURES: Final = 3  # after so many, if most calls failed, no other is begun: what fails for these fails for others
_PAGE_SIZE: Final = "100"  # OpenAI's largest
_NOT_FOUND: Final = 404
_LISTED: Final = BY_NAME["vector_stores.list"]
_RETRIEVED: Final = {
    ObjectKind.VECTOR_STORE: BY_NAME["vector_stores.retrieve"],
    ObjectKind.FILE: BY_NAME["files.retrieve"],
}


@dataclass(frozen=True, slots=True)
class _Read:
    """What the provider answered: the document, or None for an object that it does not have (404)."""

    document: Mapping[str, object] | None


class LiveReader:
    """The reads of one list. `slots` bounds what all lists of the tenant read at a time."""

    def __init__(self, client: ProviderClient, slots: TenantSlots, tenant: TenantId) -> None:
        end = client.clock.monotonic() + LIVE_SECONDS
        self.client = replace(client, deadline=min(client.deadline, end))
        self._slots = slots
        self._tenant = tenant
        self._succeeded = self._failed = 0

    def retrieve(self, kind: ObjectKind, ids: Sequence[ObjectId]) -> dict[ObjectId, Mapping[str, object] | None]:
        """The descriptions by id, with a call each; None for an object that the provider does not have."""
        if not ids:
            return {}
        operation = _RETRIEVED[kind]
        calls = [Call(operation=operation, ids={operation.parameters[0]: name}) for name in ids]
        with self._slots.taken(self._tenant, len(ids), seconds=self._remaining()) as workers:
            reads = self._send_all(calls, workers)
        return {name: read.document for name, read in zip(ids, reads, strict=True) if read is not None}

    def listed_stores(
        self, ids: Sequence[ObjectId], *, after: ObjectId | None, order: str
    ) -> dict[ObjectId, Mapping[str, object]]:
        """Those of the stores that pages of the provider's list name, while a page costs less than a call for each.

        `after`: the object at which the pages begin. A store that is not named may exist.
        """
        wanted = set(ids)
        found: dict[ObjectId, Mapping[str, object]] = {}
        while len(wanted) - len(found) >= LIST_WORTH:
            page, more = self._page(after, order)
            hits = {name: document for name, document in page.items() if name in wanted}
            found |= hits
            if not more or len(hits) < LIST_WORTH:
                break
            after = next(reversed(page))
        return found

    def _page(self, after: ObjectId | None, order: str) -> tuple[dict[ObjectId, Mapping[str, object]], bool]:
        """A page of the provider's list in its order, and whether another follows; an empty one after a failure."""
        cursor = {"after": after} if after is not None else {}
        call = Call(operation=_LISTED, query={"limit": _PAGE_SIZE, "order": order, **cursor})
        with self._slots.taken(self._tenant, 1, seconds=self._remaining()) as workers:
            (read,) = self._send_all([call], workers)
        document = read.document if read is not None and read.document is not None else {}
        data = document.get("data")
        stores: list[Mapping[str, object]] = [
            item
            for item in (data if isinstance(data, list) else [])
            if isinstance(item, dict) and is_object_id(str(item.get("id", "")))
        ]
        page = {ObjectId(str(store["id"])): store for store in stores}
        return page, bool(page) and document.get("has_more") is True

    def _send_all(self, calls: Sequence[Call], workers: int) -> list[_Read | None]:
        """The answer to each call, with so many calls at a time; None for one that cannot be had."""
        if workers == 0:
            return [None] * len(calls)
        if workers == 1:
            return [self._send(call) for call in calls]
        with ThreadPoolExecutor(max_workers=workers) as pool:
            futures = [pool.submit(copy_context().run, self._send, call) for call in calls]
            return [future.result() for future in futures]

    def _send(self, call: Call) -> _Read | None:
        if self._remaining() <= 0 or (self._failed >= MAX_FAILURES and self._failed > self._succeeded):
            return None
        try:
            document = self.client.send(call).document
        except (UpstreamError, BadGateway, Unavailable, PayloadTooLarge) as error:
            if error.status == _NOT_FOUND:  # deleted without the gateway: OpenAI's own list omits it, too
                return _Read(None)
            self._failed += 1
            return None
        self._succeeded += 1
        return _Read(document)

    def _remaining(self) -> float:
        """The seconds that are left."""
        return self.client.deadline - self.client.clock.monotonic()

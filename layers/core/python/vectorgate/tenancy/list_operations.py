"""List operations: the tenant's objects, described as the provider has them now where that can have changed.

Every object of the tenant is shown. One whose current description cannot be had in time is shown as it was last known,
and named in the header `x-vectorgate-last-known`.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.providers.base import Answer
from vectorgate.tenancy.listing import OwnedList, Walk
from vectorgate.tenancy.live import LiveReader
from vectorgate.tenancy.ownership import last_known_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.providers.client import ProviderClient
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore
    from vectorgate.tenancy.slots import TenantSlots

    Description = Mapping[str, object] | None

MAX_REFRESHED_FILES: Final = 100  # files that one list retrieves: as many as stores on the longest page of stores
LAST_KNOWN: Final = "x-vectorgate-last-known"
LAST_KNOWN_COUNT: Final = "x-vectorgate-last-known-count"
_MAX_HEADER: Final = 4_000  # characters: API Gateway allows 10 KB for all headers
_FINAL_STATUSES: Final = ("processed", "error", None)  # of a file; None because a provider may not report one


@dataclass(frozen=True, slots=True, kw_only=True)
class ListService:
    """Answers list operations. `slots` bounds the calls that one tenant's lists make at a time."""

    ownership: OwnershipStore
    slots: TenantSlots

    def answer(self, command: Command, tenant: TenantId, provider: ProviderName, client: ProviderClient) -> Answer:
        """A page, and in the headers which of its objects are described as last known. ValueError for no list."""
        kind = command.operation.lists
        if kind is None:
            raise ValueError("not a list operation")
        reader = LiveReader(client, self.slots, tenant)
        describe: _FileDescriber | _StoreDescriber
        if kind is ObjectKind.FILE:
            describe = _FileDescriber(reader, command.query.get("purpose"))
        else:
            describe = _StoreDescriber(reader, Walk.of(command.query))
        document = OwnedList(self.ownership, tenant, provider, kind).page(command.query, describe)
        return Answer(status=200, headers=_last_known_headers(document, describe.last_known), document=document)


def _last_known_headers(document: Mapping[str, object], last_known: set[ObjectId]) -> dict[str, str]:
    """The number of objects on the page that are described as last known, and their ids, as many as fit."""
    data = document["data"]
    ids = [item["id"] for item in data if item["id"] in last_known] if isinstance(data, list) else []
    named = list(ids)
    while len(", ".join(named)) > _MAX_HEADER:
        named.pop()
    return {LAST_KNOWN: ", ".join(named), LAST_KNOWN_COUNT: str(len(ids))} if ids else {}


@dataclass(slots=True)
class _StoreDescriber:
    """Describes stores as the provider has them: by its list where that is cheaper, else by a call for each."""

    reader: LiveReader
    walk: Walk
    last_known: set[ObjectId] = field(default_factory=set)

    def __call__(self, rows: Sequence[Ownership]) -> list[Description]:
        """Describe each row; None for a store that the provider does not have."""
        ids = [row.ref.id for row in rows]
        live: dict[ObjectId, Description] = {}
        live |= self.reader.listed_stores(ids, after=self.walk.start, order=self.walk.order)
        live |= self.reader.retrieve(ObjectKind.VECTOR_STORE, [name for name in ids if name not in live])
        self.last_known.update(name for name in ids if name not in live)
        self.walk = Walk(self.walk.order, ids[-1] if ids else None)
        now = self.reader.client.clock.unix_s()
        return [live[row.ref.id] if row.ref.id in live else last_known_store(row, now) for row in rows]


@dataclass(slots=True)
class _FileDescriber:
    """Describes files by their snapshots, and by the provider where processing had not ended when they were created.

    A file's size and purpose never change, its status does. Only the first `MAX_REFRESHED_FILES` of a page are
    retrieved.
    """

    reader: LiveReader
    purpose: str | None
    last_known: set[ObjectId] = field(default_factory=set)
    retrieved: int = 0

    def __call__(self, rows: Sequence[Ownership]) -> list[Description]:
        """Describe each row; None for a file that is expired or has another purpose."""
        files = {row.ref.id: self._snapshot_of(row) for row in rows}
        unfinished = [name for name, file in files.items() if file and file.get("status") not in _FINAL_STATUSES]
        asked = unfinished[: max(0, MAX_REFRESHED_FILES - self.retrieved)]
        self.retrieved += len(asked)
        current = self.reader.retrieve(ObjectKind.FILE, asked)
        self.last_known.update(name for name in unfinished if name not in current)
        return [*(files | current).values()]

    def _snapshot_of(self, row: Ownership) -> Description:
        document: dict[str, object] = json.loads(row.snapshot or "{}")
        expires_at = document.get("expires_at")
        expired = isinstance(expires_at, int) and expires_at <= self.reader.client.clock.unix_s()
        hidden = expired or (self.purpose is not None and document.get("purpose") != self.purpose)
        return None if hidden else document

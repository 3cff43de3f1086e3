"""Lists of stores and files: the caller's own, out of the ownership rows, in OpenAI's order and with its cursors.

The provider's own list holds every tenant's objects, so its cost would grow with all of them. Ours grows with the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from vectorgate.ids import ObjectId
from vectorgate.tenancy.authority import no_such_file, no_such_store
from vectorgate.tenancy.model import Kind, Ref

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.model import Ownership
    from vectorgate.tenancy.store import OwnershipStore

    # From rows to what the client sees of each: None for one that is no longer there, or not asked for.
    Describe: TypeAlias = Callable[[Sequence[Ownership]], Sequence[Mapping[str, object] | None]]

DEFAULT_LIMIT = {Kind.VECTOR_STORE: 20, Kind.FILE: 10_000}
_LARGEST_READ = 1_000


@dataclass(frozen=True, slots=True)
class Shelf:
    """All that one tenant owns of one kind at one provider."""

    ownership: OwnershipStore
    tenant: TenantId
    provider: ProviderName
    kind: Kind

    def page(self, query: Mapping[str, str], describe: Describe) -> dict[str, object]:
        """OpenAI's list object. NotFound for a cursor that is not the tenant's own."""
        limit = int(query.get("limit", DEFAULT_LIMIT[self.kind]))
        ascending = query.get("order", "desc") == "asc"
        backwards = "before" in query and "after" not in query
        cursor = query.get("before") if backwards else query.get("after")
        end = self._position(query["before"]) if "before" in query and not backwards else None
        start = self._position(cursor) if cursor is not None else None
        found, more = self._collect(start, end, limit, describe, ascending=ascending != backwards)
        if backwards:
            found.reverse()
        return {
            "object": "list",
            "data": found,
            "first_id": found[0]["id"] if found else None,
            "last_id": found[-1]["id"] if found else None,
            "has_more": more,
        }

    def _position(self, cursor: str) -> tuple[int, str]:
        ref = Ref(self.provider, self.kind, ObjectId(cursor))
        row = self.ownership.owners([ref]).get(ref)
        if row is None or row.tenant != self.tenant:  # one that is deleted still marks its place: who pages may delete
            raise no_such_store(cursor) if self.kind is Kind.VECTOR_STORE else no_such_file(cursor)
        return row.created_at, row.ref.id

    def _collect(
        self,
        start: tuple[int, str] | None,
        end: tuple[int, str] | None,
        limit: int,
        describe: Describe,
        *,
        ascending: bool,
    ) -> tuple[list[Mapping[str, object]], bool]:
        """What is shown of the first `limit` rows that can be described, and whether another such one follows."""
        found: list[Mapping[str, object]] = []
        while True:
            wanted = min(limit + 1 - len(found), _LARGEST_READ)
            rows = self.ownership.owned_by(
                self.tenant, self.provider, self.kind, start=start, ascending=ascending, limit=wanted
            )
            inside = [row for row in rows if end is None or _precedes(row, end, ascending=ascending)]
            found += [shown for shown in describe(inside) if shown is not None]
            if len(found) > limit or len(rows) < wanted or len(inside) < len(rows):
                return found[:limit], len(found) > limit
            start = _key(rows[-1])


def _key(row: Ownership) -> tuple[int, str]:
    return row.created_at, row.ref.id


def _precedes(row: Ownership, end: tuple[int, str], *, ascending: bool) -> bool:
    return _key(row) < end if ascending else _key(row) > end

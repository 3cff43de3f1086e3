"""Lists of a tenant's stores and files, and of stores that others share with it, with OpenAI's order and cursors.

The provider's own list holds the objects of all tenants, and its cost would grow with them. The cost of this one grows
with the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.tenancy.ownership import ObjectRef
from vectorgate.tenancy.sharing import shared_with

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

    # Describes each row as the client sees it: None for an object that no longer exists, or is filtered out.
    Describe: TypeAlias = Callable[[Sequence[Ownership]], Sequence[Mapping[str, object] | None]]

DEFAULT_LIMIT = {ObjectKind.VECTOR_STORE: 20, ObjectKind.FILE: 10_000}
_MAX_ROWS_READ = 1_000


@dataclass(frozen=True, slots=True)
class Walk:
    """How the rows of a page are walked along: the order, `asc` or `desc`, and the object after which it begins."""

    order: str
    start: ObjectId | None

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Walk:
        """A page before a cursor is walked backwards from it."""
        backwards = _is_backwards(query)
        start = query.get("before" if backwards else "after")
        ascending = (query.get("order", "desc") == "asc") != backwards
        return cls("asc" if ascending else "desc", ObjectId(start) if start is not None else None)


def _is_backwards(query: Mapping[str, str]) -> bool:
    return "before" in query and "after" not in query


@dataclass(frozen=True, slots=True)
class OwnedList:
    """The objects of one kind that one tenant owns at one provider, or that are shared with it."""

    ownership: OwnershipStore
    tenant: TenantId
    provider: ProviderName
    kind: ObjectKind

    def page(self, query: Mapping[str, str], describe: Describe) -> dict[str, object]:
        """A page, as OpenAI's list object. It is empty after a cursor that is not an object of the tenant."""
        limit = int(query.get("limit", 0)) or DEFAULT_LIMIT[self.kind]
        positions = self._positions([query[name] for name in ("after", "before") if name in query])
        if positions is None:
            return _page([], more=False)
        start = positions[0] if positions else None
        end = positions[1] if len(positions) > 1 else None
        found, more = self._collect(start, end, limit, describe, ascending=Walk.of(query).order == "asc")
        return _page(found[::-1] if _is_backwards(query) else found, more=more)

    def _positions(self, cursors: Sequence[str]) -> list[tuple[int, str]] | None:
        """The sort keys of the cursors; None when one of them is not an object of the tenant."""
        refs = [ObjectRef(self.provider, self.kind, ObjectId(cursor)) for cursor in cursors]
        rows = self.ownership.owners({*refs}) if refs else {}
        # A deleted object is still a valid cursor: a client may delete while it pages.
        own = [row for row in map(rows.get, refs) if row is not None and self._is_listed(row)]
        return [_sort_key(row) for row in own] if len(own) == len(refs) else None

    def _is_listed(self, row: Ownership) -> bool:
        return row.tenant == self.tenant or self.tenant in shared_with(row)

    def _collect(
        self,
        start: tuple[int, str] | None,
        end: tuple[int, str] | None,
        limit: int,
        describe: Describe,
        *,
        ascending: bool,
    ) -> tuple[list[Mapping[str, object]], bool]:
        """Descriptions of the first `limit` rows that have one, and whether another such row follows."""
        found: list[Mapping[str, object]] = []
        while True:
            count = min(limit + 1 - len(found), _MAX_ROWS_READ)
            rows = self.ownership.owned_by(
                self.tenant, self.provider, self.kind, start=start, ascending=ascending, limit=count
            )
            inside = [row for row in rows if end is None or _precedes(row, end, ascending=ascending)]
            found += [description for description in describe(inside) if description is not None]
            if len(found) > limit or len(rows) < count or len(inside) < len(rows):
                return found[:limit], len(found) > limit
            start = _sort_key(rows[-1])


def _page(data: Sequence[Mapping[str, object]], *, more: bool) -> dict[str, object]:
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": more,
    }


def _sort_key(row: Ownership) -> tuple[int, str]:
    return row.created_at, row.ref.id


def _precedes(row: Ownership, end: tuple[int, str], *, ascending: bool) -> bool:
    return _sort_key(row) < end if ascending else _sort_key(row) > end

"""Lists of stores and files: the caller's own, out of the ownership rows, in OpenAI's order and with its cursors.

The provider's own list holds every tenant's objects, so its cost would grow with all of them. Ours grows with the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore

    # From rows to what the client sees of each: None for one that is no longer there, or not asked for.
    Describe: TypeAlias = Callable[[Sequence[Ownership]], Sequence[Mapping[str, object] | None]]

DEFAULT_LIMIT = {ObjectKind.VECTOR_STORE: 20, ObjectKind.FILE: 10_000}
_LARGEST_READ = 1_000


@dataclass(frozen=True, slots=True)
class OwnedList:
    """All that one tenant owns of one kind at one provider."""

    ownership: OwnershipStore
    tenant: TenantId
    provider: ProviderName
    kind: ObjectKind

    def page(self, query: Mapping[str, str], describe: Describe) -> dict[str, object]:
        """OpenAI's list object. Past a cursor that is not the tenant's own there is nothing, as past the last page."""
        limit = int(query.get("limit", 0)) or DEFAULT_LIMIT[self.kind]
        ascending = query.get("order", "desc") == "asc"
        backwards = "before" in query and "after" not in query
        places = self._places([query[name] for name in ("after", "before") if name in query])
        if places is None:
            return _page([], more=False)
        start = places[0] if places else None
        end = places[1] if len(places) > 1 else None
        found, more = self._collect(start, end, limit, describe, ascending=ascending != backwards)
        return _page(found[::-1] if backwards else found, more=more)

    def _places(self, cursors: Sequence[str]) -> list[tuple[int, str]] | None:
        """Where the cursors stand; None when one of them is not the tenant's, whosever else it is or is not."""
        refs = [ObjectRef(self.provider, self.kind, ObjectId(cursor)) for cursor in cursors]
        rows = self.ownership.owners({*refs}) if refs else {}
        # One that is deleted still marks its place: who pages may delete.
        own = [row for row in map(rows.get, refs) if row is not None and row.tenant == self.tenant]
        return [_key(row) for row in own] if len(own) == len(refs) else None

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


def _page(shown: Sequence[Mapping[str, object]], *, more: bool) -> dict[str, object]:
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": more,
    }


def _key(row: Ownership) -> tuple[int, str]:
    return row.created_at, row.ref.id


def _precedes(row: Ownership, end: tuple[int, str], *, ascending: bool) -> bool:
    return _key(row) < end if ascending else _key(row) > end

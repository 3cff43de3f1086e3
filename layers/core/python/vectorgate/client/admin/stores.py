"""Vector stores of all teams: lists, adoption, shares, transfers and cleanup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.client.admin.calls import AdminCalls, of
from vectorgate.client.admin.resources import Outcomes, OwnedStore, Share, UnownedObject
from vectorgate.client.options import without_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_SHARE: Final = "/vector_stores/{vector_store_id}/share"
_STORE: Final = "/admin/vector_stores/{vector_store_id}"


class Stores(AdminCalls):
    """Stores of any team. `provider`: the gateway's default one, unless it is named."""

    def list(self, **filters: str | int | None) -> Iterator[OwnedStore]:
        """Owned stores, by id. Filters: `team_id`, `idle_days`, `min_bytes`, `provider`; `limit` is of a page."""
        return self.by_cursor(OwnedStore, "/admin/vector_stores", {"limit": 1000, **filters})

    def retrieve(self, store: str, *, provider: str | None = None) -> OwnedStore:
        """One store."""
        return of(OwnedStore, self.get(_STORE, {"provider": provider}, store=store))

    def remove(self, store: str, *, provider: str | None = None) -> OwnedStore:
        """Delete a store at the provider, for its owner."""
        return of(OwnedStore, self.delete(_STORE, {"provider": provider}, store=store))

    def unowned(self, **filters: str | int | None) -> Iterator[UnownedObject]:
        """The provider's objects without an owner. Filters: `object`, `provider`, `name_pattern`, `limit` of a page."""
        return self.by_cursor(UnownedObject, "/vector_stores/unowned", filters)

    def adopt(
        self,
        team_id: str,
        *,
        ids: Sequence[str] | None = None,
        name_pattern: str | None = None,
        all: bool | None = None,  # noqa: A002 - the route's name
        dry_run: bool = True,
        **options: object,
    ) -> Outcomes:
        """Give objects without an owner to a team. Options: `object`, `key`, `end_user`, `metadata`, `cursor`, ..."""
        which = without_none(ids=ids, name_pattern=name_pattern, all=all, **options)
        return of(Outcomes, self.post("/vector_stores/adopt", {"team_id": team_id, "dry_run": dry_run, **which}))

    def clean_up(self, idle_days: int, *, dry_run: bool = True, **options: str | int | None) -> Outcomes:
        """Delete stores that were not used for so many days. Options: `team_id`, `min_bytes`, `provider`, `cursor`."""
        body = {"idle_days": idle_days, "dry_run": dry_run, **without_none(**options)}
        return of(Outcomes, self.post("/vector_stores/cleanup", body))

    def shares(self, store: str, *, provider: str | None = None) -> Sequence[Share]:
        """The teams that a store is shared with."""
        page: Mapping[str, Sequence[object]] = self.get(_SHARE, {"provider": provider}, store=store)
        return [of(Share, each) for each in page["data"]]

    def share(self, store: str, team_id: str, permission: str, *, provider: str | None = None) -> Share:
        """Let a team use a store. `permission`: `read`, `write`, or `none` to end it."""
        body = without_none(team_id=team_id, permission=permission, provider=provider)
        return of(Share, self.post(_SHARE, body, store=store))

    def transfer(self, store: str, team_id: str, **options: object) -> Outcomes:
        """Give a store to another team. Options: `file_ids` that move with it, `key`, `end_user`, `provider`."""
        body = {"team_id": team_id, **without_none(**options)}
        return of(Outcomes, self.post("/vector_stores/{vector_store_id}/transfer", body, store=store))

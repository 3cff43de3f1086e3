"""`GET /admin/vector_stores`: the stores of any team, by the meter and by what was last known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars, invalid, optional_label
from vectorgate.admin.trail import LISTED
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import ObjectKind, ProviderName, is_object_id, team_of
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB, STORAGE, MissingPrice
from vectorgate.pricing.money import NanoUSD, rounded_ratio
from vectorgate.pricing.usage import valid_size
from vectorgate.tenancy.ownership import ObjectRef, last_known_store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.tenancy.ownership import Ownership

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
_MOST: Final = 10**15
_FILTERS: Final = ("team_id", "idle_days", "min_bytes")
FACTS: Final = ("name", "status", "file_counts", "expires_at")
ALL: Final = "*"  # what the audit names in the place of one store


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """A store that the provider keeps and a team owns. `facts` are those of the provider that are shown as they are.

    `active_at`: the last use in Unix seconds, as it was last known. `cost_per_day`: in nano-dollars, at today's price
    and without the account's free allowance; None without a price of storage.
    """

    row: Ownership
    facts: Mapping[str, object]
    size: int
    active_at: int
    idle_days: int
    cost_per_day: NanoUSD | None

    @property
    def team_id(self) -> str | None:
        """The team of its owner."""
        return team_of(self.row.tenant)

    def matches(self, team: str | None, idle_days: int, min_bytes: int) -> bool:
        """Whether it is the team's (None: any), and has not been used for so many days, and is as large."""
        return (team is None or self.team_id == team) and self.idle_days >= idle_days and self.size >= min_bytes

    def described(self) -> dict[str, object]:
        """The store as administrators see it."""
        return {
            "id": self.row.ref.id,
            "object": "vector_store",
            **self.facts,
            "team_id": self.team_id,
            "api_key": self.row.key_id,
            "end_user": self.row.end_user,
            "created_at": self.row.created_at,
            "bytes": self.size,
            "last_active_at": self.active_at,
            "idle_days": self.idle_days,
            "cost_per_day": dollars(self.cost_per_day),
            "cost_per_day_nano_usd": self.cost_per_day,
        }


def stores(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the stores that the provider keeps and a team owns, by id. InvalidRequest."""
    query = request.query
    provider = provider_named(query.get("provider"), deps)
    after, limit = query.get("cursor", ""), _number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    if limit == 0:
        raise invalid("limit", f"a number from 1 to {MAX_LIMIT}")
    team = optional_label("team_id", query.get("team_id"))
    idle, least = _number(query, "idle_days", 0, _MOST), _number(query, "min_bytes", 0, _MOST)
    filters = {name: query[name] for name in _FILTERS if name in query}
    deps.announce(ObjectKind.VECTOR_STORE, ALL, LISTED, {**filters, "provider": provider})
    matching = [each for each in metered_stores(deps, provider, after=after) if each.matches(team, idle, least)]
    page = [each.described() for each in matching[:limit]]
    more = len(matching) > limit
    return {"object": "list", "data": page, "has_more": more, "next_cursor": page[-1]["id"] if more else None}


def provider_named(name: str | None, deps: AdminDeps) -> ProviderName:
    """The provider of a request, or the default one. InvalidRequest."""
    provider = ProviderName(name if name is not None else deps.default_provider)
    if not is_object_id(provider):
        raise invalid("provider", "the name of a provider")
    return provider


def metered_stores(deps: AdminDeps, provider: ProviderName, *, after: str) -> list[Metered]:
    """The stores of a provider behind the id `after`, by id."""
    meters = [meter for meter in deps.stores.meters.meters(provider) if meter.stopped_at is None and meter.id > after]
    refs = {meter.id: ObjectRef(provider, ObjectKind.VECTOR_STORE, meter.id) for meter in meters}
    rows = deps.stores.ownership.owners([*refs.values()]) if refs else {}
    owned = [(meter, rows[refs[meter.id]]) for meter in meters if refs[meter.id] in rows]
    price, now = price_of_storage(deps, provider), deps.clock.unix_s()
    return [
        metered(row, {**last_known_store(row, now), "usage_bytes": meter.size}, price, now)
        for meter, row in owned
        if row.retired_at is None
    ]


def price_of_storage(deps: AdminDeps, provider: ProviderName) -> NanoUSD | None:
    """The price of a GiB-day now; None where there is no such price."""
    try:
        return deps.book.price(provider, STORAGE, deps.clock.unix_s() * MILLISECONDS).per_gib_day
    except MissingPrice:
        return None


def metered(row: Ownership, document: Mapping[str, object], price: NanoUSD | None, now: int) -> Metered:
    """A store that a document describes; an invalid size counts as 0. `now` in Unix seconds."""
    active, size = document.get("last_active_at"), valid_size(document.get("usage_bytes")) or 0
    since = active if isinstance(active, int) else row.created_at
    return Metered(
        row=row,
        facts={name: document.get(name) for name in FACTS},
        size=size,
        active_at=since,
        idle_days=max(0, now - since) // DAY_S,
        cost_per_day=None if price is None else NanoUSD(rounded_ratio(size * price, GIB)),
    )


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
        raise invalid(name, f"a number up to {most}")
    return int(text)

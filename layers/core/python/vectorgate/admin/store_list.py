"""`GET /admin/vector_stores`: the stores of any team, by the meter and by what was last known of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import invalid, label
from vectorgate.ids import ObjectId, ObjectKind, ProviderName, is_object_id, team_of
from vectorgate.metering.model import DAY_S
from vectorgate.tenancy.ownership import ObjectRef, last_known_store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.metering.model import Meter
    from vectorgate.tenancy.ownership import Ownership

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
_MOST: Final = 10**15


def stores(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the stores that the provider keeps and a team owns, by id. InvalidRequest."""
    query = request.query
    provider = ProviderName(query.get("provider", deps.default_provider))
    if not is_object_id(provider):
        raise invalid("provider", "the name of a provider")
    after, limit = query.get("cursor", ""), _number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    if limit == 0:
        raise invalid("limit", f"a number from 1 to {MAX_LIMIT}")
    meters = [meter for meter in deps.stores.meters.meters(provider) if meter.stopped_at is None and meter.id > after]
    rows = _owners(provider, meters, deps)
    now = deps.clock.unix_s()
    described = [_described(meter, rows[meter.id], now) for meter in meters if meter.id in rows]
    matching = [store for store in described if _matches(store, query)]
    page = matching[:limit]
    more = len(matching) > limit
    return {"object": "list", "data": page, "has_more": more, "next_cursor": page[-1]["id"] if more else None}


def _owners(provider: ProviderName, meters: Sequence[Meter], deps: AdminDeps) -> dict[ObjectId, Ownership]:
    refs = [ObjectRef(provider, ObjectKind.VECTOR_STORE, meter.id) for meter in meters]
    rows = deps.stores.ownership.owners(refs) if refs else {}
    return {ref.id: row for ref, row in rows.items() if row.retired_at is None}


def _described(meter: Meter, row: Ownership, now: int) -> dict[str, object]:
    known = last_known_store(row, now)
    active = known["last_active_at"]
    since = active if isinstance(active, int) else row.created_at
    return {
        "id": row.ref.id,
        "object": "vector_store",
        "name": known["name"],
        "team_id": team_of(row.tenant),
        "api_key": row.key_id,
        "end_user": row.end_user,
        "created_at": row.created_at,
        "bytes": meter.size,
        "last_active_at": since,
        "idle_days": max(0, now - since) // DAY_S,
    }


def _matches(store: Mapping[str, object], query: Mapping[str, str]) -> bool:
    team = query.get("team_id")
    idle, least = _number(query, "idle_days", 0, _MOST), _number(query, "min_bytes", 0, _MOST)
    if team is not None and store["team_id"] != label("team_id", team):
        return False
    return int(str(store["idle_days"])) >= idle and int(str(store["bytes"])) >= least


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(most)) or int(text) > most:
        raise invalid(name, f"a number up to {most}")
    return int(text)

"""`GET /team|user|tag|customer/daily/activity/export`: the days as a CSV or JSON file, in LiteLLM's columns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars, invalid
from vectorgate.admin.reports.csv_file import csv_text, download
from vectorgate.admin.reports.daily_activity import added, sums_of
from vectorgate.admin.reports.daily_query import CUSTOMERS, TAGS, TEAMS, USERS, daily_query
from vectorgate.admin.reports.names import key_names, team_names
from vectorgate.ledger.sums import Dimension

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.reports.daily_activity import Sums
    from vectorgate.admin.reports.daily_query import DailyQuery, Entity
    from vectorgate.api.http import Request, Response
    from vectorgate.ledger.rollups import Rollup

_ALSO: Final = frozenset({"export_type", "format"})
_TYPES: Final[Mapping[str, frozenset[Dimension]]] = {
    "daily": frozenset(),
    "daily_with_keys": frozenset({Dimension.KEY}),
    "daily_with_models": frozenset({Dimension.MODEL}),
    "daily_with_users": frozenset({Dimension.USER}),
}
_FIELDS: Final = ("date", "entity_id", "entity_alias", "api_key", "key_alias", "user_id", "user_email", "model")
_MEASURES: Final = (
    *("spend", "flat_cost", "prompt_tokens", "completion_tokens", "api_requests", "successful_requests"),
    *("failed_requests", "cache_read_input_tokens", "cache_creation_input_tokens", "spend_nano_usd"),
)


def teams(request: Request, deps: AdminDeps) -> Response:
    """The days of teams as a file. InvalidRequest."""
    return _export(request, deps, TEAMS)


def users(request: Request, deps: AdminDeps) -> Response:
    """The days of people as a file. InvalidRequest."""
    return _export(request, deps, USERS)


def tags(request: Request, deps: AdminDeps) -> Response:
    """The days of tags as a file. InvalidRequest."""
    return _export(request, deps, TAGS)


def customers(request: Request, deps: AdminDeps) -> Response:
    """The days of end users as a file. InvalidRequest."""
    return _export(request, deps, CUSTOMERS)


def _export(request: Request, deps: AdminDeps, entity: Entity) -> Response:
    query = daily_query(request, entity, _ALSO)
    kind, form = request.query.get("export_type", "daily"), request.query.get("format", "csv")
    if kind not in _TYPES:
        raise invalid("export_type", f"one of {', '.join(_TYPES)}")
    if form not in {"csv", "json"}:
        raise invalid("format", "'csv' or 'json'")
    rows = _rows(query, deps, _TYPES[kind])
    name = f"{entity.name}-usage-{query.sums.first_day}-{query.sums.last_day}-{kind}.{form}"
    header = (*_FIELDS, *_MEASURES)
    if form == "json":
        documents = [dict(zip(header, row, strict=True)) for row in rows]
        return download(json.dumps(documents, separators=(",", ":")), name, "application/json")
    return download(csv_text(header, rows), name, "text/csv; charset=utf-8")


def _rows(query: DailyQuery, deps: AdminDeps, beside: frozenset[Dimension]) -> list[tuple[object, ...]]:
    """A row for each day and entity, and for each key, model or person."""
    by = {Dimension.DAY, Dimension.OPERATION, *beside, *_DIMENSION_OF[query.entity.name]}
    sums = replace(query.sums, by=frozenset(by), kinds=True)
    found: dict[tuple[str, ...], Sums] = {}
    for rollup in deps.stores.reports.sums(sums):
        if not query.excluded or query.has(rollup):
            place, measured = _place(query, rollup), sums_of(rollup)
            total = found.get(place)
            found[place] = measured if total is None else added((total, measured))
    keys = key_names(deps, {key for _, _, key, *_ in found}) if Dimension.KEY in beside else {}
    aliases = team_names(deps) if query.entity is TEAMS else {}
    return [_row(place, total, keys, aliases) for place, total in sorted(found.items())]


_DIMENSION_OF: Final[Mapping[str, tuple[Dimension, ...]]] = {
    TEAMS.name: (Dimension.TENANT,),
    USERS.name: (Dimension.USER,),
    TAGS.name: (Dimension.ID,),
    CUSTOMERS.name: (Dimension.ID,),
}


def _place(query: DailyQuery, rollup: Rollup) -> tuple[str, ...]:
    facts = rollup.bucket.facts
    return (rollup.bucket.day, query.entity.of(rollup), facts.key_id, facts.user_id, facts.model)


def _row(
    place: tuple[str, ...],
    sums: Sums,
    keys: Mapping[str, Mapping[str, object]],
    aliases: Mapping[str, Mapping[str, object]],
) -> tuple[object, ...]:
    """The values of `_FIELDS` and `_MEASURES`."""
    day, entity, key, user, model = place
    alias, key_alias = aliases.get(entity, {}).get("team_alias"), keys.get(key, {}).get("key_alias")
    spend, read, written, cached, kept, _, successful, failed, asked = sums
    names = (day, entity, alias, key or None, key_alias, user or None, None, model or None)
    return (*names, dollars(spend), 0, read, written, asked, successful, failed, cached, kept, spend)

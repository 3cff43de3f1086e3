"""LiteLLM's reports of spend: `/spend/keys`, `/spend/users`, `/spend/tags` and `/global/spend/report`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.admin import users as people
from vectorgate.admin.fields import dollars, invalid, label_forms
from vectorgate.admin.key_list import described
from vectorgate.admin.keys import key_id_in
from vectorgate.admin.lists import refuse_unknown
from vectorgate.admin.months import days_of_last_months
from vectorgate.admin.reports.daily_query import days_in, tenants_named
from vectorgate.admin.reports.names import team_names
from vectorgate.ledger.rollups import Scope
from vectorgate.ledger.sums import MAX_MONTHS, Dimension, SumQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Rollup

_REPORT: Final = frozenset(
    {"start_date", "end_date", "group_by", "api_key", "internal_user_id", "team_id", "customer_id"}
)
_GROUPS: Final = ("team", "customer", "api_key")


def keys(request: Request, deps: AdminDeps) -> list[dict[str, object]]:
    """All keys with budget and spend, the one that spent most first. InvalidRequest."""
    refuse_unknown(request.query, ())
    return _by_spend(described(deps.stores.keys.all_keys(), deps))


def users(request: Request, deps: AdminDeps) -> list[dict[str, object]]:
    """All people, or the one of `user_id`, with their spend, who spent most first. InvalidRequest."""
    refuse_unknown(request.query, {"user_id"})
    wanted = request.query.get("user_id")
    found = [user for user in people.all_users(deps) if wanted in {None, user.id}]
    return _by_spend([people.shown_user(user, described(user.keys, deps), deps) for user in found])


def _by_spend(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    return sorted(rows, key=lambda row: -int(str(row["spend_nano_usd"])))


def tags(request: Request, deps: AdminDeps) -> list[dict[str, object]]:
    """Calls and spend of each tag, from `start_date` to `end_date` or in two years. InvalidRequest."""
    refuse_unknown(request.query, {"start_date", "end_date"})
    first, last = days_in(request.query) if request.query else days_of_last_months(MAX_MONTHS, deps.clock.unix_s())
    query = SumQuery(scope=Scope.TAG, first_day=first, last_day=last, by=frozenset({Dimension.ID}))
    found = sorted(deps.stores.reports.sums(query), key=lambda rollup: -rollup.spend)
    return [
        {
            "individual_request_tag": rollup.bucket.scope_id,
            "log_count": rollup.calls,
            "total_spend": dollars(rollup.spend),
            "total_spend_nano_usd": rollup.spend,
        }
        for rollup in found
    ]


def report(request: Request, deps: AdminDeps) -> list[dict[str, object]]:
    """LiteLLM's spend by team or end user and day, or by key, of which each model's. InvalidRequest."""
    query = request.query
    refuse_unknown(query, _REPORT)
    first, last = days_in(query)
    group = query.get("group_by", "team")
    if group not in _GROUPS:
        raise invalid("group_by", f"one of {', '.join(_GROUPS)}")
    sums = SumQuery(
        first_day=first,
        last_day=last,
        keys=frozenset({key_id_in(query["api_key"])}) if query.get("api_key") else None,
        users=frozenset({query["internal_user_id"]}) if query.get("internal_user_id") else None,
        tenants=tenants_named(query),
        by=frozenset({Dimension.KEY, Dimension.MODEL}),
    )
    if sums.keys is not None or sums.users is not None or group == "api_key":
        return _by_key(deps.stores.reports.sums(sums))
    return _by_day(query, group, sums, deps)


def _by_key(rollups: Iterable[Rollup]) -> list[dict[str, object]]:
    found: dict[str, list[Rollup]] = defaultdict(list)
    for rollup in rollups:
        found[rollup.bucket.facts.key_id].append(rollup)
    rows = [
        {"api_key": key, **_totals(parts), "model_details": [_of_model(part) for part in parts]}
        for key, parts in found.items()
    ]
    return sorted(rows, key=lambda row: -int(str(row["total_cost_nano_usd"])))


def _totals(parts: Sequence[Rollup]) -> dict[str, object]:
    cost = sum(part.spend for part in parts)
    return {
        "total_cost": dollars(cost),
        "total_cost_nano_usd": cost,
        "total_input_tokens": sum(part.input_tokens for part in parts),
        "total_output_tokens": sum(part.output_tokens for part in parts),
    }


def _of_model(part: Rollup) -> dict[str, object]:
    return {"model": part.bucket.facts.model, **_totals([part])}


def _by_day(query: Mapping[str, str], group: str, sums: SumQuery, deps: AdminDeps) -> list[dict[str, object]]:
    customer = query.get("customer_id")
    by_customer = group == "customer" or customer is not None
    place = Dimension.ID if group == "customer" else Dimension.TENANT
    sums = replace(
        sums,
        scope=Scope.END_USER if by_customer else Scope.KEY,
        ids=label_forms("customer_id", customer) if customer is not None else None,
        by=sums.by | {Dimension.DAY, place},
    )
    names = team_names(deps) if group == "team" else {}
    days: dict[str, dict[str, list[Rollup]]] = defaultdict(lambda: defaultdict(list))
    for rollup in deps.stores.reports.sums(sums):
        days[rollup.bucket.day][_name(rollup, group, names)].append(rollup)
    list_name, name = ("teams", "team_name") if group == "team" else ("customers", "customer")
    return [
        {
            "group_by_day": f"{day}T00:00:00+00:00",
            list_name: [_group(name, each, parts) for each, parts in groups.items()],
        }
        for day, groups in sorted(days.items())
    ]


def _name(rollup: Rollup, group: str, names: Mapping[str, Mapping[str, object]]) -> str:
    if group == "customer":
        return rollup.bucket.scope_id
    team = rollup.bucket.facts.team
    return "Unassigned Team" if team is None else str(names.get(team, {}).get("team_alias", team))


def _group(name: str, value: str, parts: Sequence[Rollup]) -> dict[str, object]:
    cost = sum(part.spend for part in parts)
    return {
        name: value,
        "total_spend": dollars(cost),
        "total_spend_nano_usd": cost,
        "metadata": [
            {
                "model": part.bucket.facts.model,
                "api_key": part.bucket.facts.key_id,
                "spend": dollars(part.spend),
                "total_tokens": part.input_tokens + part.output_tokens,
            }
            for part in parts
        ],
    }

"""`GET /spend/logs?summarize=true`: LiteLLM's sums by day, of keys, people and models; from rollups."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from vectorgate.admin.fields import dollars, invalid
from vectorgate.ids import tenant_of_team
from vectorgate.ledger.rollups import NO_KEY, Scope, day_of
from vectorgate.ledger.sums import Dimension, SumQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.log_query import LogQuery
    from vectorgate.ledger.rollups import Rollup

_BY = frozenset({Dimension.DAY, Dimension.KEY, Dimension.USER, Dimension.MODEL})


def summary(query: LogQuery, deps: AdminDeps) -> list[dict[str, object]]:
    """A row for each day with records, and for those behind the last one. InvalidRequest."""
    days: dict[str, list[Rollup]] = defaultdict(list)
    last = day_of(query.end_ms - 1)
    for rollup in deps.stores.reports.sums(sum_query(query)):
        days[rollup.bucket.day].append(rollup)
    behind = date.fromisoformat(max(days)) if days else date.fromisoformat(last)
    while (behind := behind + timedelta(days=1)).isoformat() <= last:
        days[behind.isoformat()] = []
    return [_row(day, rollups) for day, rollups in sorted(days.items())]


def _row(day: str, rollups: list[Rollup]) -> dict[str, object]:
    keys, users, models = Counter[str](), Counter[str](), Counter[str]()
    for rollup in rollups:
        facts = rollup.bucket.facts
        keys[facts.key_id] += rollup.spend
        users[facts.user_id] += rollup.spend
        models[facts.model] += rollup.spend
    spend = keys.total()
    own = {name: amount for name, amount in _dollars(keys).items() if name not in {"", NO_KEY}}
    sums = {"spend": dollars(spend), "spend_nano_usd": spend}
    return {**own, "startTime": day, **sums, "users": _dollars(users), "models": _dollars(models)}


def _dollars(amounts: Mapping[str, int]) -> dict[str, float | None]:
    return {name: dollars(amount) for name, amount in amounts.items()}


def sum_query(query: LogQuery) -> SumQuery:
    """The rollups of a log's rows. InvalidRequest for filters that no rollup tells apart."""
    filters = query.filters
    if query.request_id is not None or query.paged:
        raise invalid("summarize", "'false' with request_id or cursor")
    for name, parameter in (("outcome", "status"), ("key_alias", "key_alias"), ("error_code", "error_code")):
        if name in filters:
            raise invalid(parameter, "no such filter where 'summarize' is true")
    stores, customers = filters.get("vector_store_id"), filters.get("end_user")
    if stores is not None and customers is not None:
        raise invalid("end_user", "no vector_store_id beside it where 'summarize' is true")
    scope = Scope.STORE if stores is not None else Scope.END_USER if customers is not None else Scope.KEY
    teams = filters.get("team_id")
    return SumQuery(
        first_day=day_of(query.start_ms),
        last_day=day_of(max(query.start_ms, query.end_ms - 1)),
        scope=scope,
        by=_BY,
        ids=stores if stores is not None else customers,
        keys=filters.get("key_id"),
        tenants=frozenset(map(tenant_of_team, teams)) if teams is not None else None,
        users=filters.get("user_id"),
        models=filters.get("model"),
        operations=filters.get("operation"),
        kinds=True,
    )

"""The query of `/team|user|tag|customer/daily/activity`: whose days, in LiteLLM's parameters."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import invalid, label_forms
from vectorgate.admin.keys import key_id_in
from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.admin.reports.parameters import values_of
from vectorgate.api.errors import InvalidRequest
from vectorgate.classes import dataclass
from vectorgate.ids import tenant_of_team
from vectorgate.ledger.rollups import Scope
from vectorgate.ledger.sums import SumQuery

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Rollup

MOST_DAYS: Final = 400  # of one report, as LiteLLM's
MAX_SIZE: Final = 1_000
DEFAULT_SIZE: Final = 10
UNASSIGNED: Final = "Unassigned"
_ALSO: Final = frozenset({"start_date", "end_date", "model", "api_key", "timezone"})


@dataclass(frozen=True, slots=True)
class Entity:
    """Whose days: `ids` and `excluded` are the parameters that name some of them, `of` tells a rollup's."""

    name: str
    scope: Scope
    ids: str
    excluded: str | None
    of: Callable[[Rollup], str]


TEAMS: Final = Entity(
    "team", Scope.KEY, "team_ids", "exclude_team_ids", lambda rollup: rollup.bucket.facts.team or UNASSIGNED
)
USERS: Final = Entity("user", Scope.KEY, "user_id", None, lambda rollup: rollup.bucket.facts.user_id or UNASSIGNED)
TAGS: Final = Entity("tag", Scope.TAG, "tags", None, lambda rollup: rollup.bucket.scope_id)
CUSTOMERS: Final = Entity(
    "customer", Scope.END_USER, "end_user_ids", "exclude_end_user_ids", lambda rollup: rollup.bucket.scope_id
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyQuery:
    """The rollups that a report is of, and those of which entities are left out of it."""

    entity: Entity
    sums: SumQuery
    excluded: frozenset[str]

    def has(self, rollup: Rollup) -> bool:
        """Whether a rollup belongs to the report."""
        return self.entity.of(rollup) not in self.excluded


def daily_query(request: Request, entity: Entity, also: frozenset[str]) -> DailyQuery:
    """Validate the parameters; `also`: the names of further ones. InvalidRequest."""
    query = request.query
    names = {entity.ids, *([entity.excluded] if entity.excluded else [])}
    refuse_unknown(query, _ALSO | also | names)
    if query.get("timezone", "0") != "0":
        raise invalid("timezone", "'0': days are in UTC")
    first, last = days_in(query)
    ids = _ids(request, entity)
    api_keys = _names(request, "api_key")
    sums = SumQuery(
        scope=entity.scope,
        first_day=first,
        last_day=last,
        keys=frozenset(map(key_id_in, api_keys)) if api_keys is not None else None,
        models=_names(request, "model"),
    )
    excluded = _names(request, entity.excluded) if entity.excluded else None
    return DailyQuery(entity=entity, sums=_of(sums, entity, ids), excluded=excluded or frozenset())


def _of(sums: SumQuery, entity: Entity, ids: frozenset[str] | None) -> SumQuery:
    if ids is None:
        return sums
    if entity is TEAMS:
        return replace(sums, tenants=frozenset(map(tenant_of_team, ids)))
    return replace(sums, users=ids) if entity is USERS else replace(sums, ids=ids)


def _ids(request: Request, entity: Entity) -> frozenset[str] | None:
    """The entities that the query names. A tag may be any text, any other is a name. InvalidRequest."""
    names = _names(request, entity.ids)
    if names is None or entity is TAGS:
        return names
    return frozenset[str]().union(*(label_forms(entity.ids, name) for name in names))


def _names(request: Request, name: str) -> frozenset[str] | None:
    return frozenset(values_of(request, name)) or None


def days_in(query: Mapping[str, str]) -> tuple[str, str]:
    """`start_date` and `end_date`, both required and included: at most MOST_DAYS. InvalidRequest."""
    first, last = (_day(query, name) for name in ("start_date", "end_date"))
    if not 0 <= (last - first).days <= MOST_DAYS:
        raise invalid("end_date", f"a day at most {MOST_DAYS} days after start_date, and not before it")
    return first.isoformat(), last.isoformat()


def _day(query: Mapping[str, str], name: str) -> date:
    text = query.get(name)
    if not text:
        raise InvalidRequest(f"Missing required parameter: '{name}'.", code="missing_required_parameter", param=name)
    try:
        if len(text) == len("2026-11-22"):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise invalid(name, "a day such as 2026-11-22")


def tenants_named(query: Mapping[str, str]) -> frozenset[str] | None:
    """The tenant of `team_id`; None where the query names no team. InvalidRequest."""
    team = query.get("team_id")
    return frozenset(map(tenant_of_team, label_forms("team_id", team))) if team else None


def page_in(query: Mapping[str, str]) -> tuple[int, int]:
    """`page`, counted from 1, and `page_size`. InvalidRequest."""
    return number(query, "page", 1), number(query, "page_size", DEFAULT_SIZE, MAX_SIZE)

"""`GET /team/list` and `GET /customer/list`: LiteLLM's lists, with budgets and spend."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final

from vectorgate.admin.budgets import customer_fields, team_fields
from vectorgate.admin.fields import label, label_forms
from vectorgate.admin.lists import MAX_SIZE, number, page_of, pages_of, refuse_unknown
from vectorgate.admin.spent import Spent
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

    Rows = Mapping[Subject, Limit | None]

DEFAULT_SIZE: Final = 10
_PAGE: Final = frozenset({"page", "page_size"})


@dataclass(frozen=True, slots=True)
class _List:
    """What the two lists differ in: the name of a page's rows, the filters by id and by alias, and a row's fields."""

    name: str
    by_id: str
    by_alias: str
    fields: Callable[[Subject, Limit | None], dict[str, object]]


_TEAMS: Final = _List("teams", "team_id", "team_alias", team_fields)
_CUSTOMERS: Final = _List("customers", "user_id", "alias", customer_fields)


def teams(request: Request, deps: AdminDeps) -> object:
    """Every team, also one that only keys name, by id. With `page` or `page_size`, LiteLLM's page of them."""
    rows: dict[Subject, Limit | None] = dict(deps.stores.budgets.all_limits(BudgetScope.TEAM))
    for key in deps.stores.keys.all_keys():
        if key.team_id is not None:
            rows.setdefault(Subject(BudgetScope.TEAM, key.team_id))
    return _listed(_TEAMS, rows, request.query, deps)


def customers(request: Request, deps: AdminDeps) -> object:
    """Every end user that `/customer/new` made or that has spent, by id. With `page` or `page_size`, a page of them."""
    rows: dict[Subject, Limit | None] = dict(deps.stores.budgets.all_limits(BudgetScope.END_USER))
    wanted = request.query.get(_CUSTOMERS.by_id)
    sums = Spent(deps).of_end_users(label_forms(_CUSTOMERS.by_id, wanted) if wanted is not None else None)
    for subject in sums:
        rows.setdefault(subject)
    return _listed(_CUSTOMERS, rows, request.query, deps, sums)


def _listed(
    kind: _List,
    rows: Rows,
    query: Mapping[str, str],
    deps: AdminDeps,
    sums: Mapping[Subject, Counter[str]] | None = None,
) -> object:
    refuse_unknown(query, _PAGE | {kind.by_id, kind.by_alias})
    matching = _matching(kind, rows, query)
    if _PAGE.isdisjoint(query):
        return _described(kind, matching, deps, sums)
    page, size = number(query, "page", 1), number(query, "page_size", DEFAULT_SIZE, MAX_SIZE)
    return {
        kind.name: _described(kind, page_of(matching, page, size), deps, sums),
        "total": len(matching),
        "page": page,
        "page_size": size,
        "total_pages": pages_of(matching, size),
    }


def _matching(kind: _List, rows: Rows, query: Mapping[str, str]) -> list[tuple[Subject, Limit | None]]:
    names = {name: (query[name], label(name, query[name])) for name in (kind.by_id, kind.by_alias) if name in query}
    ids, aliases = names.get(kind.by_id), names.get(kind.by_alias)
    return [
        (subject, limit)
        for subject, limit in sorted(rows.items(), key=itemgetter(0))
        if (limit is None or limit.deleted_at is None)
        and (ids is None or subject.id in ids)
        and (aliases is None or (limit is not None and limit.alias in aliases))
    ]


def _described(
    kind: _List,
    rows: Sequence[tuple[Subject, Limit | None]],
    deps: AdminDeps,
    sums: Mapping[Subject, Counter[str]] | None,
) -> list[dict[str, object]]:
    subjects = [(subject, limit, None) for subject, limit in rows]
    spent = Spent(deps).fields_of_all(subjects, lines=True, sums=sums)
    return [kind.fields(subject, limit) | fields for (subject, limit), fields in zip(rows, spent, strict=True)]

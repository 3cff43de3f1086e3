"""`GET /key/list`: the keys, newest first, in LiteLLM's pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import invalid, label
from vectorgate.admin.keys import key_id_in, seconds_of, with_spend
from vectorgate.admin.lists import MAX_SIZE, flag, number, page_of, pages_of, refuse_unknown
from vectorgate.admin.spent import Spent
from vectorgate.budgets.model import BudgetScope, Subject, key_limit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey

DEFAULT_SIZE: Final = 10
ACTIVE, EXPIRED, REVOKED = "active", "expired", "revoked"
STATUSES: Final = frozenset({ACTIVE, EXPIRED, REVOKED})
# `include_team_keys` is LiteLLM's, for its users: an administrator sees the keys of all teams anyway.
PARAMETERS: Final = frozenset(
    {
        *("page", "size", "user_id", "team_id", "key_alias", "key_hash", "status", "expires_within"),
        *("return_full_object", "include_team_keys"),
    }
)


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The hashes of the keys that match, or with `return_full_object` their rows with budget and spend. InvalidRequest.

    `expires_within` (ours): only keys that end within a duration such as `7d`.
    """
    query = request.query
    refuse_unknown(query, PARAMETERS)
    flag(query, "include_team_keys")
    full, page, size = (
        flag(query, "return_full_object"),
        number(query, "page", 1),
        number(query, "size", DEFAULT_SIZE, MAX_SIZE),
    )
    rows = matching(query, deps)
    shown = page_of(rows, page, size)
    return {
        "keys": described(shown, deps, lines=True) if full else [row.id for row in shown],
        "total_count": len(rows),
        "current_page": page,
        "total_pages": pages_of(rows, size),
    }


def matching(query: Mapping[str, str], deps: AdminDeps) -> list[VirtualKey]:
    """The keys that every filter of the query allows, newest first. InvalidRequest."""
    now = deps.clock.unix_s()
    names = {name: label(name, query[name]) for name in ("user_id", "team_id", "key_alias") if name in query}
    status, within = query.get("status"), query.get("expires_within")
    if status is not None and status not in STATUSES:
        raise invalid("status", f"one of {', '.join(sorted(STATUSES))}")
    until = now + seconds_of("expires_within", within) if within is not None else None
    id_ = key_id_in(query["key_hash"]) if "key_hash" in query else None
    return [
        row
        for row in deps.stores.keys.all_keys()
        if all(value in (query[name], names[name]) for name, value in _named(row).items() if name in names)
        and (status is None or status_of(row, now) == status)
        and (id_ is None or id_ in (row.id, row.secret, row.former))
        and (until is None or (row.expires_at is not None and now < row.expires_at <= until))
    ]


def status_of(row: VirtualKey, now: int) -> str:
    """LiteLLM's status of a key: each has exactly one."""
    if row.blocked:
        return REVOKED
    return EXPIRED if row.expires_at is not None and row.expires_at <= now else ACTIVE


def _named(row: VirtualKey) -> dict[str, str | None]:
    return {"user_id": row.user_id, "team_id": row.team_id, "key_alias": row.alias}


def described(rows: Sequence[VirtualKey], deps: AdminDeps, *, lines: bool = False) -> list[dict[str, object]]:
    """Keys as LiteLLM lists them, with budget and spend, in their order. `lines`: as `Spent.fields_of_all`."""
    subjects = [(Subject(BudgetScope.KEY, row.id), key_limit(row), row.created_at) for row in rows]
    spent = Spent(deps).fields_of_all(subjects, lines=lines)
    return [with_spend(row, fields) for row, fields in zip(rows, spent, strict=True)]

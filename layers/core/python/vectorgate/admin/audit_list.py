"""`GET /audit`: what administrators changed, newest first, under the names of LiteLLM's audit log."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import cursor_text, invalid, moment_ms, read_cursor
from vectorgate.admin.keys import key_id_in
from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.admin.trail import ACTIONS
from vectorgate.audit.model import MASTER_KEY, AuditQuery
from vectorgate.clock import DAY_MS, MILLISECONDS
from vectorgate.ledger.ports import MAX_SEARCH_MS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.audit.model import AuditRecord
    from vectorgate.ids import OperationId

    Matches = Callable[[AuditRecord], bool]

DEFAULT_DAYS: Final = 30
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
SECONDS: Final = 10.0  # for one page; the function has 30
STEP: Final = 1_000  # records that are read at a time
# Each filter by the field of the record that it compares.
FILTERS: Final[Mapping[str, str]] = {
    "changed_by": "actor_alias",
    "changed_by_api_key": "actor",
    "action": "action",
    "table_name": "kind",
    "object_id": "target",
    "request_id": "request_id",
}
PARAMETERS: Final = frozenset({*FILTERS, "start_date", "end_date", "limit", "cursor"})


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the records that match every filter: after ten seconds it ends, wherever it is then. InvalidRequest."""
    query = _query(request.query, deps.clock.unix_ms())
    matches = _filter(request.query)
    found: list[AuditRecord] = []
    end = deps.clock.monotonic() + SECONDS
    position = query.before
    while True:
        step = AuditQuery(start_ms=query.start_ms, end_ms=query.end_ms, limit=STEP, before=position)
        read = deps.stores.audit.search(step)
        found += filter(matches, read)
        if len(found) > query.limit:
            return _page(found[: query.limit], (found[query.limit - 1].at_ms, found[query.limit - 1].id))
        if len(read) < STEP:
            return _page(found, None)
        position = (read[-1].at_ms, read[-1].id)
        if deps.clock.monotonic() >= end:
            return _page(found, position)


def _page(records: list[AuditRecord], reached: tuple[int, OperationId] | None) -> dict[str, object]:
    cursor = cursor_text(reached) if reached is not None else None
    shown = [described(record) for record in records]
    return {"audit_logs": shown, "has_more": cursor is not None, "next_cursor": cursor}


def _query(query: Mapping[str, str], now_ms: int) -> AuditQuery:
    refuse_unknown(query, PARAMETERS)
    end_ms = moment_ms("end_date", query["end_date"], end_of_day=True) if "end_date" in query else now_ms + 1
    default = max(0, end_ms - DEFAULT_DAYS * DAY_MS)
    start_ms = moment_ms("start_date", query["start_date"]) if "start_date" in query else default
    if not 0 <= end_ms - start_ms <= MAX_SEARCH_MS:
        raise invalid("start_date", "a date at most 366 days before the end date")
    limit = number(query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    before = read_cursor(query["cursor"]) if query.get("cursor") else None
    return AuditQuery(start_ms=start_ms, end_ms=end_ms, limit=limit, before=before)


def _filter(query: Mapping[str, str]) -> Matches:
    """Whether a record has every value that the query names. A key is named by itself or by its hash."""
    if "action" in query and query["action"] not in ACTIONS:
        raise invalid("action", f"one of {', '.join(sorted(ACTIONS))}")
    wanted = {FILTERS[name]: query[name] for name in FILTERS if name in query}
    if wanted.get("actor", MASTER_KEY) != MASTER_KEY:
        wanted["actor"] = key_id_in(wanted["actor"])
    if wanted.get("kind") == "key" and "target" in wanted:
        wanted["target"] = key_id_in(wanted["target"])
    return lambda record: all(getattr(record, name) == value for name, value in wanted.items())


def described(record: AuditRecord) -> dict[str, object]:
    """One record. `changed_by` is the actor's name; `before_value` and `updated_values` hold what differs."""
    return {
        "id": record.id,
        "updated_at": datetime.fromtimestamp(record.at_ms / MILLISECONDS, UTC).isoformat(timespec="milliseconds"),
        "changed_by": record.actor_alias or record.actor,
        "changed_by_api_key": record.actor,
        "action": record.action,
        "table_name": record.kind,
        "object_id": record.target,
        "before_value": json.loads(record.before) if record.before is not None else None,
        "updated_values": json.loads(record.after) if record.after is not None else None,
        "route": record.route,
        "request_id": record.request_id,
    }

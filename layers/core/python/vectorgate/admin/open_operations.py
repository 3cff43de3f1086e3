"""`GET /admin/open_operations`: calls whose outcome is not known, or that are not settled yet, and how old they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.admin.spend_logs import log_row
from vectorgate.clock import MILLISECONDS

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ledger.entry import LedgerEntry

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 500
AHEAD_MS: Final = 3_600_000  # a row may be dated by a clock that is ahead of this one


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The oldest calls that are `started` or `uncertain`, and the oldest that wait for settlement. InvalidRequest."""
    refuse_unknown(request.query, {"limit"})
    limit = number(request.query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
    now_ms = deps.clock.unix_ms()
    ledger = deps.stores.ledger
    found = [*ledger.open_rows(now_ms + AHEAD_MS, limit + 1), *ledger.answered(limit + 1)]
    found.sort(key=lambda entry: (entry.started_ms, entry.id))
    data = [_aged(entry, now_ms) for entry in found[:limit]]
    return {"object": "list", "data": data, "has_more": len(found) > limit}


def _aged(entry: LedgerEntry, now_ms: int) -> dict[str, object]:
    return log_row(entry) | {"age_seconds": max(0, now_ms - entry.started_ms) // MILLISECONDS}

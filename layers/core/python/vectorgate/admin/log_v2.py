"""`GET /spend/logs/v2`: LiteLLM's numbered pages of the ledger's rows, and how many there are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import invalid
from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.admin.log_pages import LogReader
from vectorgate.admin.log_query import FILTERED, log_query
from vectorgate.admin.log_sort import log_order
from vectorgate.admin.pending_storage import PendingStorage
from vectorgate.admin.reports.log_summary import sum_query
from vectorgate.admin.spend_logs import log_row, of_key, one_row
from vectorgate.api.errors import InvalidRequest
from vectorgate.clock import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.log_query import LogQuery
    from vectorgate.api.http import Request
    from vectorgate.ledger.entry import LedgerEntry

MAX_SIZE: Final = 1_000
DEFAULT_SIZE: Final = 50
MOST: Final = 10_000  # rows that can be reached by their number, and that are counted one by one
_FROM_ROLLUPS: Final = frozenset({"key_id", "user_id", "team_id", "model", "operation"})
_OWN: Final = frozenset({"page", "page_size", "sort_by", "sort_order", "status_filter"})
PARAMETERS: Final = (FILTERED.keys() - {"status"}) | _OWN | {"request_id", "start_date", "end_date"}


def logs_v2(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A numbered page of the first 10,000 rows that match, and how many there are. InvalidRequest.

    They are sorted by time, newest first, or, if there are no more of them, otherwise.
    """
    query = request.query
    refuse_unknown(query, PARAMETERS)
    order = log_order(query)
    page, size = number(query, "page", 1), number(query, "page_size", DEFAULT_SIZE, MAX_SIZE)
    if page * size > MOST:
        raise invalid("page", f"one of the first {MOST} rows: page through others by /spend/logs with a cursor")
    asked = of_key(log_query(_as_of_logs(query), deps.clock.unix_ms()), deps)
    if order.is_the_logs:
        rows, total = _rows(asked, deps, page * size)
    else:
        rows = order.sorted(_all_rows(asked, deps))
        total = len(rows)
    shown = [log_row(entry) for entry in rows[(page - 1) * size : page * size]]
    return {"data": shown, "total": total, "page": page, "page_size": size, "total_pages": -(-total // size)}


def _as_of_logs(query: Mapping[str, str]) -> dict[str, str]:
    """The parameters of `/spend/logs`."""
    found = {name: value for name, value in query.items() if name not in _OWN}
    return found | {"status": query["status_filter"]} if "status_filter" in query else found


def _rows(query: LogQuery, deps: AdminDeps, wanted: int) -> tuple[Sequence[LedgerEntry], int]:
    """The first rows, as many as are wanted, and how many there are; of more than MOST that are counted, MOST.

    InvalidRequest where the time for reading is up before.
    """
    pending = PendingStorage(deps)
    if query.request_id is not None:
        found = one_row(query, deps, pending).rows
        return found, len(found)
    counted = _counted(query, deps)
    limit = wanted if counted is not None else MOST
    page = LogReader(replace(query, limit=limit), deps, pending).page()
    if page.next is not None and len(page.rows) < limit:
        message = (
            "More records are to be read than can be at once: choose fewer by 'start_date', 'end_date' or another "
            "filter, or page through them by /spend/logs with a cursor."
        )
        raise InvalidRequest(message, code="too_many_records", param="start_date")
    return page.rows, max(len(page.rows), counted or 0)


def _all_rows(query: LogQuery, deps: AdminDeps) -> Sequence[LedgerEntry]:
    """All rows that match. InvalidRequest for more than MOST, or than can be read at once."""
    pending = PendingStorage(deps)
    if query.request_id is not None:
        return one_row(query, deps, pending).rows
    page = LogReader(replace(query, limit=MOST), deps, pending).page()
    if page.next is None:
        return page.rows
    message = (
        f"More than {MOST} records match, or more than can be read at once, and are sorted by time alone: choose fewer "
        "by 'start_date', 'end_date' or another filter, or leave 'sort_by' and 'sort_order' out."
    )
    raise InvalidRequest(message, code="too_many_records", param="sort_by")


def _counted(query: LogQuery, deps: AdminDeps) -> int | None:
    """The settled rows of whole days, from rollups; None where these do not tell, or count rows that are gone."""
    whole = query.start_ms % DAY_MS == 0 and (query.end_ms % DAY_MS == 0 or query.end_ms > deps.clock.unix_ms())
    if not whole or query.start_ms < deps.whole_since_ms() or not _FROM_ROLLUPS.issuperset(query.filters):
        return None
    return sum(rollup.calls for rollup in deps.stores.reports.sums(replace(sum_query(query), by=frozenset())))

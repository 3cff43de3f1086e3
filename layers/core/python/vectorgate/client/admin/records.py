"""What was recorded: the ledger (`/spend/logs`) and the audit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.client.admin.calls import AdminCalls
from vectorgate.client.admin.resources import Change, Record

if TYPE_CHECKING:
    from collections.abc import Iterator


class Records(AdminCalls):
    """Records of calls, storage and corrections, and of the administrators' changes."""

    def spend(self, **filters: str | int | None) -> Iterator[Record]:
        """Records of the ledger, the newest day first. Filters: those of openapi.json; `limit` is of a page."""
        return self.by_cursor(Record, "/spend/logs", {"cursor": "", **filters})

    def audit(self, **filters: str | int | None) -> Iterator[Change]:
        """Administrators' changes, newest first. Filters: those of openapi.json; `limit` is of a page."""
        return self.by_cursor(Change, "/audit", filters, "audit_logs")

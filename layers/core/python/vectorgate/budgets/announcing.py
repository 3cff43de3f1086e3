"""Limits whose changes are announced in the process that makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.forwarding import ForwardingBudgets

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.audit.model import AuditRecord
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.budgets.ports import BudgetStore


class AnnouncingBudgets(ForwardingBudgets):
    """BudgetStore: calls `changed` after each write of a limit, also one that failed, for it may have been written."""

    def __init__(self, budgets: BudgetStore, changed: Callable[[], None]) -> None:
        super().__init__(budgets)
        self._changed = changed

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """As the port says."""
        try:
            super().add_limit(subject, limit, audit=audit)
        finally:
            self._changed()

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """As the port says."""
        try:
            super().replace_limit(subject, limit, audit=audit)
        finally:
            self._changed()

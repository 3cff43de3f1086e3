"""What the holder of a team admin's key sees of limits and sums: those of its team and its team's keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from vectorgate.api.errors import PermissionDenied
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.ids import KeyId, tenant_of_team
from vectorgate.ledger.rollups import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.ports import KeyReader
    from vectorgate.budgets.model import Account, Balance, Limit
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.ledger.report_ports import ReportStore
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.ledger.sums import Page, SumQuery


class TeamBudgets:
    """BudgetStore of a team: its own limit, and the balances of the team and of keys. It changes nothing."""

    def __init__(self, budgets: BudgetStore, team_id: str) -> None:
        self._budgets = budgets
        self._team = Subject(BudgetScope.TEAM, team_id)

    def limits(self, subjects: Collection[Subject]) -> Mapping[Subject, Limit]:
        """As the port says, of the team."""
        return self._budgets.limits([self._team]) if self._team in subjects else {}

    def balances(self, accounts: Collection[Account]) -> Mapping[Account, Balance]:
        """As the port says, of the team and of keys, which the routes have found among the team's."""
        own = [each for each in accounts if each.subject == self._team or each.subject.scope is BudgetScope.KEY]
        return self._budgets.balances(own) if own else {}

    def all_limits(self, scope: BudgetScope) -> Mapping[Subject, Limit]:
        """As the port says, of the team."""
        return self.limits([self._team]) if scope is BudgetScope.TEAM else {}

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> NoReturn:
        """PermissionDenied."""
        del subject, limit, audit
        _refuse()

    def set_spent(self, account: Account, amount: int, *, new: bool = False) -> NoReturn:
        """PermissionDenied."""
        del account, amount, new
        _refuse()

    def move_spent(self, account: Account, amount: int) -> NoReturn:
        """PermissionDenied."""
        del account, amount
        _refuse()

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> NoReturn:
        """PermissionDenied."""
        del subject, limit, audit
        _refuse()


class TeamReports:
    """ReportStore of a team: its own sums and those of its keys. Any other is empty."""

    def __init__(self, reports: ReportStore, team_id: str, keys: KeyReader) -> None:
        self._reports = reports
        self._tenant = tenant_of_team(team_id)
        self._keys = keys

    def rollups(self, scope: Scope, scope_id: str, month: str) -> Sequence[Rollup]:
        """As the port says."""
        return self._reports.rollups(scope, scope_id, month) if self._sees(scope, scope_id) else []

    def _sees(self, scope: Scope, scope_id: str) -> bool:
        own = scope is Scope.TENANT and scope_id == self._tenant
        return own or (scope is Scope.KEY and self._keys.key(KeyId(scope_id)) is not None)

    def of_months(self, scope: Scope, scope_id: str, first: str, last: str) -> Sequence[Rollup]:
        """As the port says."""
        return self._reports.of_months(scope, scope_id, first, last) if self._sees(scope, scope_id) else []

    def sums(self, query: SumQuery) -> Sequence[Rollup]:
        """As the port says, of the team."""
        return self._reports.sums(self._of_team(query))

    def page(self, query: SumQuery, *, offset: int, limit: int) -> Page:
        """As the port says, of the team."""
        return self._reports.page(self._of_team(query), offset=offset, limit=limit)

    def latencies(self, query: SumQuery) -> Mapping[str, Mapping[str, int]]:
        """As the port says, of the team."""
        return self._reports.latencies(self._of_team(query))

    def _of_team(self, query: SumQuery) -> SumQuery:
        own = frozenset({self._tenant})
        return replace(query, tenants=own if query.tenants is None else own & query.tenants)


def _refuse() -> NoReturn:
    raise PermissionDenied("A team admin's key cannot change teams.", code="admin_key_required", param="team_id")

"""What the owner of a store imposes on a call on it: the rules of its team, and its budgets for what is stored.

Loaded by calls on stores alone that have a limit, or that name a store of another tenant.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import Account, window_of
from vectorgate.budgets.service import OwnersBudget
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.gateway.failures import budgets_unavailable
from vectorgate.ids import KeyId, team_of
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.budgets.service import BudgetService
    from vectorgate.gateway.context import RequestContext
    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.ownership import Ownership

    Limits = Sequence[tuple[Subject, Limit]]

_NO_KEY: Final = VirtualKey(id=KeyId(""), created_at=0)  # of a store that was given to a team as such
ATTACHING: Final = frozenset({"vector_stores.files.create", "vector_stores.file_batches.create"})


@dataclass(frozen=True, slots=True)
class StoreTerms:
    """`rules`: those of the deployment for every team."""

    budgets: BudgetService
    keys: Authenticator
    providers: Sequence[ProviderName]
    rules: Mapping[str, int]

    def apply(self, command: Command, context: RequestContext, borrowed: Ownership | None, limits: Limits) -> Command:
        """The command under the rules of its owner. InvalidRequest (400), BudgetExceeded (429), Unavailable (503).

        `borrowed`: the row of a store of another tenant. `limits`: those of the caller.
        """
        owner = context.principal.tenant if context.principal is not None else None
        if borrowed is not None:
            owner, limits = borrowed.tenant, self._limits_of(borrowed)
            if command.operation.name in ATTACHING:
                context.lenders = _lenders(limits, context.started_ms // MILLISECONDS)
        own = [limit.store_rules for _, limit in limits if limit.store_rules is not None]
        return self._ruled(command, context, owner, own) if own or self.rules else command

    def _limits_of(self, row: Ownership) -> Limits:
        """The limits that storage in a store counts against: of its key, its team and its end user. Unavailable."""
        key = self.keys.row(row.key_id) if row.key_id is not None else None
        owner = replace(key or _NO_KEY, team_id=team_of(row.tenant))
        try:
            return self.budgets.limits.limits_of(owner, row.end_user)
        except StoreError as error:
            raise budgets_unavailable() from error

    def _ruled(self, command: Command, context: RequestContext, owner: TenantId | None, own: Sequence[str]) -> Command:
        from vectorgate.budgets.store_rules import StoreRules  # noqa: PLC0415 - of teams with rules alone
        from vectorgate.gateway.store_rules import RuledCall  # noqa: PLC0415 - of teams with rules alone

        call = RuledCall(
            rules=StoreRules.read(next(iter(own), None)).over(StoreRules(**self.rules)),
            team=team_of(owner) if owner is not None else None,
            attaches=command.operation.name in ATTACHING,
            borrowed=context.lenders is not None,
            providers=self.providers,
            budgets=self.budgets.store,
            ownership=self.budgets.ownership,
        )
        return call.apply(command, context)


def _lenders(limits: Limits, began: int) -> tuple[OwnersBudget, ...]:
    return tuple(
        OwnersBudget(Account(subject, window_of(limit, began).period), limit.max_budget)
        for subject, limit in limits
        if limit.max_budget is not None
    )

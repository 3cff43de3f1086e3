"""Apply the rules for a team's vector stores to one call: imported for calls of teams with rules alone."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.http import encode_json
from vectorgate.api.schemas import error_messages
from vectorgate.budgets.model import Balance, Reservation
from vectorgate.budgets.store_rules import store_account, stored_account, too_much_lent, too_much_stored
from vectorgate.classes import dataclass
from vectorgate.gateway.failures import budgets_unavailable
from vectorgate.ids import ObjectKind, tenant_of_team
from vectorgate.pricing.book import GIB
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists, StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.budgets.model import Account
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.budgets.store_rules import StoreRules
    from vectorgate.gateway.context import RequestContext
    from vectorgate.ids import ProviderName, TenantId
    from vectorgate.tenancy.ports import OwnershipStore

CREATE, UPDATE, DELETE = "vector_stores.create", "vector_stores.update", "vector_stores.delete"
FIELD: Final = "expires_after"
_PAGE: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RuledCall:
    """One call under the rules of a store's owner; `team` is None for a key without one, which no count limits.

    `attaches`: to a store that is there already. `borrowed`: a call of another team, which is told no figure.
    """

    rules: StoreRules
    team: str | None
    attaches: bool
    borrowed: bool
    providers: Sequence[ProviderName]
    budgets: BudgetStore
    ownership: OwnershipStore

    def apply(self, command: Command, context: RequestContext) -> Command:
        """The command under the rules. InvalidRequest (400), BudgetExceeded (429), Unavailable (503)."""
        name = command.operation.name
        if command.mock_response is not None:
            return command
        try:
            if self.attaches or (name == CREATE and command.body_ids):
                self._check_stored()
            if name in (CREATE, DELETE):
                self._count(name, context)
        except StoreError as error:
            raise budgets_unavailable() from error
        return expiring(command, self.rules) if name in (CREATE, UPDATE) else command

    def _check_stored(self) -> None:
        """Refuse to store more where the last metered bytes have reached the limit."""
        most = self.rules.max_vector_store_gib
        if most is None or self.team is None:
            return
        accounts = [stored_account(self.team, provider) for provider in self.providers]
        used = sum(balance.spent for balance in self.budgets.balances(accounts).values())
        if used >= most * GIB:
            raise too_much_stored(most, used) if not self.borrowed else too_much_lent()

    def _count(self, name: str, context: RequestContext) -> None:
        """Have a create take a place in the account of stores, which settling keeps or gives back."""
        most = self.rules.max_vector_stores
        if most is None or self.team is None:
            return
        account = store_account(self.team)
        if self.budgets.balances([account]).get(account, Balance(spent=-1)).spent < 0:
            self._start(account)
        context.store_account = account
        if name == CREATE:
            context.places = (Reservation(account, NanoUSD(1), NanoUSD(most)),)

    def _start(self, account: Account) -> None:
        """Count the stores that the team has, where nothing did so far."""
        with suppress(AlreadyExists):  # another call counted them meanwhile
            tenant = tenant_of_team(account.subject.id)
            self.budgets.set_spent(account, sum(self._owned(tenant, each) for each in self.providers), new=True)

    def _owned(self, tenant: TenantId, provider: ProviderName) -> int:
        start, found = None, 0
        while True:
            rows = self.ownership.owned_by(
                tenant, provider, ObjectKind.VECTOR_STORE, start=start, ascending=True, limit=_PAGE
            )
            found += sum(row.tenant == tenant for row in rows)
            if len(rows) < _PAGE:
                return found
            start = rows[-1].created_at, str(rows[-1].ref.id)


def expiring(command: Command, rules: StoreRules) -> Command:
    """The command with an expiry that the rules allow. InvalidRequest (400) for one that is too late, or removed."""
    asked = command.body.get(FIELD)
    if isinstance(asked, dict):
        _check_days(asked, rules)
        return command
    if command.operation.name == CREATE and rules.days is not None:
        body = {**command.body, FIELD: {"anchor": "last_active_at", "days": rules.days}}
        return replace(command, body=body, content=encode_json(body))
    if command.operation.name == UPDATE and FIELD in command.body and rules.max_expires_after_days is not None:
        raise InvalidRequest(
            f"Invalid '{FIELD}': vector stores of this team expire, {rules.max_expires_after_days} days after their "
            "last use at the latest.",
            code="expiry_required",
            param=FIELD,
        )
    return command


def _check_days(asked: Mapping[str, object], rules: StoreRules) -> None:
    days, most = asked.get("days"), rules.max_expires_after_days
    if most is not None and isinstance(days, int) and days > most:
        raise error_messages.above_max(f"{FIELD}.days", most, days)

"""The teams, keys and end users of the year."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD

if TYPE_CHECKING:
    from vectorgate.clock import Random
    from vectorgate.persistence.stores import Stores

# Dollars a month, and the weight of its calls.
TEAMS: Final = {"search": (400, 5), "support": (150, 3), "growth": (60, 1), "legal": (None, 1)}
KEYS_A_TEAM: Final = 4
END_USERS: Final = {f"customer-{number:02}": (25 if number % 3 == 0 else None) for number in range(24)}
PEOPLE: Final = ("ada", "grace", "edsger")
_SECRET_BITS: Final = 256


@dataclass(frozen=True, slots=True)
class People:
    """Those who call: the keys, each as often as it calls, and the end users."""

    keys: tuple[VirtualKey, ...]
    end_users: tuple[str, ...]


def write_people(stores: Stores, since: int, randomness: Random) -> People:
    """Write teams, keys and end users as of `since` (Unix seconds). The keys' secrets are shown to no caller."""
    for team, (budget, _) in TEAMS.items():
        stores.budgets.add_limit(Subject(BudgetScope.TEAM, team), _monthly(budget, since))
    for name, budget in END_USERS.items():
        stores.budgets.add_limit(Subject(BudgetScope.END_USER, name), _monthly(budget, since))
    keys = [
        VirtualKey(
            id=key_id_of(f"sk-{randomness.bits(_SECRET_BITS):064x}"),
            created_at=since + number,
            alias=f"{team} {number + 1}",
            team_id=team,
            user_id=PEOPLE[number % len(PEOPLE)],
            tags=(f"app:{team}",),
        )
        for team in TEAMS
        for number in range(KEYS_A_TEAM)
    ]
    for key in keys:
        stores.keys.add_key(key)
    return People(tuple(key for key in keys for _ in range(TEAMS[str(key.team_id)][1])), tuple(END_USERS))


def _monthly(dollars: int | None, since: int) -> Limit:
    budget = NanoUSD(dollars * NANO_PER_USD) if dollars is not None else None
    return Limit(since=since, max_budget=budget, duration="1mo" if budget is not None else None)

"""Rules for a team's vector stores: when they expire, how many there are, and how much they hold. Pure.

A deployment's rules hold for each team that has no value of its own. Two accounts of a team count: `stores` how many it
has, those being created included, and `stored-<provider>` the bytes that the meter last found.
"""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, BudgetExceeded
from vectorgate.budgets.model import STORED, STORES, Account, BudgetScope, Subject
from vectorgate.classes import dataclass
from vectorgate.pricing.book import GIB
from vectorgate.settings import parse_store_rules

if TYPE_CHECKING:
    from vectorgate.ids import ProviderName

_SHOWN_DECIMALS: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRules:
    """None: no such rule. Days are counted from a store's last use.

    `default_expires_after_days`: of a store whose client names none. `max_expires_after_days`: no store lives longer.
    """

    default_expires_after_days: int | None = None
    max_expires_after_days: int | None = None
    max_vector_stores: int | None = None
    max_vector_store_gib: int | None = None

    @classmethod
    def read(cls, text: str | None) -> StoreRules:
        """The rules of a row. ValueError."""
        return cls(**parse_store_rules(text) or {})

    def text(self) -> str | None:
        """The inverse of `read`; None without any rule."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(known, separators=(",", ":")) if known else None

    def over(self, others: StoreRules) -> StoreRules:
        """These, and the others where these have none."""
        return StoreRules(
            **{
                each.name: own if (own := getattr(self, each.name)) is not None else getattr(others, each.name)
                for each in fields(self)
            }
        )

    @property
    def days(self) -> int | None:
        """After how many days a store expires whose client names none."""
        known = [each for each in (self.default_expires_after_days, self.max_expires_after_days) if each is not None]
        return min(known) if known else None


def store_account(team: str) -> Account:
    """The account that counts a team's stores."""
    return Account(Subject(BudgetScope.TEAM, team), STORES)


def stored_account(team: str, provider: ProviderName) -> Account:
    """The account of the bytes that a team's stores hold at a provider."""
    return Account(Subject(BudgetScope.TEAM, team), f"{STORED}{provider}")


def too_many_stores(most: int, used: int) -> BudgetExceeded:
    """The error 429 for a create that would pass the limit of stores."""
    message = (
        f"This team may have {most} vector stores, and has {used}, those being created included. "
        "Delete some, or ask for a higher limit."
    )
    return BudgetExceeded(message, code="vector_store_limit_reached", headers=DO_NOT_RETRY)


def too_much_stored(most_gib: int, used: int) -> BudgetExceeded:
    """The error 429 for a call that would store more, of a team whose stores hold `used` bytes."""
    message = (
        f"This team's vector stores may hold {most_gib} GiB, and held {round(used / GIB, _SHOWN_DECIMALS)} GiB when "
        "they were last metered. Delete some, or ask for a higher limit."
    )
    return BudgetExceeded(message, code="vector_store_storage_limit_reached", headers=DO_NOT_RETRY)


def too_much_lent() -> BudgetExceeded:
    """As `too_much_stored`, for a call of another team than the one whose stores hold so much."""
    message = "The owner of this vector store has reached its limit for what its vector stores may hold."
    return BudgetExceeded(message, code="vector_store_storage_limit_reached", headers=DO_NOT_RETRY)

"""The fields of the rules for a team's stores, in `/team/new`, `/team/update` and `/team/info`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import BaseModel, Field

from vectorgate.budgets.store_rules import StoreRules, store_account
from vectorgate.settings import STORE_RULES

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.budgets.model import Limit, Subject

Days = Annotated[int, Field(ge=1, le=365)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]
_MOST: Final = "max_vector_stores"
UNCOUNTED: Final = -(1 << 40)  # of an account whose stores are counted at the next create


def rule_fields(limit: Limit | None) -> dict[str, object]:
    """The rules of a team; None for one that it leaves to the deployment."""
    return dict(asdict(StoreRules.read(limit.store_rules if limit is not None else None)))


def changed_rules(limit: Limit, body: BaseModel) -> str | None:
    """The rules with the values that were sent in place of those before."""
    sent = {name: getattr(body, name) for name in STORE_RULES if name in body.model_fields_set}
    return replace(StoreRules.read(limit.store_rules), **sent).text()


def count_anew(subject: Subject, before: Limit | None, body: BaseModel, deps: AdminDeps) -> None:
    """Have a team's stores counted again where their limit is new, as nothing counted them without it, or the same.

    The same is sent to mend a number that a crash, or a change of the deployment's rules, left wrong.
    """
    most = getattr(body, _MOST, None)
    was = StoreRules.read(before.store_rules).max_vector_stores if before is not None else None
    if most is not None and was in (None, most):
        deps.stores.budgets.set_spent(store_account(subject.id), UNCOUNTED)

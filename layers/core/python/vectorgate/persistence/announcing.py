"""Stores whose changes of keys and limits are announced in the process that makes them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.auth.keys.announcing import AnnouncingKeys
from vectorgate.budgets.announcing import AnnouncingBudgets

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.persistence.stores import Stores


def announcing(stores: Stores, changed: Callable[[], None]) -> Stores:
    """The same stores, which call `changed` after each write of a key or a limit."""
    return replace(
        stores, keys=AnnouncingKeys(stores.keys, changed), budgets=AnnouncingBudgets(stores.budgets, changed)
    )

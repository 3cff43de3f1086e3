"""Who held an object, and from which moment on: of objects that were adopted or transferred. Pure.

An object that was made through the gateway is held by its maker from the beginning, and its row names no holders.
"""

from __future__ import annotations

import json
from dataclasses import astuple, replace
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from vectorgate.ids import KeyId, TenantId
    from vectorgate.tenancy.ownership import Ownership

MAX_HOLDERS: Final = 32  # the last ones: the meter takes note of a change within a day


@dataclass(frozen=True, slots=True)
class Holder:
    """The owner of an object from the Unix second `since` on, until the next holder's."""

    since: int
    tenant: TenantId
    key_id: KeyId | None = None
    end_user: str | None = None


def holders_of(row: Ownership) -> tuple[Holder, ...]:
    """The holders of an object, oldest first; none if its maker has held it from the beginning."""
    return tuple(Holder(*each) for each in json.loads(row.holders or "[]"))


def given_to(row: Ownership, holder: Holder, *, is_new: bool = False) -> Ownership:
    """The row with its next holder, later than the one before by a second at least, and without the shares of that one.

    `is_new`: nothing held the object before, so that the time until now is charged to no team.
    """
    earlier = holders_of(row) or (() if is_new else (Holder(row.created_at, row.tenant, row.key_id, row.end_user),))
    since = max(holder.since, earlier[-1].since + 1) if earlier else holder.since
    holders = [*map(astuple, earlier), astuple(replace(holder, since=since))][-MAX_HOLDERS:]
    text = json.dumps(holders, separators=(",", ":"))
    row = replace(row, tenant=holder.tenant, key_id=holder.key_id, end_user=holder.end_user)
    return replace(row, holders=text, shares=None)

"""Stores that their owner shares with other teams. Pure.

The ownership row holds the shares, so that each call reads them with the owner, consistent with the last write: a share
that is taken back has ended at the next call, on every machine. A team whose share
was taken back stays in the row without a permission: what it attached is the owner's to manage.
"""

from __future__ import annotations

import json
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import TenantId
    from vectorgate.tenancy.ownership import Ownership

MAX_SHARES: Final = 24  # teams of one store: they fit into the transaction that deletes it
MAX_FORMER: Final = 16  # teams whose shares were taken back, the last ones


class Permission(StrEnum):
    """What a share allows: nothing any more, reading and searching, or changing the store and its files, too."""

    NONE = "none"
    READ = "read"
    WRITE = "write"


class Share(NamedTuple):
    """The permission of a tenant that does not own the store, since that Unix second."""

    permission: Permission
    since: int


def shares_of(row: Ownership) -> Mapping[TenantId, Share]:
    """The shares of a store by tenant, oldest first, those without a permission included."""
    return {tenant: Share(Permission(permission), since) for tenant, permission, since in _read(row.shares)}


def tenants_in(shares: str) -> Sequence[TenantId]:
    """The tenants of the shares that hold, of a row with these shares."""
    return [tenant for tenant, permission, _ in _read(shares) if permission != Permission.NONE]


def shared_with(row: Ownership) -> Mapping[TenantId, Share]:
    """The shares that hold."""
    return {tenant: share for tenant, share in shares_of(row).items() if share.permission is not Permission.NONE}


def permission_of(row: Ownership, tenant: TenantId) -> Permission:
    """What a tenant may do by a share: nothing with a store that was deleted."""
    if row.shares is None or row.retired_at is not None:
        return Permission.NONE
    share = shares_of(row).get(tenant)
    return share.permission if share is not None else Permission.NONE


def with_share(row: Ownership, tenant: TenantId, share: Share) -> Ownership:
    """The row with a share given, changed or taken back. ValueError for more than MAX_SHARES."""
    shares = dict(shares_of(row))
    before = shares.pop(tenant, None)
    if share.permission is not Permission.NONE or before is not None:
        shares[tenant] = share
    held = [name for name, each in shares.items() if each.permission is not Permission.NONE]
    former = [name for name in shares if name not in held]
    if len(held) > MAX_SHARES:
        raise ValueError("too many shares")
    for name in former[:-MAX_FORMER]:
        del shares[name]
    listed = [(name, *each) for name, each in shares.items()]
    return replace(row, shares=json.dumps(listed, separators=(",", ":")) if listed else None)


def _read(shares: str | None) -> list[tuple[TenantId, str, int]]:
    listed: list[tuple[TenantId, str, int]] = json.loads(shares or "[]")
    return listed
